import type { Sql, Transaction } from '../db/database.ts'

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
] as const
/** How the actor reached sensitive values. */
export type Through = (typeof THROUGH)[number]

/** One access: the actor who read or changed sensitive fields, and the records. */
export interface SensitiveAccess {
  at: Date
  actor: string
  correlationId: string
  operation: string
  through: Through
  type: string
  fields: string[]
  /** Golden ids and keys of source records. */
  ids: string[]
  /** Number of further records whose ids were not kept. */
  more: number
}

/** Appends rows in one statement. */
export async function appendAccess(sql: Sql | Transaction, rows: readonly SensitiveAccess[]): Promise<void> {
  if (rows.length === 0) return
  await sql`
    insert into sensitive_access (at, actor, correlation_id, operation, through, type, fields, ids, more)
    select at, actor, "correlationId", operation, through, type, fields, ids, more
    from json_to_recordset(${JSON.stringify(rows)}::text::json) as r (at timestamptz, actor text, "correlationId" text,
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

/**
 * Returns accesses, the latest first. A golden record includes every source record that is in it
 * now.
 */
export async function readAccess(
  sql: Sql,
  filter: AccessFilter,
  limit: number,
  before: number | null,
): Promise<AccessRow[]> {
  const { about = null, actor = null, through = null, fields = null, since = null, until = null } = filter
  const keys = about === null ? null : await keysOf(sql, about)
  return await sql<AccessRow[]>`
    select id, at, actor, correlation_id as "correlationId", operation, through, type, fields, ids, more
    from sensitive_access
    where (${keys}::uuid[] is null or ids && ${keys}::uuid[])
      and (${actor}::text is null or actor = ${actor})
      and (${through}::text[] is null or through = any(${through}::text[]))
      and (${fields}::text[] is null or fields && ${fields}::text[])
      and (${since}::timestamptz is null or at >= ${since}::timestamptz)
      and (${until}::timestamptz is null or at < ${until}::timestamptz)
      and (${before}::bigint is null or id < ${before})
    order by id desc limit ${limit}`
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
