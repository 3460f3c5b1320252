import { isDeepStrictEqual } from 'node:util'
import type { Json } from '../../connectors/connection/row.ts'
import type { Canonical, RecordChange } from '../../connectors/contract.ts'
import { namedElement, readNamedElement } from '../../connectors/mapping/namedElement.ts'
import { compilePath, isEmpty, scopeOf } from '../../connectors/mapping/path.ts'
import { parsePath } from '../../connectors/mapping/pathText.ts'
import { placeText, readAt, writeAt } from '../../connectors/mapping/rawPath.ts'
import type { WRITTEN_STATES } from '../../schema/tables/writtenValue.ts'

/** What a record of a source system holds at a path because it was written there. */
export interface WrittenValue {
  intentId: number
  path: string
  value: Json
  /** The newest version of the record that was known when it was written; microseconds. */
  since: number
  /** When the system confirmed it, in microseconds by the own clock; null while nobody knows. */
  appliedAt: number | null
  state: (typeof WRITTEN_STATES)[number]
}

export interface OwnStatement {
  /** The change as the system itself states it: its former value in the place of each echo. */
  change: RecordChange
  /** The written values that the change states, in their states before. */
  echoes: WrittenValue[]
  /**
   * True if the change shows a write for the first time, or that the system's former value is back:
   * then its time is that of the write, and says nothing about when the system stated the rest.
   */
  isOfWrite: boolean
  /** All written values of the record, in their states after the change. */
  written: WrittenValue[]
}

/**
 * Largest difference between the clock of a system and the own one, plus the duration of a write. A
 * value that was replaced before it was seen is the system's own if it is stated later than this.
 */
export const clocksApartMaxMs = 15 * 60_000

/**
 * Returns a change as the system's own statement. A change that states a written value at its path is
 * an echo there and nothing that the system itself states. `former` is the record before the
 * change, as the system itself stated it; changes come in the order of their versions.
 *
 * Another value is the system's own. It ends a written value that was seen. One that was not seen
 * may not have been applied yet, so it ends only if the write was confirmed well before: until then
 * the value may still come, and it is an echo if it comes about the time of the write.
 */
export function ownStatement(
  change: RecordChange,
  version: number,
  former: Readonly<Record<string, unknown>> | null,
  written: readonly WrittenValue[],
  map: (raw: Record<string, unknown>) => Canonical,
): OwnStatement {
  if (written.length === 0 || (change.deleted && Object.keys(change.raw).length === 0))
    return { change, echoes: [], isOfWrite: false, written: [...written] }
  const echoes: WrittenValue[] = []
  const after: WrittenValue[] = []
  let isOfWrite = false
  let raw = change.raw
  const byPath = Map.groupBy(written, (w) => w.path)
  for (const [path, all] of byPath) {
    const values = [...all].sort((a, b) => a.intentId - b.intentId)
    if (!isStated(change, path)) {
      after.push(...values)
      continue
    }
    const place = statedPath(change.raw, path, values, map)
    const stated = readAt(change.raw, place)
    const own = former ? readAt(former, path) : undefined
    const whole = change.partial ? { ...former, ...change.raw } : change.raw
    const states = (value: unknown) => isSame(whole, place, stated, value, map)
    const echo =
      values.find((w) => w.state === 'SEEN' && states(w.value)) ??
      values.find((w) => isExpected(w, version) && states(w.value))
    if (!echo) {
      const isFormer = isSame(whole, place, stated, own, map)
      const now = values.map((w) => contradicted(w, version, isFormer))
      if (isFormer && now.some((w, i) => w.state !== values[i]?.state)) isOfWrite = true
      after.push(...now)
      continue
    }
    echoes.push(echo)
    raw = withoutEcho(raw, place, own, change.partial)
    const now = values.map((w): WrittenValue => {
      if (w === echo) return { ...w, state: 'SEEN' }
      return w.intentId < echo.intentId ? { ...w, state: 'ENDED' } : contradicted(w, version, true)
    })
    if (now.some((w, i) => w.state !== values[i]?.state)) isOfWrite = true
    after.push(...now)
  }
  return {
    change: raw === change.raw ? change : { ...change, raw },
    echoes,
    isOfWrite,
    written: after,
  }
}

/** Returns true if a change says anything about a path. */
function isStated(change: RecordChange, path: string): boolean {
  return !change.partial || readAt(change.raw, path) !== undefined || namesFieldOf(change, path)
}

