import { CodedError } from '../../../schema/kit/codedError.ts'
import { ownValue } from '../../../schema/kit/dictionary.ts'
import { normalId, normalText, searchText } from '../../../schema/kit/normalText.ts'
import { recordKey } from '../../../schema/recordKey.ts'
import { storableJson } from '../../../schema/storable.ts'
import { isUuid } from '../../../schema/uuid.ts'
import { allOf, anyOf, type Condition, literal, noneOf } from '../../db/statement.ts'
import type { ListField } from './listField.ts'

/**
 * A filter as data: tests by field, `and`, `or`, `not` and `source`. Missing and null parts test
 * nothing.
 */
export type Filter = Readonly<Record<string, unknown>>

/** Largest nesting depth of `and`, `or` and `not`. */
const depthMax = 8
/** Largest number of tests in one filter. */
const testsMax = 100
/**
 * Largest number of parts in one filter, empty ones included: they form the statement's text, which
 * is cached.
 */
const groupsMax = 300
/** Largest number of values in one `in`. */
const listItemsMax = 500

export class FilterError extends CodedError<'FILTER_TOO_LARGE' | 'BAD_FILTER' | 'MISSING_SCOPE'> {}

/**
 * Returns a condition that every row meets which has one of these values in the field at a path; null if
 * there is no index for it.
 */
export type Narrow = (path: readonly string[], values: readonly string[]) => Condition | null

/** The fields and conditions that a list can filter by. */
export interface Filterable {
  fields: ListField[]
  /** Conditions that compare no value, such as `open: true`, as boolean SQL. */
  flags: Record<string, string>
  /** The column of a row that refers to a column of its source record `s`. */
  source: { row: string; record: string }
  /** An index that finds values sooner than a pass over all rows; of present values only. */
  narrow?: Narrow | undefined
}

/** Compiles a filter to SQL. Throws FilterError. */
export function conditionOf(
  list: Filterable,
  filter: Filter,
  scopes: ReadonlySet<string>,
): Condition {
  let tests = 0
  let groups = 0
  return group(list.fields, filter, 0)

  function group(fields: ListField[], part: Filter, depth: number): Condition {
    if (depth > depthMax)
      throw new FilterError('FILTER_TOO_LARGE', `the filter is nested deeper than ${depthMax}`)
    if (++groups > groupsMax)
      throw new FilterError('FILTER_TOO_LARGE', `the filter has more than ${groupsMax} parts`)
    const conditions: Condition[] = []
    for (const [name, value] of Object.entries(part)) {
      if (value === null || value === undefined) continue
      const parts = () => (value as Filter[]).map((v) => group(fields, v, depth + 1))
      if (name === 'and') conditions.push(allOf(parts()))
      else if (name === 'or') conditions.push(anyOf(parts()))
      else if (name === 'not') conditions.push(noneOf(group(fields, value as Filter, depth + 1)))
      else conditions.push(test(fields, name, value, depth))
    }
    return allOf(conditions)
  }

  function test(fields: ListField[], name: string, value: unknown, depth: number): Condition {
    if (++tests > testsMax)
      throw new FilterError('FILTER_TOO_LARGE', `the filter has more than ${testsMax} tests`)
    if (name === 'source') return sourceCondition(list.source, value as Filter)
    const flag = ownValue(list.flags, name)
    if (flag) return value ? literal(flag) : noneOf(literal(flag))
    const field = fields.find((f) => f.name === name)
    if (!field)
      throw new FilterError(
        'BAD_FILTER',
        `no field ${name}; there are ${fields.map((f) => f.name).join(', ')}`,
      )
    if (field.sensitive && !scopes.has(field.sensitive))
      throw new FilterError(
        'MISSING_SCOPE',
        `a filter by ${name} needs the scope ${field.sensitive}`,
      )
    if (field.kind === 'GROUP') return group(field.fields ?? [], value as Filter, depth + 1)
    if (field.kind === 'GROUP_LIST') {
      const some = group(field.fields ?? [], value as Filter, depth + 1)
      return (p) =>
        `exists (select 1 from jsonb_array_elements(${listOf(field.sql, 'object')}) e (v) where ${some(p)})`
    }
    return allOf(
      Object.entries(value as Filter)
        .filter(([, v]) => v !== null && v !== undefined)
        .map(([operator, v]) =>
          narrowed(list.narrow, field, operator, v, fieldCondition(field, operator, v)),
        ),
    )
  }
}

