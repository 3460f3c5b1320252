import type { Sql } from '../db/database.ts'

export interface ReplayRange {
  source: string
  from: Date | null
  to: Date | null
  /** Messages with a higher number than `after`, up to `upTo`. */
  after: number
  upTo: number
  rowsMax: number
}

/** Returns the number of the newest message; 0 if there is none. */
export async function newestMessage(sql: Sql): Promise<number> {
  const [row] = await sql<{ id: number | null }[]>`select max(id) as id from inbox`
  return row?.id ?? 0
}

/**
 * Returns messages of a source system in order of arrival, without corrected and discarded ones.
 * Scans the primary key from `after`; the block ranges of received_at find the start of a time
 * range.
 */
export async function readForReplay(
  sql: Sql,
  range: ReplayRange,
): Promise<{ id: number; object: string | null }[]> {
  const { source, from, to, after, upTo, rowsMax } = range
  return await sql<{ id: number; object: string | null }[]>`
    select i.id, i.object from inbox i
    where i.source = ${source} and i.id > ${after} and i.id <= ${upTo}
      ${from ? sql`and i.received_at >= ${from}` : sql``} ${to ? sql`and i.received_at < ${to}` : sql``}
      and not exists (select 1 from outcome o where o.inbox_id = i.id and o.outcome in ('CORRECTED', 'DISCARDED'))
    order by i.id limit ${rowsMax}`
}

/** Counts replayed messages in the queue, up to `max` and a little beyond. */
export async function countReplaying(sql: Sql, max: number): Promise<number> {
  const [row] = await sql<{ n: number }[]>`
    select count(*)::int as n from (select 1 from pending where replay limit ${max + 1}) x`
  return row?.n ?? 0
}
