import { createHash, createHmac } from 'node:crypto'
import type { AuditKey } from './auditKeys.ts'
import { encodeParts } from './encodeParts.ts'

/** Everything of an entry that its hash covers. */
export interface HashedEntry {
  /** The id of this audit log: an entry of another one does not fit, even under the same key. */
  chain: string
  id: number
  /** Microseconds since 1970, as the column has them. */
  atUs: string
  /** Columns that Postgres derives from the body. The log can be searched by them. */
  actor: string | null
  event: string | null
  action: string | null
  /** The text as it was written. */
  body: string
  /** Proof of the earlier key, at an entry that changes the key. */
  endorsement: Uint8Array | null
  /** The hash of the entry before. */
  before: Uint8Array
}

/** HMAC-SHA-256 over all parts of an entry. */
export function entryHash(key: AuditKey, entry: HashedEntry): Buffer {
  return createHmac('sha256', key.secret)
    .update(
      encodeParts([
        'touchstone audit entry 1',
        entry.chain,
        entry.id,
        entry.atUs,
        key.id,
        entry.actor,
        entry.event,
        entry.action,
        entry.body,
        entry.endorsement,
        entry.before,
      ]),
    )
    .digest()
}

/** The hash of entries from before keys: it proves nothing against somebody who computes it too. */
export function unkeyedHash(before: Uint8Array, body: string): Buffer {
  return createHash('sha256').update(before).update(body).digest()
}

/** Proof that the holder of the earlier key let another one follow, at this place of the log. */
export function endorseKey(
  earlier: AuditKey,
  next: { chain: string; id: number; keyId: string; before: Uint8Array },
): Buffer {
  const { chain, id, keyId, before } = next
  return createHmac('sha256', earlier.secret)
    .update(encodeParts(['touchstone audit key 1', chain, id, earlier.id, keyId, before]))
    .digest()
}