const EQUALITIES = new Set(['eq', 'in'])
const LIST_EQUALITIES = new Set(['contains', 'containsAny', 'containsAll'])

/** Adds the condition of an index to a test that implies it. */
function narrowed(
  narrow: Narrow | undefined,
  { path, kind }: ListField,
  operator: string,
  value: unknown,
  test: Condition,
): Condition {
  if (!narrow || !path || (kind !== 'TEXT' && kind !== 'TEXT_LIST')) return test
  const isList = kind === 'TEXT_LIST'
  const texts = (Array.isArray(value) ? value : [value]).map((v) => normalText(String(v)))
  if (!(isList ? LIST_EQUALITIES : EQUALITIES).has(operator)) return test
  // All of several items: the first is as good as any.
  const found = narrow(path, operator === 'containsAll' ? texts.slice(0, 1) : texts)
  return found ? allOf([found, test]) : test
}

const COMPARISONS = new Map(Object.entries({ gt: '>', gte: '>=', lt: '<', lte: '<=' }))

function fieldCondition(field: ListField, operator: string, value: unknown): Condition {
  const { sql, type } = field
  if (operator === 'isNull') return literal(value ? `${sql} is null` : `${sql} is not null`)
  if (field.kind === 'TEXT_LIST') return listCondition(field, operator, value)
  if (field.kind === 'GOLDEN_REFERENCE' || field.kind === 'RECORD_REFERENCE' || field.kind === 'ID')
    return idCondition(field, operator, value)
  const comparison = COMPARISONS.get(operator)
  if (comparison) return (p) => `${sql} ${comparison} ${p.add(scalar(value), type)}`
  switch (operator) {
    case 'eq':
      return equals(field, value)
    case 'ne':
      return noneOf(equals(field, value))
    case 'in': {
      const items = list(field, value)
      return (p) => `${sql} = any(${p.list(items, type)})`
    }
    case 'contains':
      return like(sql, `%${escapeLike(searchText(String(value)))}%`)
    case 'startsWith':
      return like(sql, `${escapeLike(searchText(String(value)))}%`)
    default:
      throw new FilterError('BAD_FILTER', `${field.name} has no test "${operator}"`)
  }
}

/** Equality of a golden value is containment, which an index over all values supports. */
function equals(field: ListField, value: unknown): Condition {
  const { path, sql, type } = field
  if (path && (field.kind === 'TEXT' || field.kind === 'ENUM'))
    return (p) => `g.values @> ${p.add(documentOf(path, value), 'jsonb')}`
  return (p) => `${sql} = ${p.add(scalar(value), type)}`
}

/** Returns the values that have nothing but one value, as JSON. */
function documentOf(path: string[], value: unknown): string {
  return storableJson(
    path.reduceRight<unknown>((inner, name) => ({ [name]: inner }), stored(value)),
  )
}

/** The form in which the mapping stores texts; it holds no character that jsonb rejects. */
function stored(value: unknown): unknown {
  if (typeof value === 'string') return normalText(value)
  return Array.isArray(value) ? value.map(stored) : value
}

/**
 * A version of an earlier policy may have one value, which counts as a list of one: the graph shows
 * it so. A value of another kind is not shown.
 */
function listOf(sql: string, itemKind: 'string' | 'object'): string {
  return `case jsonb_typeof(${sql}) when 'array' then ${sql} when '${itemKind}' then jsonb_build_array(${sql}) end`
}

