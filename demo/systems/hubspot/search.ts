import type { ObjectType, Property, PropertyKind } from './objects.ts'

/** The bounds of the search endpoints. */
export const SEARCH_LIMIT_MAX = 200
export const SEARCH_RESULTS_MAX = 10_000
const searchLimitDefault = 10
const groupsMax = 5
const filtersMax = 6

/** Reads a property of the record that is searched; null if it has no value. */
export type Values = (property: string) => string | null

export interface Search {
  matches(values: Values): boolean
  /** The property to sort by; undefined where the caller names none. */
  sort: { property: Property; descending: boolean } | undefined
  /** Names of properties; undefined where the caller names none. */
  properties: readonly string[] | undefined
  limit: number
  offset: number
}

/** An error in the body of a search. `unknown`: the model has no such field or operator. */
export class BadSearch extends Error {
  readonly unknown: boolean
  constructor(message: string, unknown = false) {
    super(message)
    this.unknown = unknown
  }
}

type Fields = Record<string, unknown>

function fieldsOf(value: unknown, where: string, known: readonly string[]): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new BadSearch(`${where} must be an object`)
  for (const name of Object.keys(value))
    if (!known.includes(name))
      throw new BadSearch(`Invalid input JSON: unrecognized field "${name}" in ${where}`, true)
  return value as Fields
}

function listOf(value: unknown, where: string): readonly unknown[] {
  if (value === undefined) return []
  if (!Array.isArray(value)) throw new BadSearch(`${where} must be an array`)
  return value
}

/** Returns what a text is compared by: numbers and times as numbers, all else in lower case. */
export function comparable(text: string, kind: PropertyKind): number | string | undefined {
  if (kind === 'string' || kind === 'bool') return text.toLowerCase()
  if (text === '') return undefined
  const number = Number(text)
  if (!Number.isNaN(number)) return number
  if (kind === 'number') return undefined
  const time = Date.parse(text)
  return Number.isNaN(time) ? undefined : time
}

type Compare = (found: number | string, given: readonly (number | string)[]) => boolean

/** Operators with the fields in which their values arrive. */
const OPERATORS: ReadonlyMap<string, { given: 'value' | 'two' | 'values'; holds: Compare }> =
  new Map([
    ['EQ', { given: 'value', holds: (found, given) => found === given[0]! }],
    ['NEQ', { given: 'value', holds: (found, given) => found !== given[0]! }],
    ['LT', { given: 'value', holds: (found, given) => found < given[0]! }],
    ['LTE', { given: 'value', holds: (found, given) => found <= given[0]! }],
    ['GT', { given: 'value', holds: (found, given) => found > given[0]! }],
    ['GTE', { given: 'value', holds: (found, given) => found >= given[0]! }],
    [
      'BETWEEN',
      { given: 'two', holds: (found, given) => found >= given[0]! && found <= given[1]! },
    ],
    ['IN', { given: 'values', holds: (found, given) => given.includes(found) }],
    ['NOT_IN', { given: 'values', holds: (found, given) => !given.includes(found) }],
  ])

function propertyOf(type: ObjectType, name: unknown): Property {
  const property = typeof name === 'string' ? type.properties.get(name) : undefined
  if (!property) throw new BadSearch(`Property "${String(name)}" does not exist`, true)
  return property
}

function given(filter: Fields, fields: readonly string[], property: Property) {
  const values = fields.flatMap((field) => {
    const value = new Map(Object.entries(filter)).get(field)
    return field === 'values' ? listOf(value, 'values') : [value]
  })
  return values.map((value) => {
    if (typeof value !== 'string' && typeof value !== 'number')
      throw new BadSearch(`operator ${String(filter.operator)} requires ${fields.join(' and ')}`)
    const read = comparable(String(value), property.kind)
    if (read === undefined)
      throw new BadSearch(`"${value}" is not a valid ${property.kind} of "${property.name}"`)
    return read
  })
}

