import type { Sql } from '../db/database.ts'
import { transaction } from '../db/transaction.ts'
import { appendAudit } from './audit.ts'
import { EXPIRED_EVENT } from './chainWalk.ts'

/** Entries removed in one transaction, so that none is long. */
const batchEntriesMax = 20_000

export interface AuditExpiry {
  /** The last entry that has expired already. */
  from: number
  /** The last entry that would expire. */
  through: number
}

/**
 * Returns what `expireAudit` would remove now: entries from before `before`, up to the first later
 * one.
 */
export async function planAuditExpiry(sql: Sql, before: Date): Promise<AuditExpiry> {
  const [head] = await sql<{ from: number; through: number }[]>`
    select h.start_id as "from", coalesce(
      (select id - 1 from audit where at >= ${before} order by id limit 1), h.id) as through
    from audit_head h`
  const { from, through } = head ?? { from: 0, through: 0 }
  return { from, through: Math.max(from, through) }
}

/**
 * Removes the oldest entries, up to `through`. Each transaction appends an entry that names the
 * last removed one with its hash: the log begins after it, and stays verifiable. Needs the owner of
 * the table, because the trigger that refuses changes is disabled for the transaction. Returns the
 * last removed entry.
 */
export async function expireAudit(
  sql: Sql,
  through: number,
  by: { actor: string; reason: string },
  signal?: AbortSignal,
): Promise<number> {
  for (;;) {
    const removed = await transaction(sql, async (tx) => {
      const [head] = await tx<{ from: number; last: number }[]>`
        select start_id as "from", id as last from audit_head for update`
      const from = head?.from ?? 0
      const next = Math.min(from + batchEntriesMax, through, head?.last ?? 0)
      if (next <= from) return { through: from, done: true }
      const [last] = await tx<{ hash: Uint8Array }[]>`select hash from audit where id = ${next}`
      if (!last) throw new Error(`entry ${next} of the audit log is missing`)
      await tx`alter table audit disable trigger audit_append_only`
      await tx`delete from audit where id <= ${next}`
      await tx`alter table audit enable trigger audit_append_only`
      await tx`update audit_head set start_id = ${next}, start_hash = ${last.hash}`
      await appendAudit(tx, {
        event: EXPIRED_EVENT,
        ...by,
        after: from,
        through: next,
        hash: Buffer.from(last.hash).toString('hex'),
      })
      return { through: next, done: next >= through }
    })
    if (removed.done || signal?.aborted) return removed.through
  }
}
