import type { PullMode, RequestCounts, Verdict } from '../../connectors/connection/contract.ts'
import type { syncRun } from '../../schema/tables/sync.ts'
import type { Sql, Transaction } from '../db/database.ts'
import { type Lease, lost } from './lease.ts'

/** A run under way. */
export interface Run {
  id: number
  mode: PullMode
  lease: Lease
  /** Whether hints waited when it began: rows that it reads take theirs away. */
  hasHints: boolean
}

/** Why a run or an object is not as it should be, for people. */
export interface Problem {
  code: string
  detail: string
  verdict: Verdict | null
}

export type EndedRunState = Exclude<(typeof syncRun.$inferSelect)['state'], 'RUNNING'>

/** Runs are kept this long. */
export const runDaysMax = 30
const expiredRowsMax = 1_000

/**
 * Begins a run in the history. `fromBeginning`: the rows are counted from 0. Throws LeaseLost.
 */
export async function beginRun(
  sql: Sql,
  lease: Lease,
  mode: PullMode,
  fromBeginning = false,
): Promise<Run> {
  const [row] = await sql<{ id: number; hasHints: boolean }[]>`
    with held as (
      update sync_state set rows = case when ${fromBeginning}::boolean then 0 else rows end
      where source = ${lease.source} and object = ${lease.object} and fence = ${lease.fence}
      returning source, object)
    insert into sync_run (source, object, mode) select source, object, ${mode} from held
    returning id, exists (select from read_hint h where h.source = ${lease.source} and h.object = ${lease.object}) as "hasHints"`
  if (!row) throw lost(lease)
  return { ...row, mode, lease }
}

/** Ends a run; a run that was ended as lost stays so. */
export async function endRun(
  sql: Sql | Transaction,
  run: Run,
  state: EndedRunState,
  counts: RequestCounts,
  problem: Problem | null = null,
): Promise<void> {
  await sql`
    update sync_run set state = ${state}, ended_at = clock_timestamp(), requests = ${counts.requests}, retries = ${counts.retries},
      waits = ${counts.waits}, code = ${problem?.code ?? null}, detail = ${problem?.detail ?? null}, verdict = ${problem?.verdict ?? null}
    where id = ${run.id} and ended_at is null`
}

/** Deletes the oldest expired runs, and what lost censuses left behind. */
export async function expireRuns(sql: Sql): Promise<void> {
  await sql`
    delete from sync_run where id in (
      select id from sync_run where ended_at < clock_timestamp() - make_interval(days => ${runDaysMax}) order by ended_at limit ${expiredRowsMax})`
  await sql`
    delete from census_seen c where not exists (select from sync_run r where r.id = c.run_id and r.ended_at is null)`
}
