import { dataText } from '../../schema/kit/dataText.ts'
import { ownValue } from '../../schema/kit/dictionary.ts'
import { isBlank, normalText } from '../../schema/kit/normalText.ts'
import { type PathSelector, type PathStep, parsePath } from './pathText.ts'

/**
 * A path into a raw record: `Name`, `address.line1`, `tax_ids.data[].value` (every element),
 * `lines[0].id`, `items[defaultBilling=true].addr1` (matching elements), `list[a.b=x].c` (elements
 * that hold such a value below, in lists too), `$.currency` (from the
 * record's root, inside `each`), `"Ziel [Tage]"` (a name with dots or brackets). Case, underscores
 * and the Unicode form of names are ignored, because the same field is BillingCity in an API
 * response, BILLINGCITY in a bulk export and billing_city in a warehouse. A field whose whole name
 * is the text of the path is taken first: `Account.Name` is a column of a CSV export and a path in
 * an API response. A text that holds a JSON object is parsed.
 */
export interface Path {
  text: string
  /** Returns all values that are not empty, in order. */
  all(scope: Scope): unknown[]
  first(scope: Scope): unknown
}

/**
 * The start of paths. `cache` holds the folded names of the record's objects while one record is
 * mapped.
 */
export interface Scope {
  root: unknown
  item: unknown
  cache: Map<object, Map<string, string>>
  /** Called with every path that is read and its values, for the explanation of a mapping. */
  onRead?: (path: string, values: unknown[]) => void
}

export function scopeOf(raw: unknown): Scope {
  return { root: raw, item: raw, cache: new Map() }
}

type Selector =
  | { how: 'all' }
  | { how: 'index'; index: number }
  | { how: 'where'; name: Name; below: Name[]; value: string }
interface Name {
  exact: string
  folded: string
}
interface Step {
  name: Name | null
  selectors: Selector[]
}

/** Objects with fewer fields are searched, which is faster than indexing. */
const indexedFieldsMin = 6

/** Compiles the text of a path. Throws an Error with what is wrong in it. */
export function compilePath(text: string): Path {
  const { fromRoot, steps: parts, whole } = parsePath(text)
  const steps = parts.map(stepOf)
  const name = whole === null ? null : nameOf(whole)
  const read = (scope: Scope, onlyFirst: boolean): unknown[] => {
    const out: unknown[] = []
    const start = fromRoot ? scope.root : scope.item
    const literal = name ? member(start, name, scope.cache) : undefined
    if (literal === undefined) walk(start, steps, 0, scope.cache, out, onlyFirst)
    else if (!isEmpty(literal)) out.push(literal)
    scope.onRead?.(text, out)
    return out
  }
  return { text, all: (scope) => read(scope, false), first: (scope) => read(scope, true)[0] }
}

function stepOf({ name, selectors }: PathStep): Step {
  return {
    name: name === null ? null : nameOf(name),
    selectors: selectors.map((s): Selector => {
      if (s.how !== 'where') return s
      const below = s.isQuoted ? [] : s.name.split('.').map(nameOf)
      return { how: 'where', name: nameOf(s.name), below, value: normalText(s.value) }
    }),
  }
}

/** Returns the test that a selector `[name=value]` makes of the elements of a list. */
export function elementTest(
  selector: Extract<PathSelector, { how: 'where' }>,
): (element: unknown) => boolean {
  const [compiled] = stepOf({ name: null, selectors: [selector] }).selectors
  return (element) => compiled?.how === 'where' && isMatch(element, compiled, new Map())
}

function isMatch(
  value: unknown,
  selector: Extract<Selector, { how: 'where' }>,
  cache: Map<object, Map<string, string>>,
): boolean {
  return namedValues(value, selector, cache).some((n) => normalText(dataText(n)) === selector.value)
}

export function isEmpty(value: unknown): boolean {
  return value === null || value === undefined || (typeof value === 'string' && isBlank(value))
}

function nameOf(exact: string): Name {
  return { exact, folded: foldName(exact) }
}

const folds = new Map<string, string>()
const foldsMax = 50_000
const foldedCharsMax = 200

export function foldName(name: string): string {
  // Names come from deliveries too, and may have a megabyte each: such a one is no name of a
  // mapping.
  if (name.length > foldedCharsMax) return name
  const known = folds.get(name)
  if (known !== undefined) return known
  const folded = normalText(name).toLowerCase().replaceAll('_', '')
  if (folds.size < foldsMax) folds.set(name, folded)
  return folded
}

function walk(
  value: unknown,
  steps: Step[],
  from: number,
  cache: Map<object, Map<string, string>>,
  out: unknown[],
  onlyFirst: boolean,
): void {
  const step = steps[from]
  if (!step) {
    if (!isEmpty(value)) out.push(value)
    return
  }
  const next = step.name ? member(value, step.name, cache) : value
  let values: unknown[] = [next]
  for (const selector of step.selectors) {
    values = values.flatMap((v) => {
      if (!Array.isArray(v)) return []
      if (selector.how === 'all') return v as unknown[]
      if (selector.how === 'index') return v.slice(selector.index, selector.index + 1) as unknown[]
      return v.filter((x) => isMatch(x, selector, cache)) as unknown[]
    })
  }
  for (const v of values) {
    walk(v, steps, from + 1, cache, out, onlyFirst)
    if (onlyFirst && out.length > 0) return
  }
}

/**
 * Returns the values that a selector compares: of the field with its whole name, else of the fields
 * at its names between dots, in each element of a list on the way.
 */
function namedValues(
  value: unknown,
  { name, below }: { name: Name; below: Name[] },
  cache: Map<object, Map<string, string>>,
): unknown[] {
  const own = member(value, name, cache)
  if (own !== undefined || below.length < 2) return [own]
  return below.reduce<unknown[]>(
    (values, n) => values.flatMap((v) => [member(v, n, cache)].flat()),
    [value],
  )
}

/**
 * Returns a field of an object by its exact name, else by the folded one; of several the first by
 * name.
 */
function member(value: unknown, name: Name, cache: Map<object, Map<string, string>>): unknown {
  const object = typeof value === 'string' ? embedded(value) : value
  if (object === null || typeof object !== 'object' || Array.isArray(object)) return undefined
  const fields = object as Record<string, unknown>
  if (Object.hasOwn(fields, name.exact)) return ownValue(fields, name.exact)
  let index = cache.get(object)
  if (!index) {
    const keys = Object.keys(fields)
    if (keys.length < indexedFieldsMin) {
      const found = keys.filter((k) => foldName(k) === name.folded).sort()[0]
      return found === undefined ? undefined : ownValue(fields, found)
    }
    index = new Map(
      keys
        .sort()
        .reverse()
        .map((k): [string, string] => [foldName(k), k]),
    )
    cache.set(object, index)
  }
  const key = index.get(name.folded)
  return key === undefined ? undefined : ownValue(fields, key)
}

function embedded(text: string): unknown {
  if (!text.startsWith('{')) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
