/** A part of what is hashed. An integer that may pass 2^53 is given as text. */
export type Part = string | number | Uint8Array | null

const NULL = 0
const TEXT = 1
const BYTES = 2
const NUMBER = 3
const countBytes = 4
/** One byte for the kind of a part and four for its length. */
const headerBytes = 5

/**
 * Encodes a list so that two different lists never have the same bytes: their number first, then
 * for each part its kind and its length. Text that moves from one part to its neighbour changes the
 * bytes, and so does an empty text in place of null.
 */
export function encodeParts(parts: readonly Part[]): Buffer {
  const lengths = parts.map(lengthOf)
  const total = lengths.reduce((sum, n) => sum + headerBytes + n, countBytes)
  const bytes = Buffer.allocUnsafe(total)
  let at = bytes.writeUInt32BE(parts.length)
  for (const [i, part] of parts.entries()) {
    at = bytes.writeUInt8(kindOf(part), at)
    at = bytes.writeUInt32BE(lengths[i] ?? 0, at)
    if (part === null) continue
    if (part instanceof Uint8Array) bytes.set(part, at)
    else bytes.write(String(part), at)
    at += lengths[i] ?? 0
  }
  return bytes
}

function lengthOf(part: Part): number {
  if (part === null) return 0
  return part instanceof Uint8Array ? part.length : Buffer.byteLength(String(part))
}

function kindOf(part: Part): number {
  if (part === null) return NULL
  return typeof part === 'string' ? TEXT : typeof part === 'number' ? NUMBER : BYTES
}
