import { createHash } from 'node:crypto'
import { normalId } from './kit/normalText.ts'

/**
 * Returns the key of a source record: a uuid (version 8, RFC 9562) of the SHA-256 of source, object
 * and source id, whose Unicode form does not matter. It does not depend on arrival: a reference can
 * be stored before its record arrives, and the same data loaded elsewhere gets the same keys. It is
 * also the golden id of the record while it is the only member.
 */
export function recordKey(source: string, object: string, sourceId: string): string {
  const h = createHash('sha256')
    .update(`${source}\u0000${object}\u0000${normalId(sourceId)}`)
    .digest()
  h[6] = ((h[6] ?? 0) & 0x0f) | 0x80
  h[8] = ((h[8] ?? 0) & 0x3f) | 0x80
  const x = h.toString('hex', 0, 16)
  return `${x.slice(0, 8)}-${x.slice(8, 12)}-${x.slice(12, 16)}-${x.slice(16, 20)}-${x.slice(20)}`
}
