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
  types?: string[] | null
  /** Requested from this moment on, and before the other one. */
  since?: string | null
  until?: string | null
  /** A part of the reason, in any case. */
  reason?: string | null
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
    if (filter.types) where.push(`t.type = any(${p.list(filter.types, 'text')})`)
    if (filter.since) where.push(`t.proposed_at >= ${p.add(filter.since, 'timestamptz')}`)
    if (filter.until) where.push(`t.proposed_at < ${p.add(filter.until, 'timestamptz')}`)
    if (filter.reason)
      where.push(`position(lower(${p.add(filter.reason, 'text')}) in lower(t.reason)) > 0`)
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

/**
 * Returns the agents that prepared proposals, by action. The entry of the proposal in the audit log
 * names the agent, so nobody can change it unseen.
 */
export async function readAgents(sql: Sql, ids: readonly string[]): Promise<Map<string, string>> {
  const rows = await sql<{ id: string; agent: string }[]>`
    select action_id as id, body ->> 'agent' as agent from audit
    where action_id = any(${ids as string[]}::text[]) and event = 'PROPOSE' and body ->> 'agent' is not null`
  return new Map(rows.map((r) => [r.id, r.agent]))
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
  since?: string | null
  until?: string | null
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
    if (filter.since) where.push(`t.at >= ${p.add(filter.since, 'timestamptz')}`)
    if (filter.until) where.push(`t.at < ${p.add(filter.until, 'timestamptz')}`)
    return where.join(' and ')
  }
}
