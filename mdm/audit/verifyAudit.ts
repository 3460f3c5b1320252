import type { Sql, Transaction } from '../db/database.ts'
import { type KeyRing, loadAuditKeys } from './auditKeys.ts'
import { type AuditRow, auditColumns } from './auditRow.ts'
import {
  type BrokenRow,
  type ChainStart,
  ChainWalk,
  type KeySpan,
  type Unverified,
} from './chainWalk.ts'
import { unprovenStart } from './signedEntry.ts'
import { headColumns, type StoredHead } from './storedHead.ts'

/** The result of the check of the whole log. */
export interface AuditVerification {
  chain: string
  /** The last expired entry, 0 if none has expired, and its hash. */
  expiredThrough: number
  startHash: Uint8Array
  /** The last entry that is right. */
  last: number
  lastHash: Uint8Array
  /** How many entries are right, without those that expired. */
  rows: number
  /** How many of them are from before keys: they are checked against themselves only. */
  unkeyed: number
  keys: KeySpan[]
  broken: BrokenRow | null
  /** Entries whose key this process does not have. */
  unverified: Unverified | null
}

export interface VerifyOptions {
  /** By default the keys of this process. */
  ring?: KeyRing
  /** Called after each page with the number of entries checked, and of the last one. */
  onProgress?: (checked: number, last: number) => void
  signal?: AbortSignal
}

/** A part of the log that every version of the program creates is gone. */
export class AuditStructureError extends Error {
  override name = 'AuditStructureError'
}

const rowsPerPage = 5_000
/** Pages are read again if an expiry moves the beginning of the log meanwhile. */
const startsMax = 5

/**
 * Reads the whole log in constant memory and checks each entry. `broken` is null if it is intact.
 * Entries that are appended meanwhile are checked too. Throws AuditKeyError if the log has keys and
 * this process has none.
 */
export async function verifyAudit(
  sql: Sql | Transaction,
  options: VerifyOptions = {},
): Promise<AuditVerification> {
  for (let start = 1; ; start++) {
    const head = await readHead(sql)
    const ring = options.ring ?? (head.keys.length === 0 ? [] : await loadAuditKeys(false))
    const walk = new ChainWalk(ring, {
      chain: head.chain,
      id: head.startId,
      hash: head.startHash,
    })
    const broken =
      (await faultBefore(sql, head)) ??
      (await walkOn(sql, walk, options)) ??
      (await faultAtEnd(sql, walk, head))
    const again = broken !== null && (await readHead(sql)).startId !== head.startId
    if (again && start < startsMax) continue
    return {
      chain: head.chain,
      expiredThrough: head.startId,
      startHash: head.startHash,
      last: walk.last,
      lastHash: walk.lastHash,
      rows: walk.last - head.startId,
      unkeyed: walk.unkeyed,
      keys: [...walk.keys],
      broken,
      unverified: walk.unverified,
    }
  }
}

/**
 * Checks the entries after a place that was right before. Returns the walk, to go on with later.
 */
export async function verifyAfter(
  sql: Sql,
  ring: KeyRing,
  place: ChainStart,
): Promise<{ walk: ChainWalk; broken: BrokenRow | null }> {
  const walk = new ChainWalk(ring, place)
  return { walk, broken: await walkOn(sql, walk, {}) }
}

/** Takes all entries after the last one that was taken. */
async function walkOn(
  sql: Sql | Transaction,
  walk: ChainWalk,
  { onProgress, signal }: VerifyOptions,
): Promise<BrokenRow | null> {
  const first = walk.last
  for (;;) {
    const page = await sql<AuditRow[]>`
      select ${auditColumns(sql)} from audit where id > ${walk.last} order by id limit ${rowsPerPage}`
    for (const row of page) {
      const broken = walk.take(row)
      if (broken) return broken
    }
    onProgress?.(walk.last - first, walk.last)
    signal?.throwIfAborted()
    if (page.length < rowsPerPage) return null
  }
}

/** Finds an entry before the beginning of the log, which no hash covers. */
async function faultBefore(
  sql: Sql | Transaction,
  { startId }: StoredHead,
): Promise<BrokenRow | null> {
  const [row] = await sql<{ id: number }[]>`
    select id from audit where id <= ${startId} order by id limit 1`
  return row
    ? { id: row.id, detail: `the log begins after ${startId}, so this entry was added to it` }
    : null
}

/** Compares the end of the log with its head, and its beginning with the record of the expiry. */
async function faultAtEnd(
  sql: Sql | Transaction,
  walk: ChainWalk,
  began: StoredHead,
): Promise<BrokenRow | null> {
  const head = await readHead(sql)
  // Entries were appended between the last page and the head: the next check sees them.
  const [behind] = await sql<{ hash: Uint8Array }[]>`select hash from audit where id = ${walk.last}`
  const end = walk.last === began.startId ? began.startHash : behind?.hash
  if (!end || !Buffer.from(end).equals(walk.lastHash))
    return { id: walk.last, detail: 'it was changed during the check' }
  if (head.id < walk.last || (head.id === walk.last && !Buffer.from(head.hash).equals(end)))
    return {
      id: walk.last + 1,
      detail: `the log ends at ${walk.last}, and its head names ${head.id}`,
    }
  if (head.id > walk.last) {
    const broken = await walkOn(sql, walk, {})
    if (broken) return broken
    if (walk.last < head.id)
      return {
        id: walk.last + 1,
        detail: `the log ends at ${walk.last}, and its head names ${head.id}`,
      }
  }
  // Entries past this head may have changed the key.
  const isEnd = walk.last === head.id
  const isOtherKey = walk.keyIds.some((id) => !head.keys.includes(id))
  if (isEnd && (isOtherKey || head.keys.at(-1) !== walk.keyIds.at(-1)))
    return {
      id: walk.last,
      detail: `the keys of the log end with ${walk.keyIds.at(-1) ?? 'none'}, and its head names ${head.keys.at(-1) ?? 'none'}`,
    }
  if (began.startId === 0) return null
  return unprovenStart(began.startId, began.startHash, walk.expired)
}

async function readHead(sql: Sql | Transaction): Promise<StoredHead> {
  const [head, ...more] = await sql<StoredHead[]>`
    select ${headColumns(sql)} from audit_head h`
  if (!head) throw new AuditStructureError('audit_head has no row')
  if (more.length > 0)
    throw new AuditStructureError(`audit_head has ${more.length + 1} rows, and must have one`)
  return head
}
