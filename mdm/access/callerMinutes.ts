import type { Sql } from '../db/database.ts'

const keptMinutes = 5

/**
 * Adds the operations that callers began in the present minute, by the database clock. Returns the
 * counts of all gateways for these callers. One statement; rows are written in one order, so two
 * gateways never deadlock.
 */
export async function addCallerMinutes(
  sql: Sql,
  begun: ReadonlyMap<string, number>,
): Promise<Map<string, number>> {
  const rows = [...begun].sort(([a], [b]) => (a < b ? -1 : 1))
  const totals = await sql<{ actor: string; operations: number }[]>`
    with old as (delete from caller_minute where minute < date_trunc('minute', now()) - ${keptMinutes} * interval '1 minute')
    insert into caller_minute as c (minute, actor, operations)
    select date_trunc('minute', now()), * from unnest(${rows.map(([a]) => a)}::text[], ${rows.map(([, n]) => n)}::bigint[])
    on conflict (minute, actor) do update set operations = c.operations + excluded.operations
    returning actor, operations`
  return new Map(totals.map((t) => [t.actor, t.operations]))
}
