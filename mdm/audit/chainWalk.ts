import type { AuditKey, KeyRing } from './auditKeys.ts'
import type { AuditRow } from './auditRow.ts'
import { endorseKey, entryHash, unkeyedHash } from './entryHash.ts'

/** Where the log begins: after the entries that have expired. Zero and no bytes if none has. */
export interface ChainStart {
  chain: string
  id: number
  hash: Uint8Array
  /**
   * The ids of keys in use up to there, if the check begins at a place that is known to be right.
   */
  keys?: readonly string[]
}

/** The first entry that is not right. */
export interface BrokenRow {
  id: number
  detail: string
}

/** A key, with the first and the last entry that it signs. */
export interface KeySpan {
  id: string
  from: number
  to: number
}

/** Entries from here on that could not be checked, because this process lacks their key. */
export interface Unverified {
  id: number
  keyId: string
  entries: number
}

/** The event of the entry that names the last expired one. */
export const EXPIRED_EVENT = 'AUDIT_EXPIRED'
/** The event of an entry that replaces a lost key; nothing endorses it. */
export const KEY_LOST_EVENT = 'AUDIT_KEY_LOST'
/** The event of an entry that records where the log was found broken. */
export const BROKEN_EVENT = 'AUDIT_BROKEN'
/** The event of an entry by which somebody lets heads go on after that. */
export const RESUMED_EVENT = 'AUDIT_RESUMED'

/**
 * Checks the entries of an audit log one after the other, in constant memory. `take` returns what
 * is wrong with an entry. After the first such entry nothing more can be checked.
 */
export class ChainWalk {
  readonly #ring: ReadonlyMap<string, AuditKey>
  readonly #start: ChainStart
  #before: Uint8Array
  #last: number
  readonly #keys: KeySpan[] = []
  readonly #earlier: readonly string[]
  #unverified: Unverified | null = null
  #unkeyed = 0
  #expired: { through: number; hash: string } | null = null

  constructor(ring: KeyRing, start: ChainStart) {
    this.#ring = new Map(ring.map((k) => [k.id, k]))
    this.#start = start
    this.#before = start.hash
    this.#last = start.id
    this.#earlier = start.keys ?? []
  }

  /** The last entry that was taken. */
  get last(): number {
    return this.#last
  }

  get lastHash(): Uint8Array {
    return this.#before
  }

  /** Spans of keys, in their order. */
  get keys(): readonly KeySpan[] {
    return this.#keys
  }

  /** The ids of all keys so far, in their order. */
  get keyIds(): string[] {
    return [...this.#earlier, ...this.#keys.map((k) => k.id)]
  }

  /** How many entries are from before keys. */
  get unkeyed(): number {
    return this.#unkeyed
  }

  get unverified(): Unverified | null {
    return this.#unverified
  }

  /** The entry that the latest record of an expiry names as the last expired one. */
  get expired(): { through: number; hash: string } | null {
    return this.#expired
  }

  take(row: AuditRow): BrokenRow | null {
    const id = this.#last + 1
    const detail = this.#fault(row, id)
    if (detail !== null) return { id, detail }
    if (row.event === EXPIRED_EVENT) this.#expired = expiryOf(row)
    this.#before = row.hash
    this.#last = row.id
    return null
  }

  #fault(row: AuditRow, expected: number): string | null {
    if (row.id !== expected) return `entry ${expected} is missing`
    return row.keyId === null ? this.#faultUnkeyed(row) : this.#faultKeyed(row, row.keyId)
  }

