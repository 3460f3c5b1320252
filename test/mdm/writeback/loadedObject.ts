import type { Sql } from '../../../mdm/db/database.ts'

/** Says that an object of a source system was read as a whole. */
export async function markLoaded(sql: Sql, source: string, object: string): Promise<void> {
  await sql`
    insert into sync_state (source, object, success_at) values (${source}, ${object}, clock_timestamp())
    on conflict (source, object) do update set success_at = excluded.success_at`
}
