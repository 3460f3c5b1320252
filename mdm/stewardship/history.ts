import type { Sql } from '../db/database.ts'
import { type ActionRow, actionColumns } from './actions.ts'

export interface ActionFilter {
  /** Concerns this golden record or source record. */
  about?: string | null
  actor?: string | null
  kinds?: string[] | null
  states?: string[] | null
}

/**
 * Returns actions, the latest first. Without `states` only done ones; with PROPOSED and the like
 * also proposals.
 */
export async function readActions(
  sql: Sql,
  filter: ActionFilter,
  limit: number,
  after: { at: string; id: string } | null,
): Promise<(ActionRow & { place: string })[]> {
  const values: unknown[] = []
  const add = (value: unknown) => `$${values.push(value)}`
  const where = ['true']
  if (filter.about) where.push(`subjects @> array[${add(filter.about)}]::uuid[]`)
  if (filter.actor) where.push(`actor = ${add(filter.actor)}`)
  if (filter.kinds) where.push(`kind = any(${add(filter.kinds)}::text[])`)
  if (filter.states) where.push(`state = any(${add(filter.states)}::text[])`)
  if (after) where.push(`(proposed_at, id) < (${add(after.at)}::timestamptz, ${add(after.id)}::uuid)`)
  return await sql.unsafe<(ActionRow & { place: string })[]>(
    `select ${actionColumns}, proposed_at::text as place from action where ${where.join(' and ')} order by proposed_at desc, id desc limit ${limit}`,
    values as never[],
  )
}

export async function readActionsById(sql: Sql, ids: readonly string[]): Promise<Map<string, ActionRow>> {
  const rows = await sql.unsafe<ActionRow[]>(`select ${actionColumns} from action where id = any($1::uuid[])`, [
    ids as string[],
  ])
  return new Map(rows.map((r) => [r.id, r]))
}

export interface AuditRow {
  id: number
  at: Date
  actor: string
  event: string
  actionId: string | null
  body: Record<string, unknown>
  hash: string
}

/** Returns entries of the audit log, the latest first. */
export async function readAudit(
  sql: Sql,
  filter: { actor?: string | null; event?: string | null; action?: string | null },
  limit: number,
  before: number | null,
): Promise<AuditRow[]> {
  const values: unknown[] = []
  const add = (value: unknown) => `$${values.push(value)}`
  const where = ['true']
  if (filter.actor) where.push(`actor = ${add(filter.actor)}`)
  if (filter.event) where.push(`event = ${add(filter.event)}`)
  if (filter.action) where.push(`action_id = ${add(filter.action)}`)
  if (before !== null) where.push(`id < ${add(before)}`)
  return await sql.unsafe<AuditRow[]>(
    `select id, at, actor, event, action_id as "actionId", body, encode(hash, 'hex') as hash from audit
     where ${where.join(' and ')} order by id desc limit ${limit}`,
    values as never[],
  )
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
  const rows = await sql<{ version: number; type: string; values: Record<string, unknown> | null }[]>`
    select version, type, values from change where golden_id = ${goldenId} and version in (${from}, ${to})`
  const [a, b] = [rows.find((r) => r.version === from), rows.find((r) => r.version === to)]
  if (!a || !b) return null
  const [before, after] = [a.values ?? {}, b.values ?? {}]
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort()
  const fields = names
    .filter((n) => JSON.stringify(before[n]) !== JSON.stringify(after[n]))
    .map((field) => ({ field, before: before[field] ?? null, after: after[field] ?? null }))
  return { type: a.type, fields }
}
