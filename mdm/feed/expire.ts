import type { Sql } from '../db/database.ts'
import { transaction } from '../db/transaction.ts'

/** Versions removed in one transaction, so that none is long. */
const batchPositionsMax = 5_000

/** The effect of an expiry: how many positions become unreadable, up to which time. */
export interface Expiry {
  /** Positions that no cursor reaches afterwards. */
  positions: number
  oldest: number
  /** The new `oldest`. */
  target: number
}

/** Returns what `expireChanges` would do now. */
export async function planExpiry(sql: Sql, before: Date): Promise<Expiry> {
  const [head] = await sql<{ oldest: number; target: number }[]>`
    select h.oldest, greatest(h.oldest, coalesce(
      (select position from change where position >= h.oldest and at >= ${before} order by position limit 1),
      h.position + 1)) as target
    from feed_head h`
  const { oldest, target } = head ?? { oldest: 1, target: 1 }
  return { positions: target - oldest, oldest, target }
}

/**
 * Expires events committed before `before`: advances `oldest`, and removes the versions that a
 * newer one, also before the new `oldest`, has superseded. The newest version before `oldest` stays
 * for each golden record (docs/FEED.md, 7.2). Several processes may call it, and it may be stopped
 * at any time; the next call continues. Returns the new `oldest`.
 */
export async function expireChanges(sql: Sql, before: Date, signal?: AbortSignal): Promise<number> {
  const { target } = await planExpiry(sql, before)
  for (;;) {
    const [head] = await sql<{ oldest: number }[]>`select oldest from feed_head`
    const from = head?.oldest ?? 1
    if (from >= target || signal?.aborted) return from
    const next = Math.min(from + batchPositionsMax, target)
    await transaction(sql, async (tx) => {
      // One concurrent caller at a time. `oldest` moves in this transaction, so a reader that no
      // longer finds the removed versions sees the new `oldest` too; last, because writers wait for
      // feed_head.
      await tx`select pg_advisory_xact_lock(hashtext('touchstone expire'))`
      await tx`
        delete from change c where position >= ${from} and position < ${next} and exists (
          select from change n
          where n.golden_id = c.golden_id and n.version > c.version and n.position < ${next})`
      // Versions that were the newest before `from` and are superseded by one that expires now.
      await tx`
        delete from change c using change n
        where n.position >= ${from} and n.position < ${next}
          and c.golden_id = n.golden_id and c.version < n.version and c.position < ${from}`
      await tx`update feed_head set oldest = greatest(oldest, ${next})`
    })
  }
}
