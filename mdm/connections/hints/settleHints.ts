import type { ConnectionError } from '../../../connectors/connection/contract.ts'
import type { Sql } from '../../db/database.ts'
import { type Lease, lost } from '../lease.ts'
import { retryAt } from '../retryAt.ts'

/**
 * Stores how reading the hints of an object ended. After a failure all of them wait, and the pull of
 * the object goes on without them. Throws LeaseLost.
 */
export async function settleHints(
  sql: Sql,
  lease: Lease,
  problem: ConnectionError | null,
): Promise<void> {
  const { source, object, fence, holder } = lease
  const [row] = await sql<{ attempts: number }[]>`
    update sync_state set hint_attempts = case when ${problem === null} then 0 else hint_attempts + 1 end,
      hint_code = ${problem?.code ?? null}, hint_detail = ${problem?.message ?? null}, hints_due_at = null
    where source = ${source} and object = ${object} and fence = ${fence} and leased_by = ${holder}
    returning hint_attempts as attempts`
  if (!row) throw lost(lease)
  if (problem === null) return
  const dueAt = retryAt(problem.verdict, row.attempts, problem.notBefore, Date.now())
  await sql`
    update sync_state set hints_due_at = ${new Date(dueAt)}
    where source = ${source} and object = ${object} and fence = ${fence} and leased_by = ${holder}`
}

/** Ends the lease of a claim that read hints alone: its next pull is due as before. */
export async function settleHinted(sql: Sql, lease: Lease): Promise<void> {
  const rows = await sql`
    update sync_state set state = 'IDLE', since = clock_timestamp(), leased_by = null, leased_until = null
    where source = ${lease.source} and object = ${lease.object} and fence = ${lease.fence} and leased_by = ${lease.holder}
    returning 1`
  if (rows.length === 0) throw lost(lease)
}
