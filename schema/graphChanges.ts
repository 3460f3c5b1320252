import {
  findBreakingChanges,
  findDangerousChanges,
  type GraphQLSchema,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
  isSpecifiedScalarType,
} from 'graphql'

/**
 * BREAKING: an operation or a consumer that worked may fail. DANGEROUS: it may behave differently,
 * for example on an unknown enum value. SAFE: existing operations and consumers are not affected.
 */
export type ChangeLevel = 'BREAKING' | 'DANGEROUS' | 'SAFE'

/** One difference between two versions of a public contract. */
export interface ContractChange {
  level: ChangeLevel
  /** `Customer.name`, `Query.customer(id:)`, or a path in the JSON of an event: `$.data.op`. */
  coordinate: string
  /** A sentence without its subject, which is the coordinate. */
  text: string
}

const DATE = /\b(2\d{3}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01]))\b/

/**
 * Compares two schemas with GraphQL's own functions. A removal that a deprecation announced for a
 * date up to `today` (2026-12-31) counts as dangerous, not as breaking. Sorts the worst first, then
 * by coordinate.
 */
export function graphChanges(
  before: GraphQLSchema,
  after: GraphQLSchema,
  today: string,
): ContractChange[] {
  const [old, now] = [elementsOf(before), elementsOf(after)]
  const changes: ContractChange[] = []
  for (const { type, description } of findBreakingChanges(before, after)) {
    const coordinate = coordinateIn(type, description)
    const date = DATE.exec(old.get(coordinate) ?? '')?.[1]
    const announced = date !== undefined && date <= today && type.endsWith('_REMOVED')
    const text = withoutCoordinate(description, coordinate)
    changes.push({
      level: announced ? 'DANGEROUS' : 'BREAKING',
      coordinate,
      text: announced ? `${text}, as announced for ${date}` : text,
    })
  }
  for (const { type, description } of findDangerousChanges(before, after)) {
    const coordinate = coordinateIn(type, description)
    changes.push({
      level: 'DANGEROUS',
      coordinate,
      text: withoutCoordinate(description, coordinate),
    })
  }
  const reported = new Set(changes.map((c) => c.coordinate))
  for (const [coordinate, reason] of now) {
    const was = old.get(coordinate)
    if (was === undefined) {
      // A new type or field covers everything within it.
      if (
        !reported.has(coordinate) &&
        !within(coordinate, (outer) => now.has(outer) && !old.has(outer))
      )
        changes.push({ level: 'SAFE', coordinate, text: 'was added' })
    } else if (was !== reason)
      changes.push({
        level: 'SAFE',
        coordinate,
        text: reason ? `is deprecated: ${reason}` : 'is no longer deprecated',
      })
  }
  return sorted(changes)
}

/** Returns the deprecations whose reason has no date (2026-12-31) of the earliest removal. */
export function undatedDeprecations(schema: GraphQLSchema): string[] {
  return [...elementsOf(schema)].flatMap(([coordinate, reason]) =>
    reason && !DATE.test(reason) ? [coordinate] : [],
  )
}

const LEVELS: readonly ChangeLevel[] = ['BREAKING', 'DANGEROUS', 'SAFE']

/** Sorts changes, the worst first, then by coordinate. */
export function sorted(changes: readonly ContractChange[]): ContractChange[] {
  return [...changes].sort(
    (a, b) =>
      LEVELS.indexOf(a.level) - LEVELS.indexOf(b.level) ||
      (a.coordinate < b.coordinate ? -1 : a.coordinate > b.coordinate ? 1 : 0),
  )
}

/**
 * Returns all coordinates of a schema with their deprecation reasons; empty where not deprecated.
 */
export function elementsOf(schema: GraphQLSchema): Map<string, string> {
  const elements = new Map<string, string>()
  const add = (coordinate: string, { deprecationReason }: { deprecationReason?: string | null }) =>
    elements.set(coordinate, deprecationReason ?? '')
  for (const type of Object.values(schema.getTypeMap())) {
    if (isIntrospectionType(type) || isSpecifiedScalarType(type)) continue
    elements.set(type.name, '')
    if (isEnumType(type)) for (const v of type.getValues()) add(`${type.name}.${v.name}`, v)
    if (isInputObjectType(type))
      for (const f of Object.values(type.getFields())) add(`${type.name}.${f.name}`, f)
    if (!isObjectType(type) && !isInterfaceType(type)) continue
    for (const f of Object.values(type.getFields())) {
      add(`${type.name}.${f.name}`, f)
      for (const a of f.args) add(`${type.name}.${f.name}(${a.name}:)`, a)
    }
  }
  return elements
}

function within(coordinate: string, is: (outer: string) => boolean): boolean {
  const field = coordinate.replace(/\(.*$/, '')
  const type = field.replace(/\..*$/, '')
  return (field !== coordinate && is(field)) || (type !== coordinate && is(type))
}

/** Patterns of the library's sentences; the groups make the coordinate. */
const PLACES: readonly [RegExp, (a: string, b: string) => string][] = [
  [/^An? \w+ arg (\w+) on directive (\w+) /, (a, b) => `@${b}(${a}:)`],
  [/^An? \w+ arg (\w+) on (\w+\.\w+) /, (a, b) => `${b}(${a}:)`],
  [/^An? \w+ field (\w+) on input type (\w+) /, (a, b) => `${b}.${a}`],
  [/^(\w+) was (?:added to|removed from) enum type (\w+)/, (a, b) => `${b}.${a}`],
  [
    /^\w+ (?:was )?(?:added to|removed from) (?:union type|interfaces implemented by) (\w+)/,
    (a) => a,
  ],
  [/^Standard scalar (\w+)/, (a) => a],
  [/^(\w+\.\w+) arg (\w+) /, (a, b) => `${a}(${b}:)`],
  [/^(\w+(?:\.\w+)?) /, (a) => a],
]

function coordinateIn(type: string, description: string): string {
  if (type.startsWith('DIRECTIVE_')) {
    const name = / from (\w+)\.$/.exec(description)?.[1] ?? /^(\w+) /.exec(description)?.[1]
    if (name) return `@${name}`
  }
  for (const [pattern, make] of PLACES) {
    const [, a, b] = pattern.exec(description) ?? []
    if (a !== undefined) return make(a, b ?? '')
  }
  return description
}

/** Returns the sentence without the coordinate at its beginning and without its full stop. */
function withoutCoordinate(description: string, coordinate: string): string {
  const text = description.replace(/\.$/, '')
  const name = coordinate.replace(/\((\w+):\)$/, ' arg $1')
  return text.startsWith(`${name} `) ? text.slice(name.length + 1) : text
}
