import type { syncRun, syncState } from '../../schema/tables/sync.ts'
import type { Sql } from '../db/database.ts'
import type { SortTerm } from '../db/keyset.ts'
import { type Listing, listPage } from '../db/page.ts'
import type { Condition } from '../db/statement.ts'

/** The state of one object that is pulled. */
export interface ObjectState
  extends Omit<
    typeof syncState.$inferSelect,
    | 'position'
    | 'withinRun'
    | 'inboxId'
    | 'censusAllowed'
    | 'fence'
    | 'leasedBy'
    | 'leasedUntil'
    | 'requestKey'
    | 'expiresAt'
    | 'hintAttempts'
  > {
  /** When the position expires; null where it does not. */
  positionExpiresAt: Date | null
  /** Whether a process reads it now. */
  isHeld: boolean
  /** Records that events named and that are not read yet. */
  hints: number
  /** Since when the oldest of them waits. */
  hintsSince: Date | null
  /** How many of them are not there, or are refused, and why the oldest of these is. */
  hintsHeld: number
  hintHeldDetail: string | null
}

export type SyncRun = typeof syncRun.$inferSelect

/** A filter. All given parts must match; an empty list matches nothing. */
export interface SyncFilter {
  sources?: readonly string[] | null
  objects?: readonly string[] | null
  states?: readonly string[] | null
}

/** A filter of runs. */
export interface RunFilter extends SyncFilter {
  modes?: readonly string[] | null
  /** The run began then or later. */
  since?: string | null
}

const stateColumns = `s.source, s.object, s.state, s.since, s.code, s.detail, s.verdict, s.attempts, s.failed_since as "failedSince",
  s.actor, s.due_at as "dueAt", s.requested, s.position_at as "positionAt", s.expires_at as "positionExpiresAt",
  s.rescan_since as "rescanSince", s.rows, s.announced, s.success_at as "successAt", s.census_at as "censusAt",
  s.census_missing as "censusMissing", s.hint_code as "hintCode", s.hint_detail as "hintDetail", s.hints_due_at as "hintsDueAt",
  (select count(*)::int from read_hint h where h.source = s.source and h.object = s.object) as hints,
  (select min(h.since) from read_hint h where h.source = s.source and h.object = s.object) as "hintsSince",
  (select count(h.code)::int from read_hint h where h.source = s.source and h.object = s.object) as "hintsHeld",
  (select h.detail from read_hint h where h.source = s.source and h.object = s.object and h.code is not null order by h.since limit 1) as "hintHeldDetail",
  coalesce(s.leased_until > clock_timestamp(), false) as "isHeld"`

/** The objects that are pulled, as a list. */
export const stateListing: Listing = {
  from: 'sync_state s',
  where: 'true',
  columns: () => stateColumns,
  unique: { name: 'object', sql: `s.source || ' ' || s.object`, type: 'text', nullable: false },
}

export const stateOrder: SortTerm[] = [{ column: stateListing.unique, descending: false }]

const runColumns = `r.id, r.source, r.object, r.mode, r.state, r.began_at as "beganAt", r.ended_at as "endedAt", r.pages, r.rows,
  r.messages, r.deletions, r.requests, r.retries, r.waits, r.code, r.detail, r.verdict`

/** The history of runs, as a list. */
export const runListing: Listing = {
  from: 'sync_run r',
  where: 'true',
  columns: () => runColumns,
  unique: { name: 'id', sql: 'r.id', type: 'bigint', nullable: false },
}

export const latestRuns: SortTerm[] = [{ column: runListing.unique, descending: true }]

/** Returns the condition of a filter over the alias of a listing. */
export function syncCondition(alias: 's' | 'r', filter: SyncFilter): Condition {
  return (p) => {
    const where = ['true']
    if (filter.sources) where.push(`${alias}.source = any(${p.list(filter.sources, 'text')})`)
    if (filter.objects) where.push(`${alias}.object = any(${p.list(filter.objects, 'text')})`)
    if (filter.states) where.push(`${alias}.state = any(${p.list(filter.states, 'text')})`)
    return where.join(' and ')
  }
}

/** Returns the condition over the alias r that a filter of runs states. */
export function runCondition({ modes, since, ...filter }: RunFilter): Condition {
  const own = syncCondition('r', filter)
  return (p) => {
    const where = [own(p)]
    if (modes) where.push(`r.mode = any(${p.list(modes, 'text')})`)
    if (since) where.push(`r.began_at >= ${p.add(since, 'timestamptz')}`)
    return where.join(' and ')
  }
}

/** Returns the states of all objects that a filter names, by source system and object. */
export async function readStates(
  sql: Sql,
  filter: SyncFilter,
  limit: number,
): Promise<ObjectState[]> {
  const request = {
    order: stateOrder,
    condition: syncCondition('s', filter),
    backward: false,
    limit,
  }
  return (await listPage<ObjectState>(sql, stateListing, request)).rows
}

/** Returns the latest runs that a filter names. */
export async function readRuns(sql: Sql, filter: SyncFilter, limit: number): Promise<SyncRun[]> {
  const request = {
    order: latestRuns,
    condition: syncCondition('r', filter),
    backward: false,
    limit,
  }
  return (await listPage<SyncRun>(sql, runListing, request)).rows
}
