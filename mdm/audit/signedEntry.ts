import type { Sql, Transaction } from '../db/database.ts'
import { AuditKeyError, type KeyRing } from './auditKeys.ts'
import { type AuditRow, auditColumns } from './auditRow.ts'
import { type BrokenRow, EXPIRED_EVENT, expiryOf } from './chainWalk.ts'
import { entryHash, unkeyedHash } from './entryHash.ts'

/** An entry, with the hash of the entry before it; null if that one is gone. */
export interface PlacedEntry extends AuditRow {
  before: Uint8Array | null
}

/** The columns of a PlacedEntry, of the table `audit a`. */
export function placedColumns(sql: Sql | Transaction) {
  return sql`${auditColumns(sql)},
    coalesce((select b.hash from audit b where b.id = a.id - 1),
      (select h.start_hash from audit_head h where h.start_id = a.id - 1)) as before`
}

/** Returns the newest entry of one of these events. Each is one look into an index. */
export async function newestEntry(
  sql: Sql | Transaction,
  events: readonly string[],
): Promise<PlacedEntry | null> {
  const [row] = await sql<PlacedEntry[]>`
    select a.* from unnest(${events}::text[]) as e (name)
    cross join lateral (select ${placedColumns(sql)} from audit a where a.event = e.name order by a.id desc limit 1) a
    order by a.id desc limit 1`
  return row ?? null
}

/**
 * Returns whether an entry is as it was signed for its place in this log. Null: this process does
 * not have its key.
 */
export function isSignedEntry(ring: KeyRing, chain: string, entry: PlacedEntry): boolean | null {
  const { before, ...row } = entry
  if (!before) return false
  if (row.keyId === null) return unkeyedHash(before, row.body).equals(row.hash)
  const key = ring.find((k) => k.id === row.keyId)
  return key ? entryHash(key, { ...row, chain, before }).equals(row.hash) : null
}

/** As isSignedEntry. Throws AuditKeyError if this process does not have the key of the entry. */
export function isSignedBy(ring: KeyRing, chain: string, entry: PlacedEntry): boolean {
  const isSigned = isSignedEntry(ring, chain, entry)
  if (isSigned === null)
    throw new AuditKeyError(
      `this process does not have the key ${entry.keyId} of entry ${entry.id} of the audit log`,
    )
  return isSigned
}

/** Where the log begins, as audit_head has it. */
export interface StoredStart {
  chain: string
  startId: number
  startHash: Uint8Array
}

/**
 * Returns what is wrong with the beginning of the log. The owner of the table can raise it, so only
 * a signed entry that records the expiry proves it. Null if it is proven, or the log is complete.
 */
export async function faultOfStart(
  sql: Sql | Transaction,
  ring: KeyRing,
  { chain, startId, startHash }: StoredStart,
): Promise<BrokenRow | null> {
  if (startId === 0) return null
  const entry = await newestEntry(sql, [EXPIRED_EVENT])
  const fault = unprovenStart(startId, startHash, entry && expiryOf(entry))
  if (fault || !entry || isSignedBy(ring, chain, entry)) return fault
  return {
    id: entry.id,
    detail: `it records the expiry of the entries up to ${startId}, and is not as its key signed it`,
  }
}

/** Returns why the record of the latest expiry does not prove this beginning. */
export function unprovenStart(
  startId: number,
  startHash: Uint8Array,
  expired: { through: number; hash: string } | null,
): BrokenRow | null {
  if (expired?.through === startId && expired.hash === Buffer.from(startHash).toString('hex'))
    return null
  const gone = `entries up to ${startId} are gone, and the log records`
  return {
    id: startId,
    detail: !expired
      ? `${gone} no expiry of them (${EXPIRED_EVENT})`
      : expired.through === startId
        ? `${gone} another hash of the last of them`
        : `${gone} an expiry up to ${expired.through}`,
  }
}
