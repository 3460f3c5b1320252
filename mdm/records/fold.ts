import { isDeepStrictEqual } from 'node:util'
import type { RecordChange } from '../../connectors/contract.ts'
import { ownValue } from '../../schema/kit/dictionary.ts'
import { arrivalOf, isAfter, isByArrival, NEVER, type Stamp, stampOfChange } from './stamp.ts'

/** Statements of one version whose order needs more than their stamps. */
export interface Tied {
  /** Messages that state the whole version, where their contents order them; else empty. */
  messages: number[]
  /** Messages that may be later than the one that counts. */
  doubt: number[]
}

/** The state of one source record before mapping. */
export interface RecordState {
  /** Newest stamp of any part. */
  version: number
  tie: string
  deleted: boolean
  raw: Record<string, unknown>
  /**
   * Stamps of parts that differ from the last whole version; `''` is the whole version's own,
   * DELETED the tombstone's, RESTATED the last repetition's. Null: every part has the stamp of
   * `version`.
   */
  fieldVersions: Record<string, Stamp> | null
  tied: Tied | null
}

/**
 * `state` is present if there is something to store; with `skipped` only stamps have changed, and
 * neither content nor version.
 */
export interface Folded {
  state?: RecordState
  skipped?: 'NOT_NEWER' | 'UNCHANGED' | 'ECHO'
}

/** Names of parts that are no raw field; `partOf` keeps fields from having these names. */
const DELETED = ' deleted'
const RESTATED = ' restated'
const WHOLE = ''

/**
 * Folds a change into the state of a record: a last-writer-wins map over its fields, where a whole
 * version states every field and a partial one only its own. The result does not depend on the
 * order of application (I10, I1), so a late older version never overwrites a newer one, and a
 * tombstone that arrives before its record still holds. `now` (microseconds) is the version of
 * messages whose source gives none. Of equal versions the one with the higher sequence of the source
 * is newer, without one that with the higher `arrival`. A `correction` outranks the message it
 * corrects, which has the same version, and nothing newer; of several corrections of one version the
 * last one wins.
 */
