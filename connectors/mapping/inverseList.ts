import { dataText } from '../../schema/kit/dataText.ts'
import type { Json } from '../connection/contract.ts'
import type { WriteRefusal } from '../contract.ts'
import { VALUE_KEYS, withoutKeys } from './field.ts'
import {
  type At,
  atBase,
  type Context,
  closed,
  compileValue,
  merged,
  type Part,
  type Result,
  same,
  sameCanonical,
  sameInAnyOrder,
  settle,
  type WrittenRaw,
  without,
} from './inversePart.ts'
import type { Wanted, WritableRule } from './inverseRule.ts'
import { isValueList, namedElement } from './namedElement.ts'
import { compilePath, foldName, type Path } from './path.ts'
import { type PathStep, parsePath } from './pathText.ts'
import { locate } from './rawPath.ts'
import { isMap } from './rule.ts'
import type { Shape } from './shape.ts'

/** A path of a list field: a place for one value, or a list whose every element has one. */
interface Slot {
  rule: WritableRule
  wantedOf(value: unknown): Wanted
  /** Null where the slot is no plain path. */
  path: Path | null
  /** The steps of a list; null for a place of its own. */
  list: readonly PathStep[] | null
}

/**
 * Compiles the inverse of a field with several values. Each value has a path of its own; a path that
 * holds a list has all of them; in a list of elements (`emails[].address`) a value is an element.
 */
export function listPart(
  spec: unknown,
  shape: Shape,
  at: readonly PropertyKey[],
  ctx: Context,
): Part {
  const options = isMap(spec) ? spec : {}
  const inner = withoutKeys(spec, VALUE_KEYS)
  const from = isMap(inner) && Object.keys(inner).length === 1 ? inner.from : inner
  // DUNSNumber and DunsNumber are one place.
  const named = (s: unknown) => (typeof s === 'string' ? foldName(s) : s)
  const all: unknown[] = [from].flat()
  const specs = all.filter((s, i) => all.findIndex((other) => named(other) === named(s)) === i)
  const single = { ...shape, list: false }
  const keys = Object.fromEntries(
    VALUE_KEYS.flatMap((k) => (options[k] === undefined ? [] : [[k, options[k]]])),
  )
  const slots = specs.map((s): Slot => {
    const place = Array.isArray(from) ? [...at, all.indexOf(s)] : at
    const one = isMap(s) ? { ...keys, ...s } : { ...keys, from: s }
    const steps = typeof s === 'string' ? parsePath(s).steps : null
    return {
      ...compileValue(one, single, place, ctx, true),
      path: typeof s === 'string' ? compilePath(s) : null,
      list: steps && isValueList(steps) ? steps : null,
    }
  })
  const obstacle = slots.find((s) => s.rule.obstacle)?.rule.obstacle
  if (obstacle) return closed(obstacle.at, obstacle.why)
  const hasElements = slots.some((s) => s.list !== null)
  if (hasElements && slots.some((s) => s.path === null))
    return closed(at, 'it is of lists and of values that are made of others')
  return {
    obstacle: null,
    paths: slots.flatMap((s) => s.rule.paths),
    heldAt: (scope) => (slots.some((s) => s.rule.heldAt(scope) !== null) ? 0 : null),
    expected: same,
    write: (wanted, scope, evaluate) => {
      const values = (wanted ?? []) as unknown[]
      const isReached = (raw: Record<string, unknown>) => sameCanonical(evaluate(raw), wanted)
      if (hasElements) {
        const now = (evaluate(scope.raw) ?? []) as unknown[]
        const isThere = (raw: Record<string, unknown>) =>
          sameInAnyOrder(evaluate(raw) ?? [], values)
        return checked(writeElements(slots, { values, now }, scope), isThere)
      }
      const only = slots.length === 1 ? specs[0] : undefined
      const place =
        typeof only === 'string' ? locate(scope.raw, scope.base, parsePath(only)) : undefined
      if (place && !('code' in place) && Array.isArray(place.current))
        return settle([[[place, values as Json[]]]], scope, isReached)
      return checked(writeSlots(slots, values, scope), isReached)
    },
  }
}

