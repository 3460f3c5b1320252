import { crc32 } from 'node:zlib'
import { FeedError } from './feedError.ts'

/**
 * A position in the feed with the state of reading (docs/FEED.md, 4). TAIL: everything up to and
 * including `position` has been delivered. SCAN: in a snapshot as of `position`, every golden id up
 * to and including `scanned` has been delivered (null: none).
 */
export type CursorPosition =
  | { kind: 'TAIL'; position: number }
  | { kind: 'SCAN'; position: number; scanned: string | null }

/**
 * Format 1: version, kind, epoch (16), position (8), for SCAN with a key scanned (16), CRC-32 of all
 * that (4).
 */
const format = 1
const kinds = { TAIL: 0, SCAN_START: 1, SCAN: 2 }
const headBytes = 26
const uuidBytes = 16
const checkBytes = 4
/** Longer texts are not cursors; they are rejected before they are decoded. */
const textLengthMax = 128

/** A position and the epoch of the feed in which it was given out (docs/FEED.md, 4.3). */
export interface FeedPlace {
  epoch: string
  place: CursorPosition
}

export function encodeCursor(epoch: string, place: CursorPosition): string {
  const scanned = place.kind === 'SCAN' ? place.scanned : null
  const bytes = Buffer.alloc(headBytes + (scanned === null ? 0 : uuidBytes) + checkBytes)
  bytes[0] = format
  bytes[1] = place.kind === 'TAIL' ? kinds.TAIL : scanned === null ? kinds.SCAN_START : kinds.SCAN
  epochBytes(epoch).copy(bytes, 2)
  bytes.writeBigUInt64BE(BigInt(place.position), 2 + uuidBytes)
  if (scanned !== null) writeUuid(bytes, headBytes, scanned)
  bytes.writeUInt32BE(crc32(bytes.subarray(0, -checkBytes)), bytes.length - checkBytes)
  return bytes.toString('base64url')
}

/**
 * Throws FeedError CURSOR_INVALID. Does not check whether the epoch and the position are part of
 * the feed; the reader does.
 */
export function decodeCursor(text: string): FeedPlace {
  if (text.length > textLengthMax || !/^[\w-]+$/.test(text))
    throw invalid('it is not text that Touchstone gave out')
  const bytes = Buffer.from(text, 'base64url')
  if (bytes.length < headBytes + checkBytes) throw invalid('it is cut off')
  if (bytes[0] !== format)
    throw invalid(`its format is ${bytes[0]}; this version reads format ${format}`)
  // base64url has several texts for one byte string if the last character carries unused bits; only
  // the canonical one is a cursor.
  const intact =
    bytes.toString('base64url') === text &&
    crc32(bytes.subarray(0, -checkBytes)) === bytes.readUInt32BE(bytes.length - checkBytes)
  if (!intact) throw invalid('it was changed or cut off')
  const kind = bytes[1]
  const length = headBytes + (kind === kinds.SCAN ? uuidBytes : 0) + checkBytes
  if (
    (kind !== kinds.TAIL && kind !== kinds.SCAN_START && kind !== kinds.SCAN) ||
    bytes.length !== length
  )
    throw invalid('it is of a kind that this version does not know')
  const position = Number(bytes.readBigUInt64BE(2 + uuidBytes))
  if (!Number.isSafeInteger(position)) throw invalid('its position is out of range')
  const epoch = readUuid(bytes, 2)
  if (kind === kinds.TAIL) return { epoch, place: { kind: 'TAIL', position } }
  const scanned = kind === kinds.SCAN ? readUuid(bytes, headBytes) : null
  return { epoch, place: { kind: 'SCAN', position, scanned } }
}

/** Cache of the last epoch: a process has one at a time, and encodes a cursor for every event. */
let known = { epoch: '', bytes: Buffer.alloc(uuidBytes) }

function epochBytes(epoch: string): Buffer {
  if (known.epoch !== epoch) {
    const bytes = Buffer.alloc(uuidBytes)
    writeUuid(bytes, 0, epoch)
    known = { epoch, bytes }
  }
  return known.bytes
}

function invalid(why: string): FeedError {
  return new FeedError(
    'CURSOR_INVALID',
    `the cursor is invalid: ${why}; pass one exactly as it was received`,
  )
}

function writeUuid(bytes: Buffer, at: number, uuid: string): void {
  if (bytes.write(uuid.replaceAll('-', ''), at, 'hex') !== uuidBytes)
    throw new Error(`"${uuid}" is no uuid`)
}

function readUuid(bytes: Buffer, at: number): string {
  const x = bytes.toString('hex', at, at + uuidBytes)
  return `${x.slice(0, 8)}-${x.slice(8, 12)}-${x.slice(12, 16)}-${x.slice(16, 20)}-${x.slice(20)}`
}
