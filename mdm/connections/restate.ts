import { isDeepStrictEqual } from 'node:util'
import type { Canonical } from '../../connectors/contract.ts'
import { ownStatement, type WrittenValue } from '../echo/echo.ts'

/** A row of a page as its message states it. */
export interface StatedRow {
  messageId: string
  /** Null for a row that the mapping cannot read: it becomes an exception. */
  key: string | null
  /** Microseconds since 1970; null where neither the system nor the mapping states a version. */
  version: number | null
  deleted: boolean
  raw: Record<string, unknown>
}

/** The message with the same key, where there is one already. */
export interface KnownMessage {
  inboxId: number
}

/** The stored record, without its content. */
export interface StoredRecord {
  version: number
  deleted: boolean
  /** The message whose statement counts. */
  statedBy: number | null
  /** Whether it was deleted by a message without a version, so that arrival alone decides. */
  deletedByArrival: boolean
}

/**
 * How a row goes into the inbox. ONCE: under the key of its content, which may be known. AGAIN:
 * under a key of its own. NOW: so, too, and its version does not count. SKIP: the store has it.
 * COMPARE: SKIP where the stored content is the same, else AGAIN.
 */
export type Decision = 'ONCE' | 'AGAIN' | 'NOW' | 'SKIP' | 'COMPARE'

/**
 * Decides how a row is stated. A known content is not a new message; but a record may have returned
 * to an earlier content, or to life, and then its statement must count again. `settled`: no earlier
 * message of the object waits in the queue, so the store shows what they stated.
 */
export function decide(
  row: StatedRow,
  known: KnownMessage | null,
  stored: StoredRecord | null,
  settled: boolean,
): Decision {
  const again = known ? 'AGAIN' : 'ONCE'
  if (row.key === null) return 'ONCE'
  if (!stored) return settled ? 'ONCE' : row.version === null ? again : 'ONCE'
  if (row.version === null) {
    if (!settled) return again
    if (row.deleted) return stored.deleted ? 'SKIP' : again
    return stored.deleted ? again : 'COMPARE'
  }
  if (!row.deleted && stored.deleted && stored.version > row.version)
    return stored.deletedByArrival ? 'NOW' : 'ONCE'
  const overtaken =
    known !== null && stored.version === row.version && (stored.statedBy ?? 0) > known.inboxId
  if (!overtaken) return 'ONCE'
  if (row.deleted !== stored.deleted) return 'AGAIN'
  return row.deleted ? 'ONCE' : 'COMPARE'
}

/** The content of a stored record: what its system states, and what was written to it. */
export interface StoredContent {
  raw: Record<string, unknown>
  written: readonly WrittenValue[]
}

/**
 * Decides a COMPARE. A written value that comes back is nothing new once it was seen, and its first
 * sight is: the next other value then is the system's own. `nowMicros` is the version of a row that
 * has none.
 */
export function compare(
  row: StatedRow,
  known: KnownMessage | null,
  stored: StoredContent,
  map: (raw: Record<string, unknown>) => Canonical,
  nowMicros: number,
): Exclude<Decision, 'COMPARE'> {
  const version = row.version ?? nowMicros
  const change = { object: '', sourceId: '', version: null, deleted: false, partial: false }
  const own = ownStatement({ ...change, raw: row.raw }, version, stored.raw, stored.written, map)
  const states = new Map(stored.written.map((w) => [nameOf(w), w.state]))
  const isKnown = own.written.every((w) => states.get(nameOf(w)) === w.state)
  if (isKnown && isDeepStrictEqual(own.change.raw, stored.raw)) return 'SKIP'
  return known ? 'AGAIN' : 'ONCE'
}

function nameOf({ intentId, path }: WrittenValue): string {
  return `${intentId} ${path}`
}
