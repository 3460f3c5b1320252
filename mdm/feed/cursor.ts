import { crc32 } from 'node:zlib'
import { type CursorSeal, isSealed } from '../db/cursorSeal.ts'
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
const textLengthMax = 256

/** A position and the epoch of the feed in which it was given out (docs/FEED.md, 4.3). */
export interface FeedPlace {
  epoch: string
  place: CursorPosition
  /** Set for callers with row rights, who see no position of the feed. */
  own?: OwnPlace | null
}

/** The place of a caller with row rights, in numbers of its own (docs/FEED.md, 4.4). */
export interface OwnPlace {
  seal: CursorSeal
  /** Events that were delivered since the first cursor without any. */
  delivered: number
}

const PURPOSE = 'feed'
const deliveredBytes = 8

/** Returns the text of a place: sealed for callers with row rights. */
export function cursorText({ epoch, place, own }: FeedPlace): string {
  if (!own) return encodeCursor(epoch, place)
  const delivered = Buffer.alloc(deliveredBytes)
  delivered.writeBigUInt64BE(BigInt(own.delivered))
  return own.seal.seal(PURPOSE, Buffer.concat([delivered, bytesOf(epoch, place)]))
}

/**
 * Returns the place of a cursor. With a seal only sealed ones are accepted: whether a plain one is
 * beyond the head would reveal the head. Throws FeedError CURSOR_INVALID, as `decodeCursor`.
 */
export function openCursor(text: string, seal: CursorSeal | null): FeedPlace {
  if (!seal) return decodeCursor(text)
  const bytes = text.length > textLengthMax ? null : seal.open(PURPOSE, text)
  if (!bytes)
    throw new FeedError(
      'CURSOR_INVALID',
      'the cursor is not one that this installation gave to a caller with row rights; take a snapshot once, and go on with its cursors',
    )
  const delivered = Number(bytes.readBigUInt64BE())
  return { ...placeOf(bytes.subarray(deliveredBytes)), own: { seal, delivered } }
}

export function encodeCursor(epoch: string, place: CursorPosition): string {
  return bytesOf(epoch, place).toString('base64url')
}

function bytesOf(epoch: string, place: CursorPosition): Buffer {
  const scanned = place.kind === 'SCAN' ? place.scanned : null
  const bytes = Buffer.alloc(headBytes + (scanned === null ? 0 : uuidBytes) + checkBytes)
  bytes[0] = format
  bytes[1] = place.kind === 'TAIL' ? kinds.TAIL : scanned === null ? kinds.SCAN_START : kinds.SCAN
  epochBytes(epoch).copy(bytes, 2)
  bytes.writeBigUInt64BE(BigInt(place.position), 2 + uuidBytes)
  if (scanned !== null) writeUuid(bytes, headBytes, scanned)
  bytes.writeUInt32BE(crc32(bytes.subarray(0, -checkBytes)), bytes.length - checkBytes)
  return bytes
}

/**
 * Throws FeedError CURSOR_INVALID. Does not check whether the epoch and the position are part of
 * the feed; the reader does.
 */
export function decodeCursor(text: string): FeedPlace {
  if (text.length > textLengthMax || !/^[\w-]+$/.test(text))
    throw invalid('it is not text that Touchstone gave out')
  if (isSealed(text)) throw invalid('it belongs to a caller with row rights')
  const bytes = Buffer.from(text, 'base64url')
  // base64url has several texts for one byte string if the last character carries unused bits; only
  // the canonical one is a cursor.
  if (bytes.toString('base64url') !== text) throw invalid('it was changed or cut off')
  return placeOf(bytes)
}

function placeOf(bytes: Buffer): FeedPlace {
  if (bytes.length < headBytes + checkBytes) throw invalid('it is cut off')
  if (bytes[0] !== format)
    throw invalid(`its format is ${bytes[0]}; this version reads format ${format}`)
  const intact =
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