  #faultUnkeyed(row: AuditRow): string | null {
    const current = this.#currentKey
    if (current !== null)
      return `it has no key, and the log is under the key ${current} since an earlier entry`
    if (!equal(row.hash, unkeyedHash(this.#before, row.body)))
      return 'its hash is not that of its body and the entry before'
    this.#unkeyed++
    return columnFault(row)
  }

  #faultKeyed(row: AuditRow, keyId: string): string | null {
    const current = this.#currentKey
    const key = this.#ring.get(keyId)
    if (keyId !== current) {
      const fault = this.#faultOfKeyChange(row, keyId, current)
      if (fault !== null) return fault
    } else if (row.endorsement) return 'it endorses a key, and the key does not change here'
    const misfit = columnFault(row)
    if (misfit !== null) return misfit
    if (key) {
      const expected = entryHash(key, {
        ...row,
        chain: this.#start.chain,
        before: this.#before,
      })
      if (!equal(row.hash, expected))
        return `its hash is not the one that the key ${keyId} gives for it and the entry before, in this log (${this.#start.chain})`
    } else if (this.#unverified) this.#unverified.entries++
    else this.#unverified = { id: row.id, keyId, entries: 1 }
    const span = this.#keys.at(-1)
    if (span?.id === keyId) span.to = row.id
    else if (keyId !== current) this.#keys.push({ id: keyId, from: row.id, to: row.id })
    return null
  }

  #faultOfKeyChange(row: AuditRow, keyId: string, current: string | null): string | null {
    if (this.keyIds.includes(keyId))
      return `it goes back to the key ${keyId}, which ${current} has followed`
    // The first entry that is left after an expiry cannot name the key before it.
    if (current === null) {
      if (row.endorsement && this.#start.id === 0)
        return 'it endorses a change of keys, and no key is before it'
      return null
    }
    const earlier = this.#ring.get(current)
    if (row.endorsement === null)
      return row.event === KEY_LOST_EVENT && !earlier
        ? null
        : `it has another key, ${keyId}, and the key ${current} does not endorse it`
    if (!earlier) return null
    const expected = endorseKey(earlier, {
      chain: this.#start.chain,
      id: row.id,
      keyId,
      before: this.#before,
    })
    return equal(row.endorsement, expected)
      ? null
      : `it has another key, ${keyId}, and its endorsement is not of the key ${current}`
  }

  get #currentKey(): string | null {
    return this.#keys.at(-1)?.id ?? this.#earlier.at(-1) ?? null
  }
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.from(a.buffer, a.byteOffset, a.byteLength).equals(b)
}

/** Returns which column does not hold what the body says. */
function columnFault(row: AuditRow): string | null {
  const body = parsedBody(row)
  if (!body) return 'its body is no JSON object'
  if (body.id !== row.id) return `it was written as entry ${String(body.id)}`
  const at = isoTime(row.atUs)
  // Before 2026-11-21 such a row held the due time of its tasks in place of its own time.
  const timeless = row.keyId === null && body.event === 'SET_DUE' && body.due === undefined
  if (!timeless && body.at !== at) return `its time is ${at}, and its body has ${String(body.at)}`
  for (const [column, value, inBody] of [
    ['actor', row.actor, body.actor],
    ['event', row.event, body.event],
    ['action', row.action, body.action],
  ] as const)
    if (value !== (inBody ?? null))
      return `its ${column} is ${String(value)}, and its body has ${String(inBody)}`
  return null
}

const msMax = 8.64e15

/** Returns the time as the body has it; microseconds, which no body has, stay visible. */
function isoTime(us: string): string {
  const ms = Number(BigInt(us) / 1_000n)
  return Math.abs(ms) > msMax || BigInt(us) % 1_000n !== 0n
    ? `${us} µs since 1970`
    : new Date(ms).toISOString()
}

/** Returns the last expired entry that a record of an expiry names. */
export function expiryOf(row: AuditRow): { through: number; hash: string } | null {
  const body = parsedBody(row)
  return typeof body?.through === 'number' && typeof body.hash === 'string'
    ? { through: body.through, hash: body.hash }
    : null
}

/** Returns the facts of an entry; null if its body is no JSON object. */
export function parsedBody({ body }: AuditRow): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(body)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null
  } catch {
    return null // The caller names the row.
  }
}
