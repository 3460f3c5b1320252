import type { Sql } from '../db/database.ts'
import { transaction } from '../db/transaction.ts'
import { appendAudit } from './audit.ts'
import { loadAuditKeys, signingKey } from './auditKeys.ts'
import { KEY_LOST_EVENT } from './chainWalk.ts'
import { requireSameSecret } from './sameSecret.ts'

/** The actor of entries about the log itself. */
const ITSELF = 'touchstone'

/**
 * Brings the log under the first key of this process, for the start of a server: seals entries from
 * before keys, or changes the key. Writes nothing if the log is empty or under its key. Returns
 * what it did. Throws AuditKeyError if this process has no key, also for an empty log, or if the
 * log continues with a key that it does not have.
 */
export async function settleAuditKey(sql: Sql): Promise<'SEALED' | 'CHANGED' | 'UNCHANGED'> {
  return await transaction(sql, async (tx) => {
    const [head] = await tx<{ id: number; chain: string; keys: string[] }[]>`
      select id, chain, keys from audit_head for update`
    if (!head) return 'UNCHANGED'
    const ring = await loadAuditKeys(head.keys.length === 0)
    const { key, changedFrom } = signingKey(ring, head.keys)
    if (head.id === 0) return 'UNCHANGED'
    await requireSameSecret(tx, head, changedFrom ?? key)
    if (head.keys.length > 0 && !changedFrom) return 'UNCHANGED'
    const event = changedFrom ? 'AUDIT_KEY_CHANGED' : 'AUDIT_KEYED'
    await appendAudit(tx, { event, actor: ITSELF, ...(changedFrom && { from: changedFrom.id }) })
    return changedFrom ? 'CHANGED' : 'SEALED'
  })
}

/**
 * Throws AuditKeyError if this process could not write the next entry. For commands that would
 * otherwise learn it after long work. Writes nothing.
 */
export async function requireAuditKey(sql: Sql): Promise<void> {
  const [head] = await sql<{ keys: string[] }[]>`select keys from audit_head`
  const keys = head?.keys ?? []
  signingKey(await loadAuditKeys(keys.length === 0), keys)
}

/**
 * Continues the log under the first key of this process although the key before is lost. Nothing
 * endorses the change, and a check with the lost key would name it.
 */
export async function replaceLostKey(
  sql: Sql,
  by: { actor: string; reason: string },
): Promise<void> {
  await transaction(sql, async (tx) => {
    await appendAudit(tx, { event: KEY_LOST_EVENT, ...by }, { isKeyLost: true })
  })
}
