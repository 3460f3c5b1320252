import type { Sql } from '../db/database.ts'

/** Messages that one transaction applied, and when. */
export interface Batch {
  worker: string
  inboxIds: number[]
  claimedAt: Date
  appliedAt: Date
}

/** Saves batches for traces, outside the transactions that applied them, which hold locks. */
export async function saveBatches(sql: Sql, batches: readonly Batch[]): Promise<void> {
  if (batches.length === 0) return
  await sql`
    insert into batch (worker, messages, claimed_at, applied_at)
    select worker, messages::int8multirange, claimed_at, applied_at
    from unnest(${batches.map((b) => b.worker)}::text[], ${batches.map((b) => multirange(b.inboxIds))}::text[],
      ${batches.map((b) => b.claimedAt.toISOString())}::timestamptz[], ${batches.map((b) => b.appliedAt.toISOString())}::timestamptz[])
      as b (worker, messages, claimed_at, applied_at)`
}

/** Returns the multirange literal of whole numbers, with neighbours joined: `{[1,4),[7,8)}`. */
export function multirange(numbers: readonly number[]): string {
  const ranges: [number, number][] = []
  for (const n of numbers.toSorted((a, b) => a - b)) {
    const last = ranges.at(-1)
    if (last && n <= last[1]) last[1] = Math.max(last[1], n + 1)
    else ranges.push([n, n + 1])
  }
  return `{${ranges.map(([from, to]) => `[${from},${to})`).join(',')}}`
}

/** Returns the batches of a message, earliest first; several after a replay. */
export async function readBatches(
  sql: Sql,
  inboxId: number,
): Promise<{ worker: string; claimedAt: Date; appliedAt: Date; messages: number }[]> {
  return await sql<{ worker: string; claimedAt: Date; appliedAt: Date; messages: number }[]>`
    select worker, claimed_at as "claimedAt", applied_at as "appliedAt",
      (select sum(upper(r) - lower(r))::int from unnest(b.messages) r) as messages
    from batch b where b.messages @> ${inboxId}::bigint order by id`
}

export async function dropBatches(sql: Sql, olderThanDays: number): Promise<void> {
  await sql`delete from batch where applied_at < now() - make_interval(days => ${olderThanDays}::int)`
}
