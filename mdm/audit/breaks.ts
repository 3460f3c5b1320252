import type { Sql, Transaction } from '../db/database.ts'
import { transaction } from '../db/transaction.ts'
import { appendAudit } from './audit.ts'
import type { KeyRing } from './auditKeys.ts'
import { BROKEN_EVENT, type BrokenRow, parsedBody, RESUMED_EVENT } from './chainWalk.ts'
import { isSignedEntry, newestEntry } from './signedEntry.ts'

/** The newest entry that records a break of the log, or that heads go on after one. */
export interface BreakMark {
  /** The number, the hash and the key of that entry. */
  id: number
  hash: Uint8Array
  keyId: string | null
  /** The break that nobody has accepted yet; null if heads go on. */
  open: BrokenRow | null
}

/**
 * Returns the newest mark of a break, so that a process knows what an earlier one has found. An
 * entry under a key that is not here lets no heads go on: it is as if it were not there.
 */
export async function readBreakMark(
  sql: Sql | Transaction,
  ring: KeyRing,
  chain: string,
): Promise<BreakMark | null> {
  const entry = await newestEntry(sql, [BROKEN_EVENT, RESUMED_EVENT])
  if (!entry) return null
  const { id, hash, keyId, event } = entry
  const place = { id, hash, keyId }
  const isSigned = isSignedEntry(ring, chain, entry)
  if (isSigned === false)
    return { ...place, open: { id, detail: 'it is not as its key signed it' } }
  if (event === RESUMED_EVENT) return isSigned ? { ...place, open: null } : null
  const body = parsedBody(entry)
  return {
    ...place,
    open: { id: Number(body?.position ?? id), detail: String(body?.detail ?? 'it was changed') },
  }
}

/** Appends an entry that names the break, if no such entry is open. */
export async function recordBreak(
  sql: Sql,
  ring: KeyRing,
  { id: position, detail }: BrokenRow,
): Promise<void> {
  await transaction(sql, async (tx) => {
    const mark = await lockMark(tx, ring)
    if (!mark?.open)
      await appendAudit(tx, { event: BROKEN_EVENT, actor: 'touchstone', position, detail })
  })
}

/**
 * Appends an entry by which heads go on without a word about the recorded break. Returns that
 * break, null if none is open.
 */
export async function acceptBreak(
  sql: Sql,
  ring: KeyRing,
  by: { actor: string; reason: string },
): Promise<BrokenRow | null> {
  return await transaction(sql, async (tx) => {
    const mark = await lockMark(tx, ring)
    if (!mark?.open) return null
    const { id: position, detail } = mark.open
    await appendAudit(tx, { event: RESUMED_EVENT, ...by, position, detail })
    return mark.open
  })
}

/** Two processes that find one break record it once. */
async function lockMark(tx: Transaction, ring: KeyRing): Promise<BreakMark | null> {
  const [head] = await tx<{ chain: string }[]>`select chain from audit_head for update`
  return head ? await readBreakMark(tx, ring, head.chain) : null
}
