import type { writeIntent } from '../../schema/tables/writeback.ts'
import type { Sql } from '../db/database.ts'
import type { SortTerm } from '../db/keyset.ts'
import { type Listing, listPage } from '../db/page.ts'
import type { Condition } from '../db/statement.ts'

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
  | 'policyVersion'
  | 'waitsFor'
  | 'code'
  | 'detail'
  | 'attempts'
  | 'plannedAt'
  | 'sentAt'
  | 'endedAt'
  | 'releasedAt'
  | 'actor'
>

/** A filter. All given parts must match; an empty list matches nothing. */
export interface IntentFilter {
  sources?: readonly string[] | null
  states?: readonly string[] | null
  goldenId?: string | null
}

const columns = `i.id, i.golden_id as "goldenId", i.type, i.source, i.object, i.source_id as "sourceId", i.operation, i.state,
  i.version, i.changes, i.refused, i.position, i.policy_version as "policyVersion", i.waits_for as "waitsFor", i.code, i.detail,
  i.attempts, i.planned_at as "plannedAt", i.sent_at as "sentAt", i.ended_at as "endedAt", i.released_at as "releasedAt", i.actor`

/** All writes, as a list. */
export const intentListing: Listing = {
  from: 'write_intent i',
  where: 'true',
  columns: () => columns,
  unique: { name: 'id', sql: 'i.id', type: 'bigint', nullable: false },
}

export const latestIntents: SortTerm[] = [{ column: intentListing.unique, descending: true }]

export function intentCondition(filter: IntentFilter): Condition {
  return (p) => {
    const where = ['true']
    if (filter.sources) where.push(`i.source = any(${p.list(filter.sources, 'text')})`)
    if (filter.states) where.push(`i.state = any(${p.list(filter.states, 'text')})`)
    if (filter.goldenId) where.push(`i.golden_id = any(${p.list([filter.goldenId], 'uuid')})`)
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
