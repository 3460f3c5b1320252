import { ownValue, setOwn } from '../../schema/kit/dictionary.ts'
import type { Json } from '../connection/contract.ts'
import { readNamedElement } from './namedElement.ts'
import { elementTest, foldName } from './path.ts'
import { type ParsedPath, type PathSelector, type PathStep, parsePath } from './pathText.ts'

/** One place in a raw record, by the names that the record itself writes. */
export interface RawPlace {
  steps: readonly PathStep[]
  /** The value there; undefined where there is none. */
  current: unknown
}

export interface PathFault {
  code: 'NO_ELEMENT' | 'SEVERAL_ELEMENTS' | 'NOT_AN_OBJECT'
  detail: string
}

/**
 * Finds the one place of a path in a record, relative to `base` inside `each:`. Names that the
 * record does not have are those of the path; missing objects on the way are no fault, because they
 * can be made, and so can the first element `[0]` of a list without elements. An element that is
 * named by its own value (`emails[address=a@b.example].address`) can be made too; of several with that
 * value it is the first, and before it `[]` is the element that has it, else the first one. Any other
 * element of a list has to be there.
 */
export function locate(
  raw: unknown,
  base: readonly PathStep[],
  path: ParsedPath,
): RawPlace | PathFault {
  const from = path.fromRoot ? [] : base
  if (path.whole !== null) {
    const start = walk(raw, from)
    const key = 'code' in start ? null : keyOf(start.current, path.whole)
    if (key !== null) return walk(raw, [...from, { name: key, selectors: [] }])
  }
  return walk(raw, [...from, ...path.steps])
}

/** Returns the text of a place, which `readAt` and `writeAt` take. */
export function placeText(steps: readonly PathStep[]): string {
  const text = steps.map(({ name, selectors }) => {
    const inside = selectors.map((s) => `[${selectorText(s)}]`).join('')
    return `${name === null ? '' : nameText(name)}${inside}`
  })
  return text.join('.')
}

/** Returns the value at the path of a raw record; undefined where there is none. */
export function readAt(raw: Readonly<Record<string, unknown>>, path: string): unknown {
  const place = locate(raw, [], parsePath(path))
  return 'code' in place ? undefined : place.current
}

/**
 * Returns a copy of a raw record with another value at a path; undefined removes the field. Returns
 * null where the path leads through an element that the record does not have.
 */
export function writeAt(
  raw: Readonly<Record<string, unknown>>,
  path: string,
  value: Json | undefined,
): Record<string, unknown> | null {
  const place = locate(raw, [], parsePath(path))
  return 'code' in place ? null : withPlace(raw, place.steps, value)
}

/** Returns a copy of a raw record with the values at their paths. Throws for a missing element. */
export function withValues(
  raw: Readonly<Record<string, unknown>>,
  values: Readonly<Record<string, Json>>,
): Record<string, unknown> {
  let made: Record<string, unknown> = raw
  for (const [path, value] of Object.entries(values)) {
    const next = writeAt(made, path, value)
    if (next === null) throw new Error(`the record has no place ${path}`)
    made = next
  }
  return made
}

/** Returns a copy of a record with another value at a place that `locate` found in it. */
export function withPlace(
  raw: Readonly<Record<string, unknown>>,
  steps: readonly PathStep[],
  value: Json | undefined,
): Record<string, unknown> {
  const parts = partsOf(steps)
  // There is nothing to empty in an element that is not there.
  const isNothing = value === null && readNamedElement(steps) && valueIn(raw, parts) === undefined
  return (isNothing ? { ...raw } : replaced(raw, parts, value)) as Record<string, unknown>
}

type Part = { how: 'name'; name: string } | PathSelector

function replaced(value: unknown, parts: readonly Part[], next: Json | undefined): unknown {
  const [part, ...rest] = parts
  if (!part) return next
  if (value === undefined && next === undefined) return undefined
  if (part.how === 'name') {
    const object: Record<string, unknown> = { ...((value ?? {}) as Record<string, unknown>) }
    const made = replaced(ownValue(object, part.name), rest, next)
    if (made === undefined) Reflect.deleteProperty(object, part.name)
    else setOwn(object, part.name, made)
    return object
  }
  const list = (value ?? []) as unknown[]
  const at = indexIn(list, part, rest)
  if (at !== undefined) return list.map((item, i) => (i === at ? replaced(item, rest, next) : item))
  return next === undefined ? value : [...list, replaced(undefined, rest, next)]
}