function filterOf(type: ObjectType, value: unknown): (values: Values) => boolean {
  const known = ['propertyName', 'operator', 'value', 'highValue', 'values']
  const filter = fieldsOf(value, 'filters', known)
  const property = propertyOf(type, filter.propertyName)
  if (filter.operator === 'HAS_PROPERTY') return (values) => values(property.name) !== null
  if (filter.operator === 'NOT_HAS_PROPERTY') return (values) => values(property.name) === null
  const operator = OPERATORS.get(String(filter.operator))
  if (!operator) throw new BadSearch(`operator "${String(filter.operator)}" is not valid`, true)
  const fields = operator.given === 'two' ? ['value', 'highValue'] : [operator.given]
  const expected = given(filter, fields, property)
  return (values) => {
    const text = values(property.name)
    const found = text === null ? undefined : comparable(text, property.kind)
    return found !== undefined && operator.holds(found, expected)
  }
}

function groupOf(type: ObjectType, value: unknown): (values: Values) => boolean {
  const filters = listOf(fieldsOf(value, 'filterGroups', ['filters']).filters, 'filters')
  if (filters.length > filtersMax)
    throw new BadSearch(`a filter group has at most ${filtersMax} filters`)
  const each = filters.map((filter) => filterOf(type, filter))
  return (values) => each.every((matches) => matches(values))
}

function sortOf(type: ObjectType, value: unknown): Search['sort'] {
  const sorts = listOf(value, 'sorts')
  if (sorts.length === 0) return undefined
  if (sorts.length > 1) throw new BadSearch('only one sort is supported')
  if (typeof sorts[0] === 'string')
    return { property: propertyOf(type, sorts[0]), descending: false }
  const sort = fieldsOf(sorts[0], 'sorts', ['propertyName', 'direction'])
  const direction = sort.direction ?? 'ASCENDING'
  if (direction !== 'ASCENDING' && direction !== 'DESCENDING')
    throw new BadSearch(`sort direction "${String(direction)}" is not valid`)
  return {
    property: propertyOf(type, sort.propertyName),
    descending: direction === 'DESCENDING',
  }
}

function wholeNumber(value: unknown, name: string, absent: number): number {
  if (value === undefined || value === null) return absent
  const number = typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value
  if (typeof number !== 'number' || !Number.isInteger(number) || number < 0)
    throw new BadSearch(`${name} is not a valid number`)
  return number
}

/** Reads the body of a search. Throws `BadSearch` if HubSpot would refuse it. */
export function readSearch(type: ObjectType, body: unknown): Search {
  const known = ['filterGroups', 'sorts', 'properties', 'limit', 'after', 'query']
  const search = fieldsOf(body, 'the search', known)
  if (search.query !== undefined) throw new BadSearch('full-text queries are not modelled', true)
  const groups = listOf(search.filterGroups, 'filterGroups')
  if (groups.length > groupsMax) throw new BadSearch(`at most ${groupsMax} filter groups`)
  const each = groups.map((group) => groupOf(type, group))
  const limit = wholeNumber(search.limit, 'limit', searchLimitDefault)
  if (limit < 1 || limit > SEARCH_LIMIT_MAX)
    throw new BadSearch(`limit must be from 1 to ${SEARCH_LIMIT_MAX}`)
  const offset = wholeNumber(search.after, 'after', 0)
  if (offset + limit > SEARCH_RESULTS_MAX)
    throw new BadSearch(`a search returns at most ${SEARCH_RESULTS_MAX} results`)
  const properties =
    search.properties === undefined ? undefined : listOf(search.properties, 'properties')
  if (properties?.some((name) => typeof name !== 'string'))
    throw new BadSearch('properties must be names')
  return {
    matches: (values) => each.length === 0 || each.some((matches) => matches(values)),
    sort: sortOf(type, search.sorts),
    properties: properties as readonly string[] | undefined,
    limit,
    offset,
  }
}
