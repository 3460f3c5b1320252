import { storableJson } from '../../schema/storable.ts'
import type { sensitiveAccess } from '../../schema/tables/access.ts'
import { isUuid } from '../../schema/uuid.ts'
import type { Sql, Transaction } from '../db/database.ts'
import type { SortTerm } from '../db/keyset.ts'
import type { Listing } from '../db/page.ts'
import type { Condition } from '../db/statement.ts'

export const THROUGH = [
  'FIELD',
  'PROVENANCE',
  'HISTORY',
  'SOURCE',
  'EXPLAIN',
  'FEED',
  'SNAPSHOT',
  'WEBHOOK',
  'STEWARDSHIP',
  'EXCEPTION',
  'CHANGE',
  'WRITE',
  'SEARCH',
] as const
/** How the actor reached sensitive values. */
export type Through = (typeof THROUGH)[number]

/** One access: the actor who read or changed sensitive fields, and the records. */
export interface SensitiveAccess
  extends Omit<typeof sensitiveAccess.$inferSelect, 'id' | 'through'> {
  through: Through
}

/** Appends rows in one statement. */
export async function appendAccess(
  sql: Sql | Transaction,
  rows: readonly SensitiveAccess[],
): Promise<void> {
  if (rows.length === 0) return
  await sql`
    insert into sensitive_access (at, actor, correlation_id, operation, through, type, fields, ids, more)
    select at, actor, "correlationId", operation, through, type, fields, ids, more
    from json_to_recordset(${storableJson(rows)}::text::json) as r (at timestamptz, actor text, "correlationId" text,
      operation text, through text, type text, fields text[], ids uuid[], more integer)`
}

export interface AccessFilter {
  /** A golden record, by any id that leads to it, or a source record. */
  about?: string | null
  actor?: string | null
  through?: string[] | null
  fields?: string[] | null
  since?: string | null
  until?: string | null
}

export type AccessRow = SensitiveAccess & { id: number }

/** Accesses to sensitive fields, as a list. */
export const accessListing: Listing = {
  from: 'sensitive_access t',
  where: 'true',
  columns: () =>
    't.id, t.at, t.actor, t.correlation_id as "correlationId", t.operation, t.through, t.type, t.fields, t.ids, t.more',
  unique: { name: 'id', sql: 't.id', type: 'bigint', nullable: false },
}

export const latestAccesses: SortTerm[] = [{ column: accessListing.unique, descending: true }]

/**
 * Returns the condition of a filter. A golden record includes every source record that is in it
 * now.
 */
export async function accessCondition(sql: Sql, filter: AccessFilter): Promise<Condition> {
  const about = filter.about ?? null
  const keys = about === null ? null : isUuid(about) ? await keysOf(sql, about) : []
  return (p) => {
    const where = ['true']
    if (keys) where.push(`t.ids && ${p.list(keys, 'uuid')}`)
    if (filter.actor != null) where.push(`t.actor = ${p.add(filter.actor, 'text')}`)
    if (filter.through) where.push(`t.through = any(${p.list(filter.through, 'text')})`)
    if (filter.fields) where.push(`t.fields && ${p.list(filter.fields, 'text')}`)
    if (filter.since) where.push(`t.at >= ${p.add(filter.since, 'timestamptz')}`)
    if (filter.until) where.push(`t.at < ${p.add(filter.until, 'timestamptz')}`)
    return where.join(' and ')
  }
}

/**
 * Returns the keys of all source records of a golden id. The id itself is the key of one of them.
 */
async function keysOf(sql: Sql, id: string): Promise<string[]> {
  const rows = await sql<{ key: string }[]>`
    select m.key from source_record r join source_record m on m.golden_id = r.golden_id where r.key = ${id}`
  return [id, ...rows.map((r) => r.key)]
}

const rowsPerStatement = 5_000

/** Deletes accesses older than this many days. Returns how many. */
export async function expireAccess(sql: Sql, daysMax: number): Promise<number> {
  for (let total = 0; ; ) {
    const { count } = await sql`
      delete from sensitive_access where id in (
        select id from sensitive_access where at < now() - make_interval(days => ${daysMax}) order by at limit ${rowsPerStatement})`
    total += count
    if (count < rowsPerStatement) return total
  }
}
