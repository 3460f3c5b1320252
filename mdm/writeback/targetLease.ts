import { LeaseLost, leaseMs } from '../connections/lease.ts'
import type { Sql, Transaction } from '../db/database.ts'
import { transaction } from '../db/transaction.ts'
import type { Breaker } from '../webhooks/breaker.ts'

/** A source system that one process writes to. An older fence stores nothing. */
export interface TargetLease {
  source: string
  holder: string
  fence: number
}

export interface ClaimedTarget {
  lease: TargetLease
  breaker: Breaker
}

/**
 * Claims a target; null where another process writes to it or pulls from it. One process alone asks
 * a source system at a time, so that no request waits for a limit that another process uses up. What a
 * holder that was lost has sent is unknown from here on.
 */
export async function claimTarget(
  sql: Sql,
  holder: string,
  source: string,
): Promise<ClaimedTarget | null> {
  return await transaction(sql, async (tx) => {
    await tx`select pg_advisory_xact_lock(hashtextextended(${`pull ${source}`}, 0))`
    const [row] = await tx<
      { fence: number; failures: number; opened: number; pausedUntil: Date | null }[]
    >`
      update write_target set fence = fence + 1, leased_by = ${holder},
        leased_until = clock_timestamp() + make_interval(secs => ${leaseMs / 1_000})
      where source = ${source} and (leased_until is null or leased_until < clock_timestamp())
        and not exists (
          select from sync_state o where o.source = ${source} and o.leased_by <> ${holder} and o.leased_until >= clock_timestamp())
      returning fence, failures, opened, paused_until as "pausedUntil"`
    if (!row) return null
    await tx`
      update write_intent set state = 'UNKNOWN', code = 'WRITER_LOST', not_before = null,
        detail = 'the process that sent it ended before the response arrived: the system is asked'
      where source = ${source} and state = 'SENT'`
    const { fence, failures, opened, pausedUntil } = row
    return {
      lease: { source, holder, fence },
      breaker: { failures, opened, pausedUntil: pausedUntil?.getTime() ?? 0 },
    }
  })
}

/** Renews a lease. Throws LeaseLost. */
export async function renewTarget(sql: Sql, lease: TargetLease): Promise<void> {
  const rows = await sql`
    update write_target set leased_until = clock_timestamp() + make_interval(secs => ${leaseMs / 1_000})
    where source = ${lease.source} and fence = ${lease.fence} and leased_by = ${lease.holder}
    returning 1`
  if (rows.length === 0) throw lost(lease)
}

/** Ends a lease, so that another process may go on. */
export async function releaseTarget(sql: Sql, lease: TargetLease): Promise<void> {
  await sql`
    update write_target set leased_by = null, leased_until = null
    where source = ${lease.source} and fence = ${lease.fence} and leased_by = ${lease.holder}`
}

/** Locks the lease in shared mode until the end of the transaction. Throws LeaseLost. */
export async function requireTarget(tx: Transaction, lease: TargetLease): Promise<void> {
  const rows = await tx`
    select 1 from write_target
    where source = ${lease.source} and fence = ${lease.fence} and leased_by = ${lease.holder} for share`
  if (rows.length === 0) throw lost(lease)
}

function lost({ source }: TargetLease): LeaseLost {
  return new LeaseLost(`another process writes to ${source} now`)
}
