import { storableJson } from '../../schema/storable.ts'
import type { Transaction } from '../db/database.ts'
import { loadAuditKeys, signingKey } from './auditKeys.ts'
import { endorseKey, entryHash } from './entryHash.ts'
import { requireSameSecret } from './sameSecret.ts'

/** One entry of the audit log. Further facts are added as further fields. */
export interface AuditEntry {
  /** MERGE, APPROVE, CLAIM … */
  event: string
  actor: string
  action?: string | undefined
  reason?: string | undefined
  /** Reserved for the row's own number and time. */
  id?: never
  at?: never
  [fact: string]: unknown
}

/**
 * Appends to the audit log. The hash of an entry is an HMAC over all of it and the hash of the
 * entry before, under a key that is not in the database. So a changed, removed or inserted entry is
 * detected, even if the owner of the database did it. Locks the head of the log until the commit,
 * so call it late in a transaction, just before the feed's append. Throws AuditKeyError.
 */
export async function appendAudit(
  tx: Transaction,
  entry: AuditEntry,
  { isKeyLost = false }: { isKeyLost?: boolean } = {},
): Promise<void> {
  const [head] = await tx<
    { id: number; hash: Uint8Array; chain: string; keys: string[]; at: Date }[]
  >`
    select id, hash, chain, keys, date_trunc('milliseconds', clock_timestamp()) as at from audit_head for update`
  if (!head) throw new Error('audit_head has no row: the migrations have not run')
  const ring = await loadAuditKeys(head.keys.length === 0)
  const { key, changedFrom } = signingKey(ring, head.keys, isKeyLost)
  await requireSameSecret(tx, head, changedFrom ?? key)
  const id = head.id + 1
  const body = storableJson({ id, at: head.at.toISOString(), ...entry })
  const place = { chain: head.chain, id, before: head.hash }
  const endorsement = changedFrom && endorseKey(changedFrom, { ...place, keyId: key.id })
  const hash = entryHash(key, {
    ...place,
    atUs: `${head.at.getTime()}000`,
    actor: entry.actor,
    event: entry.event,
    action: entry.action ?? null,
    body,
    endorsement,
  })
  const keys = head.keys.at(-1) === key.id ? head.keys : [...head.keys, key.id]
  await tx`
    with head as (update audit_head set id = ${id}, hash = ${hash}, keys = ${keys}::text[])
    insert into audit (id, at, body, key_id, endorsement, hash)
    values (${id}, ${head.at}, ${body}::text::json, ${key.id}, ${endorsement}, ${hash})`
}
