import type { Sql } from '../db/database.ts'
import { type Lease, lost } from './lease.ts'
import type { Problem } from './runs.ts'

/**
 * Ends the lease after a complete run. `problem` is that of a census: it does not hold back pulls,
 * and an open question stays until a census answers it. `note` is what the run did in another way.
 * After the first complete run no record is missing, so it counts as a census. Throws LeaseLost.
 */
export async function settleDone(
  sql: Sql,
  lease: Lease,
  everyMs: number,
  problem: Problem | null,
  note: Problem | null = null,
): Promise<void> {
  await settle(
    sql,
    lease,
    sql`state = 'IDLE', since = clock_timestamp(), failed_since = null, code = coalesce(${problem?.code ?? null}, case when census_missing is null then ${note?.code ?? null} else code end),
      detail = coalesce(${problem?.detail ?? null}, case when census_missing is null then ${note?.detail ?? null} else detail end),
      verdict = ${(problem ?? note)?.verdict ?? null}, attempts = 0, rescan_since = null,
      census_at = coalesce(census_at, clock_timestamp()), success_at = clock_timestamp(), due_at = clock_timestamp() + make_interval(secs => ${everyMs / 1_000})`,
  )
}

/** Ends the lease of a process that stops. Another goes on at once. */
export async function settleStopped(sql: Sql, lease: Lease): Promise<void> {
  await settle(
    sql,
    lease,
    sql`state = case when rescan_since is null then 'IDLE' else 'RESCAN' end,
      since = case when rescan_since is null then clock_timestamp() else since end, due_at = clock_timestamp()`,
  )
}

/** Ends the lease after a failure. Throws LeaseLost. */
export async function settleFailed(
  sql: Sql,
  lease: Lease,
  problem: Problem,
  attempts: number,
  dueAt: number,
): Promise<void> {
  await settle(
    sql,
    lease,
    sql`state = 'FAILED', since = clock_timestamp(), failed_since = coalesce(failed_since, clock_timestamp()), code = ${problem.code}, detail = ${problem.detail}, verdict = ${problem.verdict},
      attempts = ${attempts}, due_at = ${new Date(dueAt)}`,
  )
}

/** Ends the lease of an object that its system lacks: it is paused. Throws LeaseLost. */
export async function settleAbsent(sql: Sql, lease: Lease, problem: Problem): Promise<void> {
  await settle(
    sql,
    lease,
    sql`state = 'PAUSED', since = clock_timestamp(), failed_since = null, attempts = 0, actor = null,
      code = ${problem.code}, detail = ${problem.detail}, verdict = ${problem.verdict}`,
  )
}

/**
 * Forgets the position of an object, which is then read as a whole. The holder stays. Throws
 * LeaseLost.
 */
export async function settleGone(sql: Sql, lease: Lease, problem: Problem): Promise<void> {
  const rows = await sql`
    update sync_state set state = 'RESCAN', since = case when state = 'RESCAN' then since else clock_timestamp() end,
      rescan_since = coalesce(rescan_since, clock_timestamp()), code = ${problem.code}, detail = ${problem.detail},
      verdict = ${problem.verdict}, position = null, position_at = null, expires_at = null, within_run = false, rows = 0
    where source = ${lease.source} and object = ${lease.object} and fence = ${lease.fence} and leased_by = ${lease.holder}
    returning 1`
  if (rows.length === 0) throw lost(lease)
}

async function settle(sql: Sql, lease: Lease, changes: ReturnType<Sql>): Promise<void> {
  const rows = await sql`
    update sync_state s set ${changes}, leased_by = null, leased_until = null
    where source = ${lease.source} and object = ${lease.object} and fence = ${lease.fence} and leased_by = ${lease.holder}
    returning 1`
  if (rows.length === 0) throw lost(lease)
}

/** Stores that a census failed: it is tried again after a while. Throws LeaseLost. */
export async function delayCensus(sql: Sql, lease: Lease, everyMs: number): Promise<void> {
  const rows = await sql`
    update sync_state set census_at = clock_timestamp() - make_interval(secs => ${(everyMs - Math.min(everyMs, censusRetryMs)) / 1_000})
    where source = ${lease.source} and object = ${lease.object} and fence = ${lease.fence} and leased_by = ${lease.holder}
    returning 1`
  if (rows.length === 0) throw lost(lease)
}
const censusRetryMs = 3_600_000

/** Stores when a census was taken, and its question to the owner. Throws LeaseLost. */
export async function saveCensus(
  sql: Sql,
  lease: Lease,
  { missing, problem, complete }: { missing: number; problem: Problem | null; complete: boolean },
): Promise<void> {
  const rows = await sql`
    update sync_state set census_at = case when ${complete}::boolean then clock_timestamp() else census_at end, census_allowed = null,
      census_missing = ${problem ? missing : null}::bigint, code = ${problem?.code ?? null}, detail = ${problem?.detail ?? null}
    where source = ${lease.source} and object = ${lease.object} and fence = ${lease.fence} and leased_by = ${lease.holder}
    returning 1`
  if (rows.length === 0) throw lost(lease)
}