function listCondition(field: ListField, operator: string, value: unknown): Condition {
  const { sql, path } = field
  // A list of one, or the one value: `@>` tells them apart, and `?|` does not.
  const hasAny = (items: string[]): Condition =>
    path
      ? (p) => {
          const documents = items.flatMap((v) => [documentOf(path, [v]), documentOf(path, v)])
          return `g.values @> any(${p.list(documents, 'jsonb')})`
        }
      : (p) => `${sql} ?| ${p.list(items, 'text')}`
  switch (operator) {
    case 'contains':
      return hasAny([normalText(String(value))])
    case 'containsAny':
      return hasAny(list(field, value))
    case 'containsAll':
      return allOf(list(field, value).map((v) => hasAny([v])))
    case 'isEmpty':
      return literal(
        `coalesce(jsonb_array_length(${listOf(sql, 'string')}), 0) ${value ? '=' : '>'} 0`,
      )
    default:
      throw new FilterError('BAD_FILTER', `${field.name} has no test "${operator}"`)
  }
}

/** An id that is no UUID matches no row and is not an error. */
function idCondition(field: ListField, operator: string, value: unknown): Condition {
  if (operator !== 'eq' && operator !== 'in')
    throw new FilterError('BAD_FILTER', `${field.name} has no test "${operator}"`)
  const ids = (operator === 'eq' ? [String(value)] : list(field, value)).filter(isUuid)
  if (ids.length === 0) return literal('false')
  if (field.kind !== 'GOLDEN_REFERENCE') return (p) => `${field.sql} = any(${p.list(ids, 'uuid')})`
  // The row refers to a source record and the caller to a golden record, perhaps by a retired id:
  // both resolve through the crosswalk.
  const key = field.type === 'uuid' ? 'm.key' : 'm.key::text'
  return (p) =>
    `${field.sql} in (select ${key} from source_record w join source_record m on m.golden_id = w.golden_id where w.key = any(${p.list(ids, 'uuid')}))`
}

function sourceCondition({ row, record }: Filterable['source'], value: Filter): Condition {
  const of = (name: string) => {
    const v = ownValue(value, name)
    return v === null || v === undefined ? null : (v as unknown[]).map(String)
  }
  const [systems, objects] = [of('system'), of('object')]
  const ids = of('id')?.map(normalId) ?? null
  for (const [name, items] of Object.entries({ system: systems, object: objects, id: ids }))
    if (items && items.length > listItemsMax)
      throw new FilterError(
        'FILTER_TOO_LARGE',
        `source.${name} lists ${items.length} values; at most ${listItemsMax}`,
      )
  const named = (systems?.length ?? 0) * (objects?.length ?? 0) * (ids?.length ?? 0)
  if (named > listItemsMax)
    throw new FilterError(
      'FILTER_TOO_LARGE',
      `source names ${named} records; at most ${listItemsMax}`,
    )
  if (systems && objects && ids) {
    // Fully named records have keys, and keys have an index.
    const keys = systems.flatMap((s) =>
      objects.flatMap((o) => ids.map((id) => recordKey(s, o, id))),
    )
    return (p) =>
      `${row} in (select ${record} from source_record s where s.key = any(${p.list(keys, 'uuid')}))`
  }
  const parts = [
    ['s.source', systems],
    ['s.object', objects],
    ['s.source_id', ids],
  ] as const
  const tests = parts.flatMap(([column, items]): Condition[] =>
    items ? [(p) => `${column} = any(${p.list(items, 'text')})`] : [],
  )
  return (p) =>
    `exists (select 1 from source_record s where ${record} = ${row} and ${allOf(tests)(p)})`
}

function like(sql: string, pattern: string): Condition {
  // The database folds both sides, because the index uses its notion of lower case.
  return (p) => `lower(${sql}) like lower(${p.add(pattern, 'text')})`
}

function escapeLike(text: string): string {
  return text.replace(/[\\%_]/g, '\\$&')
}

function list(field: ListField, value: unknown): string[] {
  const items = value as unknown[]
  if (items.length > listItemsMax)
    throw new FilterError(
      'FILTER_TOO_LARGE',
      `${field.name} lists ${items.length} values; at most ${listItemsMax}`,
    )
  return items.map((item) => normalText(String(item)))
}

function scalar(value: unknown): string | number | boolean {
  return typeof value === 'number' || typeof value === 'boolean' ? value : normalText(String(value))
}