/** Returns the index of the element to which a selector leads; undefined where there is none. */
function indexIn(
  list: readonly unknown[],
  selector: PathSelector,
  rest: readonly Part[],
): number | undefined {
  const found = indexesOf(list, selector)
  if (selector.how !== 'all') return found[0]
  return found.find((i) => valueIn(list[i], rest) !== undefined) ?? found[0]
}

/** Returns the value at the parts of a path below a value; undefined where there is none. */
function valueIn(value: unknown, parts: readonly Part[]): unknown {
  const [part, ...rest] = parts
  if (!part || value === undefined || value === null) return value
  if (part.how === 'name') {
    const key = keyOf(value, part.name)
    return key === null ? undefined : valueIn(ownValue(value as Record<string, unknown>, key), rest)
  }
  const at = Array.isArray(value) ? indexIn(value, part, rest) : undefined
  return at === undefined ? undefined : valueIn((value as unknown[])[at], rest)
}

function partsOf(steps: readonly PathStep[]): Part[] {
  return steps.flatMap(({ name, selectors }): Part[] => [
    ...(name === null ? [] : [{ how: 'name' as const, name }]),
    ...selectors,
  ])
}

function walk(raw: unknown, path: readonly PathStep[]): RawPlace | PathFault {
  let value = raw
  const steps: PathStep[] = []
  const isNamed = readNamedElement(path) !== null
  for (const [n, step] of path.entries()) {
    let { name } = step
    if (name !== null) {
      if (value !== undefined && value !== null && !isObject(value))
        return {
          code: 'NOT_AN_OBJECT',
          detail: `${placeText(steps)} holds a single value, so nothing can be written below it`,
        }
      name = keyOf(value, name) ?? name
      value = isObject(value) ? ownValue(value, name) : undefined
    }
    steps.push({ name, selectors: step.selectors })
    for (const [s, selector] of step.selectors.entries()) {
      if ((isNamed || isFirst(selector)) && hasNoElement(value)) {
        value = undefined
        continue
      }
      if (isNamed && Array.isArray(value) && selector.how !== 'index') {
        const below: Part[] = [...step.selectors.slice(s + 1), ...partsOf(path.slice(n + 1))]
        const at = indexIn(value, selector, below)
        if (at !== undefined || n === path.length - 2) {
          value = at === undefined ? undefined : (value[at] as unknown)
          continue
        }
      }
      const found = Array.isArray(value) ? indexesOf(value, selector) : []
      const [at] = found
      if (at === undefined || !Array.isArray(value))
        return { code: 'NO_ELEMENT', detail: `the record has no element ${placeText(steps)}` }
      if (found.length > 1)
        return {
          code: 'SEVERAL_ELEMENTS',
          detail: `the record has ${found.length} elements ${placeText(steps)}`,
        }
      value = value[at] as unknown
    }
  }
  return { steps, current: value }
}

function isFirst(selector: PathSelector): boolean {
  return selector.how === 'index' && selector.index === 0
}

function hasNoElement(value: unknown): boolean {
  return value === undefined || value === null || (Array.isArray(value) && value.length === 0)
}

function indexesOf(list: readonly unknown[], selector: PathSelector): number[] {
  const all = [...list.keys()]
  if (selector.how === 'all') return all
  if (selector.how === 'index') return all.filter((i) => i === selector.index)
  const test = elementTest(selector)
  return all.filter((i) => test(list[i]))
}

/** Returns the name that the object has for a name of a mapping; null where it has none. */
function keyOf(value: unknown, name: string): string | null {
  if (!isObject(value)) return null
  if (Object.hasOwn(value, name)) return name
  const folded = foldName(name)
  const [found] = Object.keys(value)
    .filter((k) => foldName(k) === folded)
    .sort()
  return found ?? null
}

function isObject(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
}

function nameText(name: string): string {
  return /^[^.[\]"'$][^.[\]]*$/.test(name) ? name : quoted(name)
}

function selectorText(selector: PathSelector): string {
  if (selector.how === 'all') return ''
  if (selector.how === 'index') return String(selector.index)
  const name = selector.isQuoted ? quoted(selector.name) : selector.name
  return `${name}=${selector.value}`
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
