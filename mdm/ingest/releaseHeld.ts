import type { Sql } from '../db/database.ts'
import { transaction } from '../db/transaction.ts'
import { requeue } from '../inbox/requeue.ts'

/** Messages that one statement reads and queues. */
const stepRows = 1_000

/**
 * Puts messages into the queue again that are exceptions only because their source system was held
 * (`SOURCE_HELD`), in order of arrival. `sources` are held no longer. Returns how many were queued.
 * Walks the partial index of open exceptions.
 */
export async function releaseHeld(sql: Sql, sources: readonly string[]): Promise<number> {
  let queued = 0
  for (let last = 0; ; ) {
    const rows = await sql<{ id: number }[]>`
      select o.inbox_id as id from outcome o
      where o.outcome = 'EXCEPTION' and o.code = 'SOURCE_HELD' and o.source = any(${sources as string[]}::text[])
        and o.inbox_id > ${last}
      order by o.inbox_id limit ${stepRows}`
    const ids = rows.map((r) => r.id)
    if (ids.length > 0) queued += await transaction(sql, (tx) => requeue(tx, ids))
    last = ids.at(-1) ?? last
    if (ids.length < stepRows) return queued
  }
}
