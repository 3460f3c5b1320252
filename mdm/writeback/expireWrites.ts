import type { Sql } from '../db/database.ts'
import { conflictsMax } from './stop.ts'

/** Rows that one statement deletes. */
const expiredRowsMax = 1_000

/**
 * Deletes some of the writes that ended more than `daysMax` days ago, and requests about writes of that
 * age. Returns the number of writes. These stay:
 * - what waits for a person, with all earlier writes of its record: without them the target would be
 *   written again that has changed a value back,
 * - creates that were made: they say which record a golden record has had in the target, so that no
 *   second one is created.
 * Echoes do not depend on writes: they have tables of their own.
 */
export async function expireWrites(sql: Sql, daysMax: number): Promise<number> {
  const rows = await sql`
    delete from write_intent where id in (
      select i.id from write_intent i
      where i.ended_at is not null and i.ended_at < clock_timestamp() - make_interval(days => ${daysMax})
        and not (i.operation = 'CREATE' and i.state = 'DONE')
        and not exists (
          select from write_intent o where o.source = i.source and o.object = i.object
            and coalesce(o.source_id, o.golden_id::text) = coalesce(i.source_id, i.golden_id::text)
            and o.state in ('REFUSED', 'CONFLICT') and o.released_at is null
            and (o.state = 'REFUSED' or o.conflicts >= ${conflictsMax}))
      order by i.ended_at, i.id limit ${expiredRowsMax})
    returning 1`
  await sql`
    delete from write_request where (actor, idempotency_key) in (
      select actor, idempotency_key from write_request
      where at < clock_timestamp() - make_interval(days => ${daysMax}) order by at limit ${expiredRowsMax})`
  return rows.length
}