function checked(result: Result, isReached: (raw: Record<string, unknown>) => boolean): Result {
  if ('code' in result || isReached(result.raw)) return result
  return { code: 'NOT_THE_VALUE', detail: 'the record would be read with other values' }
}

/** Writes each value at the path with its number. */
function writeSlots(slots: readonly Slot[], values: readonly unknown[], scope: At): Result {
  if (values.length > slots.length)
    return {
      code: 'TOO_MANY_VALUES',
      detail: `there are ${values.length} values, and the record has ${slots.length} places for them`,
    }
  let written: WrittenRaw = { raw: scope.raw, values: new Map() }
  for (const [i, { rule, wantedOf }] of slots.entries()) {
    const value = values[i] ?? null
    const now = atBase(scope, written.raw)
    if (value === null && rule.heldAt(now.scope) === null) continue
    const [first] = rule.propose(wantedOf(value), now)
    if (!first) continue
    if (!Array.isArray(first)) return first
    const next = settle([first], now, () => true)
    if ('code' in next) return next
    written = merged(written, next)
  }
  return written
}

/** A value that the record has too much, with the slots and the raw values from which it is read. */
interface Surplus {
  value: unknown
  places: { slot: Slot; read: unknown }[]
}

/**
 * Writes what is missing, and takes out what is too much: one of these becomes one of those. Values
 * that stay are not touched. Elements that would be left over are refused, because nothing is deleted
 * in a target.
 */
function writeElements(
  slots: readonly Slot[],
  { values, now }: { values: readonly unknown[]; now: readonly unknown[] },
  scope: At,
): Result {
  const added = without(values, now)
  const surplus = without(now, values).map((value): Surplus => {
    const places = slots.flatMap((slot) => {
      const { fits } = slot.wantedOf(value)
      const read = slot.path?.all(scope.scope) ?? []
      return read.filter(fits).map((one) => ({ slot, read: one }))
    })
    return { value, places }
  })
  let written: WrittenRaw = { raw: scope.raw, values: new Map() }
  const put = (slot: Slot, value: unknown): WriteRefusal | null => {
    const at = atBase(scope, written.raw)
    const [first] = slot.rule.propose(slot.wantedOf(value), at)
    if (first && !Array.isArray(first)) return first
    return first ? apply(settle([first], at, () => true)) : null
  }
  const apply = (next: Result): WriteRefusal | null => {
    if ('code' in next) return next
    written = merged(written, next)
    return null
  }
  for (const [i, { value, places }] of surplus.entries()) {
    const isReplaced = i < added.length
    const left = places.find(({ slot }, n) => slot.list && !(isReplaced && n === 0))
    if (left || places.length === 0) return leftOver(value)
    for (const { slot, read } of places) {
      const refused = slot.list ? apply(taken(slot.list, read, written, scope)) : put(slot, null)
      if (refused) return refused
    }
  }
  const firstList = slots.find((slot) => slot.list)
  for (const [i, value] of added.entries()) {
    const slot = surplus[i]?.places[0]?.slot ?? firstList
    const refused = slot ? put(slot, value) : null
    if (refused) return refused
  }
  return written
}

/** Returns the record without the value of one element, which another element takes. */
function taken(
  list: readonly PathStep[],
  read: unknown,
  { raw }: WrittenRaw,
  { canWrite }: At,
): Result {
  const steps = namedElement(list, dataText(read))
  const place = steps && locate(raw, [], { fromRoot: true, whole: null, steps })
  if (!place || 'code' in place) return leftOver(read)
  return settle([[[place, null]]], { raw, canWrite }, () => true)
}

function leftOver(value: unknown): WriteRefusal {
  return {
    code: 'NO_REMOVAL',
    detail: `the record has ${JSON.stringify(value)} too, and nothing is deleted in a target: remove it in the system itself`,
  }
}
