import { ownValue } from '../../schema/kit/dictionary.ts'
import type { audit } from '../../schema/tables/stewardship.ts'
import type { Sql } from '../db/database.ts'
import type { SortTerm } from '../db/keyset.ts'
import type { Listing } from '../db/page.ts'
import type { Condition } from '../db/statement.ts'
import { type ActionRow, actionColumns } from './actions.ts'

export interface ActionFilter {
  /** Concerns this golden record or source record. */
  about?: string | null
  actor?: string | null
  kinds?: string[] | null
  states?: string[] | null
}

/** Actions and proposals of stewards, as a list. */
export const actionListing: Listing = {
  from: 'action t',
  where: 'true',
  columns: () => actionColumns,
  unique: { name: 'id', sql: 't.id', type: 'uuid', nullable: false },
}

/** Walks (proposed_at desc, id desc). */
export const latestActions: SortTerm[] = [
  {
    column: { name: 'proposedAt', sql: 't.proposed_at', type: 'timestamptz', nullable: false },
    descending: true,
  },
  { column: actionListing.unique, descending: true },
]

export function actionCondition(filter: ActionFilter): Condition {
  return (p) => {
    const where = ['true']
    if (filter.about) where.push(`t.subjects @> ${p.list([filter.about], 'uuid')}`)
    if (filter.actor) where.push(`t.actor = ${p.add(filter.actor, 'text')}`)
    if (filter.kinds) where.push(`t.kind = any(${p.list(filter.kinds, 'text')})`)
    if (filter.states) where.push(`t.state = any(${p.list(filter.states, 'text')})`)
    return where.join(' and ')
  }
}

export async function readActionsById(
  sql: Sql,
  ids: readonly string[],
): Promise<Map<string, ActionRow>> {
  const rows = await sql.unsafe<ActionRow[]>(
    `select ${actionColumns} from action where id = any($1::uuid[])`,
    [ids as string[]],
  )
  return new Map(rows.map((r) => [r.id, r]))
}

export interface AuditRow extends Pick<typeof audit.$inferSelect, 'id' | 'at' | 'actionId'> {
  actor: string
  event: string
  body: Record<string, unknown>
  /** In hex. */
  hash: string
}

export interface AuditFilter {
  actor?: string | null
  event?: string | null
  action?: string | null
}

/** The audit log as a list. */
export const auditListing: Listing = {
  from: 'audit t',
  where: 'true',
  columns: () =>
    `t.id, t.at, t.actor, t.event, t.action_id as "actionId", t.body, encode(t.hash, 'hex') as hash`,
  unique: { name: 'id', sql: 't.id', type: 'bigint', nullable: false },
}

export const latestAuditRows: SortTerm[] = [{ column: auditListing.unique, descending: true }]

export function auditCondition(filter: AuditFilter): Condition {
  return (p) => {
    const where = ['true']
    if (filter.actor) where.push(`t.actor = ${p.add(filter.actor, 'text')}`)
    if (filter.event) where.push(`t.event = ${p.add(filter.event, 'text')}`)
    if (filter.action) where.push(`t.action_id = ${p.add(filter.action, 'text')}`)
    return where.join(' and ')
  }
}

export interface VersionDiff {
  field: string
  before: unknown
  after: unknown
}

/**
 * Returns the differences of two versions of a golden record; null if one of them does not exist.
 */
export async function diffVersions(
  sql: Sql,
  goldenId: string,
  from: number,
  to: number,
): Promise<{ type: string; fields: VersionDiff[] } | null> {
  const rows = await sql<
    { version: number; type: string; values: Record<string, unknown> | null }[]
  >`
    select version, type, values from change where golden_id = ${goldenId} and version in (${from}, ${to})`
  const [a, b] = [rows.find((r) => r.version === from), rows.find((r) => r.version === to)]
  if (!a || !b) return null
  const [before, after] = [a.values ?? {}, b.values ?? {}]
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort()
  const fields = names
    .map((field) => ({
      field,
      before: ownValue(before, field) ?? null,
      after: ownValue(after, field) ?? null,
    }))
    .filter((f) => JSON.stringify(f.before) !== JSON.stringify(f.after))
  return { type: a.type, fields }
}
