import type { writeIntent, writeTarget } from '../../schema/tables/writeback.ts'
import { isUuid } from '../../schema/uuid.ts'
import type { WRITE_STATES } from '../../schema/writeStates.ts'
import type { Sql } from '../db/database.ts'
import type { SortTerm } from '../db/keyset.ts'
import { type Listing, listPage, type Relation } from '../db/page.ts'
import type { Condition } from '../db/statement.ts'
import { conflictsMax } from './stop.ts'
import { POSSIBLE_MATCH } from './undecided.ts'

export type WriteState = (typeof WRITE_STATES)[number]

/** A write as people see it, without raw values. */
export type IntentRow = Pick<
  typeof writeIntent.$inferSelect,
  | 'id'
  | 'goldenId'
  | 'type'
  | 'source'
  | 'object'
  | 'sourceId'
  | 'operation'
  | 'state'
  | 'version'
  | 'changes'
  | 'refused'
  | 'position'
  | 'correlationId'
  | 'policyVersion'
  | 'waitsFor'
  | 'code'
  | 'detail'
  | 'verdict'
  | 'attempts'
  | 'conflicts'
  | 'notBefore'
  | 'plannedAt'
  | 'sentAt'
  | 'endedAt'
  | 'releasedAt'
  | 'actor'
>

/** A filter. All given parts must match; an empty list matches nothing. */
export interface IntentFilter {
  sources?: readonly string[] | null
  objects?: readonly string[] | null
  states?: readonly string[] | null
  goldenId?: string | null
  types?: readonly string[] | null
  /** Planned at this moment or later. */
  since?: string | null
  /** Whether a person has to decide about it. */
  needsPerson?: boolean | null
}

const columns = `i.id, i.golden_id as "goldenId", i.type, i.source, i.object, i.source_id as "sourceId", i.operation, i.state,
  i.version, i.changes, i.refused, i.position, i.correlation_id as "correlationId", i.policy_version as "policyVersion",
  i.waits_for as "waitsFor", i.code, i.detail, i.verdict, i.attempts, i.conflicts, i.not_before as "notBefore",
  i.planned_at as "plannedAt", i.sent_at as "sentAt", i.ended_at as "endedAt", i.released_at as "releasedAt", i.actor`

/** All writes, as a list. */
export const intentListing: Listing = {
  from: 'write_intent i',
  where: 'true',
  columns: () => columns,
  unique: { name: 'id', sql: 'i.id', type: 'bigint', nullable: false },
}

export const latestIntents: SortTerm[] = [{ column: intentListing.unique, descending: true }]

/** The writes for the golden record that the parent is. */
export const intentsOfGolden: Relation = { from: 'write_intent i', where: 'i.golden_id = p.id' }
/** The writes to the source system that the parent names. */
export const intentsOfSource: Relation = {
  from: 'write_intent i',
  where: 'i.source = p.id',
  parent: 'text',
}
/** The writes to an object; the parent is the name of its source system, a blank, and its own. */
export const intentsOfObject: Relation = {
  from: 'write_intent i',
  where: `i.source = split_part(p.id, ' ', 1) and i.object = substr(p.id, strpos(p.id, ' ') + 1)`,
  parent: 'text',
}

/** SQL condition over the alias i: a person has to decide, or nothing happens any more. */
const NEEDS_PERSON = `(i.state in ('HELD', 'WAITING_APPROVAL')
  or i.state = 'WAITING' and coalesce(i.code = '${POSSIBLE_MATCH}', false)
  or i.released_at is null and (i.state = 'REFUSED' or i.state = 'CONFLICT' and i.conflicts >= ${conflictsMax}))`

export function intentCondition(filter: IntentFilter): Condition {
  return (p) => {
    const where = ['true']
    if (filter.sources) where.push(`i.source = any(${p.list(filter.sources, 'text')})`)
    if (filter.objects) where.push(`i.object = any(${p.list(filter.objects, 'text')})`)
    if (filter.states) where.push(`i.state = any(${p.list(filter.states, 'text')})`)
    if (filter.types) where.push(`i.type = any(${p.list(filter.types, 'text')})`)
    // A malformed id belongs to nothing.
    if (typeof filter.goldenId === 'string')
      where.push(
        isUuid(filter.goldenId)
          ? `i.golden_id = any(${p.list([filter.goldenId], 'uuid')})`
          : 'false',
      )
    if (filter.since) where.push(`i.planned_at >= ${p.add(filter.since, 'timestamptz')}`)
    if (typeof filter.needsPerson === 'boolean')
      where.push(filter.needsPerson ? NEEDS_PERSON : `not ${NEEDS_PERSON}`)
    return where.join(' and ')
  }
}

/** Returns the latest writes that a filter names; `before` is the id of the last one shown. */
export async function readIntents(
  sql: Sql,
  filter: IntentFilter,
  limit: number,
  before: number | null,
): Promise<IntentRow[]> {
  const own = intentCondition(filter)
  const condition: Condition = (p) =>
    before === null ? own(p) : `${own(p)} and i.id < ${Math.trunc(before)}`
  const request = { order: latestIntents, condition, backward: false, limit }
  return (await listPage<IntentRow>(sql, intentListing, request)).rows
}

/** Returns writes by their number, as text. */
export async function readIntentsById(
  sql: Sql,
  ids: readonly string[],
): Promise<Map<string, IntentRow>> {
  const rows = await sql.unsafe<IntentRow[]>(
    `select ${columns} from write_intent i where i.id = any($1::bigint[])`,
    [ids as string[]],
  )
  return new Map(rows.map((r) => [String(r.id), r]))
}

/** A source system that is written to. */
export type TargetRow = Omit<
  typeof writeTarget.$inferSelect,
  'version' | 'registeredBy' | 'scanAfter' | 'fence' | 'leasedBy' | 'leasedUntil' | 'opened'
>

/** Returns the state of all source systems that writes are planned for, by name. */
export async function readTargets(sql: Sql): Promise<TargetRow[]> {
  return await sql<TargetRow[]>`
    select source, failures, failed_since as "failedSince", code, detail, verdict,
      scanned, scan_total as "scanTotal", scanned_at as "scannedAt",
      case when paused_until > clock_timestamp() then paused_until end as "pausedUntil"
    from write_target order by source`
}

export interface StateCount {
  state: WriteState
  count: number
}

/** Counts the writes of source systems by state, from an index alone. */
export async function countIntents(
  sql: Sql,
  sources: readonly string[],
): Promise<Map<string, StateCount[]>> {
  const rows = await sql<(StateCount & { source: string })[]>`
    select source, state, count(*)::float8 as count from write_intent
    where source = any(${[...sources]}::text[]) group by 1, 2 order by 1, 2`
  const bySource = Map.groupBy(rows, (r) => r.source)
  return new Map(
    [...bySource].map(([source, of]) => [source, of.map(({ state, count }) => ({ state, count }))]),
  )
}
