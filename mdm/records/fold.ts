import { hash } from 'node:crypto'
import type { RecordChange } from '../../connectors/contract.ts'

/**
 * When a field's value was stated: the version from the source, and a tie-break from the content.
 */
export type Stamp = [version: number, tie: string]

/** The state of one source record before mapping. */
export interface RecordState {
  /** Newest stamp of any part. */
  version: number
  tie: string
  deleted: boolean
  raw: Record<string, unknown>
  /**
   * Stamps of parts that differ from the last whole version; `''` is the whole version's own,
   * DELETED the tombstone's. Null: every part has the stamp of `version`.
   */
  fieldVersions: Record<string, Stamp> | null
}

export type Folded = { state: RecordState } | { skipped: 'NOT_NEWER' | 'UNCHANGED' }

/** Names of parts that are no raw field; `partOf` keeps fields from having these names. */
const DELETED = ' deleted'
const WHOLE = ''
/** Lies before every time that a source may give, the year 1 included. */
const NEVER: Stamp = [-1e18, '']

/**
 * Folds a change into the state of a record: a last-writer-wins map over its fields, where a whole
 * version states every field and a partial one only its own. The result does not depend on the
 * order of arrival (I10, I1), so a late older version never overwrites a newer one, and a tombstone
 * that arrives before its record still holds. `now` (microseconds) is the version of messages whose
 * source gives none; of those that arrived at the same time the one with the higher `arrival` is
 * newer. A `correction` outranks the message it corrects, which has the same version, and nothing
 * newer; of several corrections of one version the last one wins.
 */
export function fold(
  known: RecordState | null,
  change: RecordChange,
  now: number,
  arrival: number,
  correction = false,
): Folded {
  const unversioned = change.version === null
  const order = String(arrival).padStart(arrivalDigits, '0')
  // As text, '~' sorts after every digit and letter of the other ties.
  const tie = correction ? `~${order}` : unversioned ? order : contentTie(change)
  const stamp: Stamp = [unversioned ? now : Number(change.version), tie]
  // A tombstone without content states nothing about the fields, so they keep their values.
  const partial = change.partial || (change.deleted && Object.keys(change.raw).length === 0)
  if (
    unversioned &&
    known &&
    !partial &&
    !change.deleted &&
    !known.deleted &&
    sameContent(known, change)
  )
    return { skipped: 'UNCHANGED' }

  const stamps = new Map<string, Stamp>(Object.entries(known?.fieldVersions ?? {}))
  const base: Stamp = stamps.get(WHOLE) ?? (known ? [known.version, known.tie] : NEVER)
  // A Map, because a field named __proto__ is a field like any other.
  const raw = new Map<string, unknown>(Object.entries(known?.raw ?? {}))
  const stampOf = (field: string): Stamp => stamps.get(partOf(field)) ?? base
  let deleted = known?.deleted ?? false
  let changed = false

  if (partial) {
    if (isAfter(stamp, stamps.get(DELETED) ?? base)) {
      deleted = change.deleted
      stamps.set(DELETED, stamp)
      changed = true
    }
    for (const [field, value] of change.deleted ? [] : Object.entries(change.raw)) {
      if (!isAfter(stamp, stampOf(field))) continue
      raw.set(field, value)
      stamps.set(partOf(field), stamp)
      changed = true
    }
    if (!stamps.has(WHOLE)) stamps.set(WHOLE, base)
  } else if (isAfter(stamp, base)) {
    changed = true
    for (const field of raw.keys()) if (!isAfter(stampOf(field), stamp)) raw.delete(field)
    for (const [field, value] of Object.entries(change.raw))
      if (!isAfter(stampOf(field), stamp)) raw.set(field, value)
    if (!isAfter(stamps.get(DELETED) ?? base, stamp)) deleted = change.deleted
    stamps.set(WHOLE, stamp)
    for (const [part, at] of stamps) if (part !== WHOLE && !isAfter(at, stamp)) stamps.delete(part)
  }
  if (!changed) return { skipped: 'NOT_NEWER' }

  const newest = [...stamps.values()].reduce((a, b) => (isAfter(b, a) ? b : a), NEVER)
  const whole = stamps.size === 1 && stamps.has(WHOLE)
  return {
    state: {
      version: newest[0],
      tie: newest[1],
      deleted,
      raw: Object.fromEntries(raw),
      fieldVersions: whole ? null : Object.fromEntries(stamps),
    },
  }
}

/** Returns the name under which a field's stamp is stored. */
function partOf(field: string): string {
  return field === WHOLE || field.startsWith(' ') ? ` =${field}` : field
}

function isAfter(a: Stamp, b: Stamp): boolean {
  return a[0] > b[0] || (a[0] === b[0] && a[1] > b[1])
}

/** Digits of 2^53, so that inbox ids compare as text. */
const arrivalDigits = 16

/**
 * Returns a tie-break for two contents of one version that does not depend on the order of arrival.
 * Names are not sorted: the same content in another order of names may count as a change without
 * effect.
 */
function contentTie(change: RecordChange): string {
  return hash('sha256', `${change.deleted}${JSON.stringify(change.raw)}`).slice(0, 16)
}

function sameContent(known: RecordState, change: RecordChange): boolean {
  return stable(known.raw) === stable(change.raw)
}

/** Returns JSON with sorted names, so equal content gives equal text. */
function stable(value: unknown): string {
  return JSON.stringify(value, (_, v: unknown) =>
    v && typeof v === 'object' && !Array.isArray(v)
      ? Object.fromEntries(Object.entries(v).sort(([a], [b]) => (a < b ? -1 : 1)))
      : v,
  )
}