export function fold(
  known: RecordState | null,
  change: RecordChange,
  now: number,
  arrival: number,
  correction = false,
): Folded {
  const unversioned = change.version === null
  const stamp = stampOfChange(change, now, arrival, correction)
  // A tombstone without content states nothing about the fields, so they keep their values.
  const partial = change.partial || (change.deleted && Object.keys(change.raw).length === 0)
  const stamps = new Map<string, Stamp>(Object.entries(known?.fieldVersions ?? {}))
  const base = baseOf(known)
  const restated = stamps.get(RESTATED)
  if (
    unversioned &&
    known &&
    !partial &&
    !change.deleted &&
    !known.deleted &&
    isDeepStrictEqual(known.raw, change.raw)
  )
    return restate(known, stamps, stamp)
  if (known && restated && !isAfter(stamp, restated)) {
    if (!isAfter(stamp, base)) return { skipped: 'NOT_NEWER' }
    // Something else was stated between two equal contents: the second one is a change.
    stamps.delete(RESTATED)
    return { state: withStamps(known, stamps.set(WHOLE, restated)) }
  }

  // A Map, because a field named __proto__ is a field like any other.
  const raw = new Map<string, unknown>(Object.entries(known?.raw ?? {}))
  const stampOf = (field: string): Stamp => stamps.get(partOf(field)) ?? base
  const deletedAt = stamps.get(DELETED) ?? base
  let deleted = known?.deleted ?? false
  let changed = false

  if (partial) {
    if (isAfter(stamp, deletedAt)) {
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
    if (!isAfter(deletedAt, stamp)) deleted = change.deleted
    stamps.set(WHOLE, stamp)
    for (const [part, at] of stamps) if (part !== WHOLE && !isAfter(at, stamp)) stamps.delete(part)
  }
  const liveAt = deleted ? null : (stamps.get(DELETED) ?? stamps.get(WHOLE) ?? base)
  const doubt = doubtOf(known, change, stamp, deletedAt, liveAt)
  if (!changed) {
    const noted = known && !isDeepStrictEqual(doubt, known.tied?.doubt ?? [])
    return noted
      ? {
          state: { ...known, tied: tiedOf(known.tied?.messages ?? [], doubt) },
          skipped: 'NOT_NEWER',
        }
      : { skipped: 'NOT_NEWER' }
  }
  const fields = Object.fromEntries(raw)
  const state = withStamps(
    { version: 0, tie: '', deleted, raw: fields, fieldVersions: null, tied: null },
    stamps,
  )
  // A newer version of the whole ends its ties; a newer version of any part ends the doubt.
  const sameWhole = known && baseOf(state)[0] === base[0]
  const sameVersion = known && state.version === known.version
  state.tied = tiedOf(sameWhole ? (known.tied?.messages ?? []) : [], sameVersion ? doubt : [])
  const same = sameVersion && deleted === known.deleted && isDeepStrictEqual(fields, known.raw)
  return same && isDeepStrictEqual(state.tied, known.tied)
    ? { state, skipped: 'UNCHANGED' }
    : { state }
}

/** Returns the stamp of the last whole version. */
export function baseOf(known: RecordState | null): Stamp {
  if (!known) return NEVER
  return known.fieldVersions?.[WHOLE] ?? [known.version, known.tie]
}

/** Returns the stamp of a raw field. */
export function stampOfField(known: RecordState, field: string): Stamp {
  return ownValue(known.fieldVersions ?? {}, partOf(field)) ?? baseOf(known)
}

/**
 * Returns the state with its whole version under every other statement of that version, so that the
 * caller can decide between them by more than their stamps.
 */
export function underTies(known: RecordState): RecordState {
  const [version] = baseOf(known)
  return known.fieldVersions
    ? { ...known, fieldVersions: { ...known.fieldVersions, [WHOLE]: [version, ''] } }
    : { ...known, tie: '' }
}

export function tiedOf(messages: number[], doubt: number[]): Tied | null {
  return messages.length + doubt.length > 0 ? { messages, doubt } : null
}

/** Notes that an unversioned content was stated again, so that a late statement between is older. */
function restate(known: RecordState, stamps: Map<string, Stamp>, stamp: Stamp): Folded {
  const base = baseOf(known)
  if (!isAfter(stamp, stamps.get(RESTATED) ?? base)) return { skipped: 'UNCHANGED' }
  stamps.set(WHOLE, base).set(RESTATED, stamp)
  return { state: withStamps(known, stamps), skipped: 'UNCHANGED' }
}

/**
 * Returns the message that may be later than the one that counts, if there is one. A deleted record
 * does not change any more. So if a deletion and a live statement have the same version and the
 * deletion arrived first, it was overtaken or the record was restored, and nothing shows which.
 */
function doubtOf(
  known: RecordState | null,
  change: RecordChange,
  stamp: Stamp,
  deletedAt: Stamp,
  liveAt: Stamp | null,
): number[] {
  if (!known || !liveAt || !isByArrival(liveAt[1])) return []
  const doubt = known.tied?.doubt ?? []
  const ordered = change.version === null || !isByArrival(stamp[1]) || !isByArrival(deletedAt[1])
  if (ordered || change.order || stamp[0] !== deletedAt[0] || change.deleted === known.deleted)
    return doubt
  const deletion = arrivalOf(change.deleted ? stamp[1] : deletedAt[1])
  // The latest one only, which does not depend on the order of application.
  return deletion === null ? doubt : [Math.max(deletion, ...doubt)]
}

function withStamps(state: RecordState, stamps: ReadonlyMap<string, Stamp>): RecordState {
  const counted = [...stamps].filter(([part]) => part !== RESTATED).map(([, at]) => at)
  const newest = counted.reduce((a, b) => (isAfter(b, a) ? b : a), NEVER)
  const whole = stamps.size === 1 && stamps.has(WHOLE)
  return {
    ...state,
    version: newest[0],
    tie: newest[1],
    fieldVersions: whole ? null : Object.fromEntries(stamps),
  }
}

/** Returns the name under which a field's stamp is stored. */
function partOf(field: string): string {
  return field === WHOLE || field.startsWith(' ') ? ` =${field}` : field
}
