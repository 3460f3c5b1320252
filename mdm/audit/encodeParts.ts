/** A part of what is hashed. An integer that may pass 2^53 is given as text. */
export type Part = string | number | Uint8Array | null

const NULL = 0
const TEXT = 1
const BYTES = 2
const NUMBER = 3
/** One byte for the kind of a part and four for its length. */
const headerBytes = 5

/**
 * Encodes a list so that two different lists never have the same bytes: their number first, then
 * for each part its kind and its length. Text that moves from one part to its neighbour changes the
 * bytes, and so does an empty text in place of null.
 */
export function encodeParts(parts: readonly Part[]): Buffer {
  const count = Buffer.alloc(4)
  count.writeUInt32BE(parts.length)
  return Buffer.concat([count, ...parts.flatMap(encodePart)])
}

function encodePart(part: Part): Buffer[] {
  const [kind, bytes] =
    part === null
      ? [NULL, Buffer.alloc(0)]
      : typeof part === 'string'
        ? [TEXT, Buffer.from(part, 'utf8')]
        : typeof part === 'number'
          ? [NUMBER, Buffer.from(String(part))]
          : [BYTES, Buffer.from(part)]
  const header = Buffer.alloc(headerBytes)
  header.writeUInt8(kind)
  header.writeUInt32BE(bytes.length, 1)
  return [header, bytes]
}