function namesFieldOf(change: RecordChange, path: string): boolean {
  const field = parsePath(path).steps[0]?.name
  return field !== null && field !== undefined && Object.hasOwn(change.raw, field)
}

/** Returns true if a statement of this version may be the first one of a written value. */
function isExpected(w: WrittenValue, version: number): boolean {
  if (w.state === 'ENDED' || w.state === 'SEEN' || version < w.since) return false
  return w.state !== 'REPLACED' || !isLate(w, version)
}

function isLate(w: WrittenValue, version: number): boolean {
  return w.appliedAt !== null && version > w.appliedAt + clocksApartMaxMs * 1_000
}

/** Returns a written value after a statement of another value at its path. */
function contradicted(w: WrittenValue, version: number, isFormer: boolean): WrittenValue {
  if (w.state === 'ENDED') return w
  if (w.state === 'SEEN') return { ...w, state: 'ENDED' }
  if (version <= w.since) return w
  if (isLate(w, version)) return { ...w, state: 'ENDED' }
  return isFormer && w.state !== 'REPLACED'
    ? { ...w, state: 'REVERTED' }
    : { ...w, state: 'REPLACED' }
}

/** Returns true if a record holds a value at a path, in the form that its system gives to it. */
export function holdsValue(
  raw: Record<string, unknown>,
  path: string,
  value: Json,
  map: (raw: Record<string, unknown>) => Canonical,
): boolean {
  const place = namedAlike(raw, path, value, map) ?? path
  return isSame(raw, place, readAt(raw, place), value, map)
}

/**
 * Returns the path at which a change states one of the written values of a path. It is another one
 * where the values name an element that the system writes in another form.
 */
function statedPath(
  raw: Record<string, unknown>,
  path: string,
  values: readonly WrittenValue[],
  map: (raw: Record<string, unknown>) => Canonical,
): string {
  const named = values.find((w) => w.value !== null && w.state !== 'ENDED')
  return (named && namedAlike(raw, path, named.value, map)) ?? path
}

/**
 * Returns the path of the element that means what a path names: +49 30 1234 for +49301234. Null where
 * the path names no element by its value, where that one is there, and where none means it.
 */
function namedAlike(
  raw: Record<string, unknown>,
  path: string,
  value: Json,
  map: (raw: Record<string, unknown>) => Canonical,
): string | null {
  const named = readNamedElement(parsePath(path).steps)
  if (!named || value === null || readAt(raw, path) !== undefined) return null
  for (const found of compilePath(placeText(named.list)).all(scopeOf(raw))) {
    const steps = typeof found === 'string' ? namedElement(named.list, found) : null
    const place = steps && placeText(steps)
    if (place && isSame(raw, place, found, value, map)) return place
  }
  return null
}

/**
 * Returns true if two values at a path are the same: by their content, or because the record maps to
 * the same with either of them. Systems return numbers as texts, trim names and format phones.
 */
function isSame(
  raw: Record<string, unknown>,
  path: string,
  a: unknown,
  b: unknown,
  map: (raw: Record<string, unknown>) => Canonical,
): boolean {
  if (isEmpty(a) || isEmpty(b)) return isEmpty(a) && isEmpty(b)
  if (isDeepStrictEqual(a, b)) return true
  const [withA, withB, without] = [a, b, undefined].map((v) => writeAt(raw, path, v as Json))
  if (!withA || !withB || !without) return false
  const fields = map(withA).fields
  return (
    isDeepStrictEqual(fields, map(withB).fields) && !isDeepStrictEqual(fields, map(without).fields)
  )
}

const sameElementsMax = 10

/** Returns raw fields with the system's own former value at a path; none where it had none. */
function withoutEcho(
  raw: Record<string, unknown>,
  path: string,
  own: unknown,
  partial: boolean,
): Record<string, unknown> {
  const steps = parsePath(path).steps
  const field = steps.length === 1 && steps[0]?.selectors.length === 0 ? steps[0].name : null
  // A partial change need not name the field at all, so the field stays as it is.
  const value = partial && field !== null ? undefined : own
  let without = raw
  // A request that was sent twice made two elements, which are told apart by nothing.
  for (let n = 0; n < sameElementsMax; n++) {
    without = writeAt(without, path, value as Json | undefined) ?? without
    if (value !== undefined || readAt(without, path) === undefined) break
  }
  return without
}
