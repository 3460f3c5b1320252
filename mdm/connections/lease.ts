import type { PullPosition } from '../../connectors/connection/contract.ts'
import type { syncState } from '../../schema/tables/sync.ts'
import type { Sql, Transaction } from '../db/database.ts'
import { transaction } from '../db/transaction.ts'

/** Time until the lease of a process that does not renew it expires. */
export const leaseMs = 30_000

/** One object of a source system, held by one process. An older fence stores nothing. */
export interface Lease {
  source: string
  object: string
  holder: string
  fence: number
}

/** A claimed object with what its run begins from. */
export interface ClaimedObject
  extends Pick<
    typeof syncState.$inferSelect,
    | 'withinRun'
    | 'rescanSince'
    | 'successAt'
    | 'censusAt'
    | 'censusMissing'
    | 'censusAllowed'
    | 'requested'
    | 'attempts'
  > {
  lease: Lease
  position: PullPosition | null
  /** False where only hints are due. */
  isDue: boolean
}

/** Thrown where another process holds the object now, or a person paused it. */
export class LeaseLost extends Error {}

/** Makes the rows of objects that are pulled for the first time. */
export async function addObjects(
  sql: Sql,
  source: string,
  objects: readonly string[],
): Promise<void> {
  await sql`
    insert into sync_state (source, object) select ${source}, o from unnest(${[...objects]}::text[]) o
    on conflict do nothing`
}

export interface DueObject {
  source: string
  object: string
}

/** Lists the objects of these source systems that are due and that nobody holds. */
export async function listDue(sql: Sql, sources: readonly string[]): Promise<DueObject[]> {
  return await sql<DueObject[]>`
    select source, object from sync_state s
    where source = any(${[...sources]}::text[]) and state <> 'PAUSED'
      and (due_at <= clock_timestamp() or requested is not null or ${hintsAreDue(sql)})
      and (leased_until is null or leased_until < clock_timestamp())
    order by due_at`
}

/** Hints of a failing object wait until it is tried again; those of a rescan follow it. */
function hintsAreDue(sql: Sql | Transaction) {
  return sql`(s.state in ('IDLE', 'RUNNING') and coalesce(s.hints_due_at, '-infinity') <= clock_timestamp()
    and exists (select from read_hint h where h.source = s.source and h.object = s.object and h.due_at <= clock_timestamp()))`
}

/**
 * Claims an object: null where another process holds an object of its source system or writes to it,
 * or a person paused it, or it is not due and `early` is false. Ends the run of a holder that was lost. Uses the
 * clock of the database, one for all processes. One process alone asks a source system at a time,
 * so that no request waits for a limit that another process uses up.
 */
export async function claimObject(
  sql: Sql,
  holder: string,
  { source, object }: DueObject,
  early = false,
): Promise<ClaimedObject | null> {
  const row = await transaction(sql, async (tx) => {
    await tx`select pg_advisory_xact_lock(hashtextextended(${`pull ${source}`}, 0))`
    return await claimRow(tx, holder, source, object, early)
  })
  if (!row) return null
  const { fence, ...claimed } = row
  return { ...claimed, lease: { source, object, holder, fence } }
}

async function claimRow(
  tx: Transaction,
  holder: string,
  source: string,
  object: string,
  early: boolean,
): Promise<(Omit<ClaimedObject, 'lease'> & { fence: number }) | undefined> {
  const [row] = await tx<(Omit<ClaimedObject, 'lease'> & { fence: number })[]>`
    with before as (
      select source, object, requested, (${early}::boolean or due_at <= clock_timestamp() or requested is not null) as is_due
      from sync_state s
      where source = ${source} and object = ${object} and state <> 'PAUSED'
        and (${early}::boolean or due_at <= clock_timestamp() or requested is not null or ${hintsAreDue(tx)})
        and (leased_until is null or leased_until < clock_timestamp())
        and not exists (
          select from sync_state o where o.source = ${source} and o.leased_by <> ${holder} and o.leased_until >= clock_timestamp())
        and not exists (
          select from write_target o where o.source = ${source} and o.leased_by <> ${holder} and o.leased_until >= clock_timestamp())
      for update skip locked),
    lost as (
      update sync_run r set state = 'LOST', ended_at = clock_timestamp(), code = 'LEASE_LOST',
        detail = 'the process that ran it ended or was not heard of'
      from before b where r.source = b.source and r.object = b.object and r.ended_at is null)
    update sync_state s set fence = fence + 1, leased_by = ${holder}, requested = null,
      due_at = case when b.is_due then clock_timestamp() else s.due_at end,
      leased_until = clock_timestamp() + make_interval(secs => ${leaseMs / 1_000}),
      state = case when rescan_since is null then 'RUNNING' else 'RESCAN' end,
      since = case when state = case when rescan_since is null then 'RUNNING' else 'RESCAN' end then since else clock_timestamp() end
    from before b where s.source = b.source and s.object = b.object
    returning s.fence, s.position, s.within_run as "withinRun", s.rescan_since as "rescanSince", s.success_at as "successAt", s.census_at as "censusAt",
      s.census_missing as "censusMissing", s.census_allowed as "censusAllowed", b.requested, s.attempts, b.is_due as "isDue"`
  return row
}

/** Renews a lease. Throws LeaseLost. */
export async function renewLease(sql: Sql | Transaction, lease: Lease): Promise<void> {
  const rows = await sql`
    update sync_state set leased_until = clock_timestamp() + make_interval(secs => ${leaseMs / 1_000})
    where source = ${lease.source} and object = ${lease.object} and fence = ${lease.fence} and leased_by = ${lease.holder}
    returning 1`
  if (rows.length === 0) throw lost(lease)
}

export function lost({ source, object }: Lease): LeaseLost {
  return new LeaseLost(
    `${object} of ${source} was paused, read again or claimed by another process`,
  )
}
