import { ownValue } from '../../../schema/kit/dictionary.ts'
import type { Query } from '../kit/query.ts'

type Fields = Record<string, unknown>
export type FilterType = 'text' | 'time' | 'choice' | 'flag' | 'number'

/** The operators of each type of filter. `in` and `between` take a JSON array. */
const OPERATORS: ReadonlyMap<FilterType, readonly string[]> = new Map([
  ['text', ['is', 'is_not', 'starts_with', 'is_present', 'in', 'not_in']],
  ['time', ['after', 'before', 'on', 'between', 'is_present']],
  ['choice', ['is', 'is_not', 'in', 'not_in']],
  ['flag', ['is', 'is_present']],
  ['number', ['is', 'is_not', 'lt', 'lte', 'gt', 'gte', 'between', 'is_present']],
])

/** Reads all parameters of the form `field[operator]`. Throws the vendor's error for others. */
export function readFilters(
  query: Query,
  types: ReadonlyMap<string, FilterType>,
): ((record: Fields) => boolean)[] {
  return query.matching(/^(?!sort_by\[)(\w+)\[(\w+)\]$/).map(({ match, name, value }) => {
    const [, field = '', operator = ''] = match
    const type = types.get(field)
    if (!type || !OPERATORS.get(type)!.includes(operator)) throw query.invalid(name)
    const matches = compile(type, operator, value)
    if (!matches) throw query.invalid(name)
    return (record) => matches(ownValue(record, field))
  })
}

/** Returns undefined if the value does not fit the operator. */
function compile(
  type: FilterType,
  operator: string,
  value: string,
): ((actual: unknown) => boolean) | undefined {
  if (operator === 'is_present') {
    if (value !== 'true' && value !== 'false') return undefined
    return (actual) => (actual !== undefined) === (value === 'true')
  }
  if (type === 'flag')
    return value === 'true' || value === 'false'
      ? (actual) => actual === (value === 'true')
      : undefined
  if (type === 'time' || type === 'number') return compileNumber(operator, value)
  if (operator === 'in' || operator === 'not_in') {
    const list = readList(value)
    if (!list?.every((item) => typeof item === 'string')) return undefined
    const values = new Set<unknown>(list)
    return (actual) => values.has(actual) === (operator === 'in')
  }
  if (operator === 'starts_with')
    return (actual) => typeof actual === 'string' && actual.startsWith(value)
  return (actual) => (actual === value) === (operator === 'is')
}

const dayS = 86_400

function compileNumber(
  operator: string,
  value: string,
): ((actual: unknown) => boolean) | undefined {
  const number = (test: (actual: number) => boolean) => (actual: unknown) =>
    typeof actual === 'number' && test(actual)
  if (operator === 'between') {
    const [from, to, ...rest] = readList(value) ?? []
    if (!isWhole(from) || !isWhole(to) || rest.length > 0 || from > to) return undefined
    return number((actual) => from <= actual && actual <= to)
  }
  const bound = /^-?\d{1,15}$/.test(value) ? Number(value) : undefined
  if (bound === undefined) return undefined
  if (operator === 'after' || operator === 'gt') return number((actual) => actual > bound)
  if (operator === 'before' || operator === 'lt') return number((actual) => actual < bound)
  if (operator === 'gte') return number((actual) => actual >= bound)
  if (operator === 'lte') return number((actual) => actual <= bound)
  if (operator === 'on')
    return number((actual) => Math.floor(actual / dayS) === Math.floor(bound / dayS))
  return number((actual) => (actual === bound) === (operator === 'is'))
}

const isWhole = (value: unknown): value is number => Number.isSafeInteger(value)

function readList(value: string): unknown[] | undefined {
  if (!/^\[.*\]$/s.test(value)) return undefined
  try {
    const list: unknown = JSON.parse(value)
    return Array.isArray(list) ? list : undefined
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
