import type { Sql } from '../db/database.ts'

const keptMinutes = 5

/**
 * Adds what callers began in the present minute, by the clock of the database, and answers what all gateways have counted of
 * them in it. One statement; rows in one order, so that two gateways never wait in a circle.
 */
export async function addCallerMinutes(sql: Sql, begun: ReadonlyMap<string, number>): Promise<Map<string, number>> {
  const rows = [...begun].sort(([a], [b]) => (a < b ? -1 : 1))
  const totals = await sql<{ actor: string; operations: number }[]>`
    with old as (delete from caller_minute where minute < date_trunc('minute', now()) - ${keptMinutes} * interval '1 minute')
    insert into caller_minute as c (minute, actor, operations)
    select date_trunc('minute', now()), * from unnest(${rows.map(([a]) => a)}::text[], ${rows.map(([, n]) => n)}::bigint[])
    on conflict (minute, actor) do update set operations = c.operations + excluded.operations
    returning actor, operations`
  return new Map(totals.map((t) => [t.actor, t.operations]))
}
