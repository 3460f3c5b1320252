import { createHash } from 'node:crypto'
import type { operation } from '../../schema/tables/access.ts'
import type { Sql } from '../db/database.ts'

/** A document that a client has published. */
export type PublishedOperation = typeof operation.$inferSelect

export interface NewOperation {
  text: string
  /** Names of its operations. */
  names: readonly string[]
}

/** Returns the hash that identifies a document: sha256 of its exact text, in hex. */
export function operationHash(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/**
 * Publishes documents for a client; a retired one becomes active again. Returns those that are new
 * to the client or active again.
 */
export async function publishOperations(
  sql: Sql,
  at: { client: string; operations: readonly NewOperation[]; publishedBy: string },
): Promise<string[]> {
  const fresh: string[] = []
  await sql.begin(async (tx) => {
    for (const { text, names } of at.operations) {
      const rows = await tx<{ hash: string }[]>`
        insert into operation (hash, client, text, names, published_by)
        values (${operationHash(text)}, ${at.client}, ${text}, ${[...names]}::text[], ${at.publishedBy})
        on conflict (hash, client) do update
          set retired_at = null, published_at = clock_timestamp(), published_by = excluded.published_by
          where operation.retired_at is not null
        returning hash`
      fresh.push(...rows.map((r) => r.hash))
    }
  })
  return fresh
}

/**
 * Returns published documents of one client or of all. With `standing`, only those that are not
 * retired.
 */
export async function listOperations(
  sql: Sql,
  { client = null, standing = false }: { client?: string | null; standing?: boolean } = {},
): Promise<PublishedOperation[]> {
  return await sql<PublishedOperation[]>`
    select hash, client, text, names, published_by as "publishedBy", published_at as "publishedAt",
      retired_at as "retiredAt", last_used_at as "lastUsedAt"
    from operation
    where (${client}::text is null or client = ${client}) and (not ${standing} or retired_at is null)
    order by client, published_at, hash`
}

/**
 * Retires documents by hash, or by the beginning of a hash, for one client or all. A hash stays
 * valid while another client has it published. Throws if the beginning is ambiguous. Returns how
 * many were retired.
 */
export async function retireOperations(
  sql: Sql,
  hash: string,
  client: string | null,
): Promise<number> {
  const found = await sql<{ hash: string }[]>`
    select distinct hash from operation
    where starts_with(hash, ${hash}) and retired_at is null and (${client}::text is null or client = ${client})
    limit 2`
  if (found.length > 1)
    throw new Error(`several operations begin with ${hash}: give more of the hash`)
  const [one] = found
  if (!one) return 0
  const rows = await sql`
    update operation set retired_at = now()
    where hash = ${one.hash} and retired_at is null and (${client}::text is null or client = ${client}) returning hash`
  return rows.length
}

/**
 * Returns the document of a hash while any client has it published, else null. Records the time of
 * use, to the hour.
 */
export async function findOperation(sql: Sql, hash: string): Promise<string | null> {
  const [row] = await sql<{ text: string; stale: boolean }[]>`
    select text, last_used_at is null or last_used_at < now() - interval '1 hour' as stale
    from operation where hash = ${hash} and retired_at is null limit 1`
  if (row?.stale)
    await sql`update operation set last_used_at = now() where hash = ${hash} and retired_at is null`
  return row?.text ?? null
}
