import type { Sql, Transaction } from '../db/database.ts'
import { type AuditHead, signHead } from './auditHead.ts'
import { AuditKeyError, type KeyRing, loadAuditKeys } from './auditKeys.ts'
import { readBreakMark } from './breaks.ts'
import type { BrokenRow } from './chainWalk.ts'
import { faultOfStart, isSignedBy, type PlacedEntry, placedColumns } from './signedEntry.ts'

/** The last entry of the audit log, and the end of what has expired. */
export interface StoredHead {
  id: number
  hash: Uint8Array
  chain: string
  keys: string[]
  startId: number
  startHash: Uint8Array
}

/** The columns of a StoredHead, of the table `audit_head h`. */
export function headColumns(sql: Sql | Transaction) {
  return sql`h.id, h.hash, h.chain, h.keys, h.start_id as "startId", h.start_hash as "startHash"`
}

/**
 * Signs the head of the log as it is now. Null: no entry is under a key. The head says so if a
 * break of the log is recorded that nobody has accepted. Throws if its end or its beginning does
 * not fit: a signed head would vouch for it. Throws AuditKeyError.
 */
export async function currentHead(sql: Sql): Promise<AuditHead | null> {
  const [head] = await sql<StoredHead[]>`select ${headColumns(sql)} from audit_head h`
  if (!head || head.keys.length === 0) return null
  const ring = await loadAuditKeys(false)
  const broken = (await faultOfEnd(sql, ring, head)) ?? (await faultOfStart(sql, ring, head))
  if (broken)
    throw new Error(
      `the audit log is broken at entry ${broken.id}: ${broken.detail}. No head was signed (touchstone audit verify)`,
    )
  const mark = await readBreakMark(sql, ring, head.chain)
  return await signStoredHead(head, mark?.open ?? null)
}

/** Returns why the head of the log is not that of a last entry which its key signed. */
export async function faultOfEnd(
  sql: Sql,
  ring: KeyRing,
  { chain, id, hash }: StoredHead,
): Promise<BrokenRow | null> {
  if (id === 0) return null
  const [entry] = await sql<
    PlacedEntry[]
  >`select ${placedColumns(sql)} from audit a where a.id = ${id}`
  if (!entry) return { id, detail: 'the head of the log names it, and it is missing' }
  if (!Buffer.from(hash).equals(entry.hash))
    return { id, detail: 'the head of the log has another hash than this last entry' }
  return isSignedBy(ring, chain, entry)
    ? null
    : { id, detail: `its hash is not the one that the key ${entry.keyId} gives for it` }
}

/** Signs a head with the key of its entry. Null: that entry is under no key. */
export async function signStoredHead(
  head: StoredHead,
  broken: BrokenRow | null,
): Promise<AuditHead | null> {
  const keyId = head.keys.at(-1)
  if (keyId === undefined) return null
  const key = (await loadAuditKeys(false)).find((k) => k.id === keyId)
  if (!key) throw new AuditKeyError(`this process does not have the key ${keyId} of the audit log`)
  return signHead(key, {
    chain: head.chain,
    position: head.id,
    hash: Buffer.from(head.hash).toString('hex'),
    at: new Date().toISOString(),
    entries: head.id - head.startId,
    ...(broken && { broken: broken.id }),
  })
}
