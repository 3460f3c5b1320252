import { ownValue } from '../../../schema/kit/dictionary.ts'
import {
  BadFilter,
  type Comparison,
  comparisons,
  type Filter,
  holds,
  type Literal,
  parseFilter,
} from '../kit/filter.ts'
import type { VisibleRow } from '../kit/table.ts'
import { badRequest } from './errors.ts'
import type { Attribute, Resource } from './resources.ts'

type Value = string | number | boolean | null
const OPERATORS = ['=', '!=', '<>', '>', '>=', '<', '<=', 'like', 'is']

/**
 * Returns the test of `q`. Version 1 of the framework reads it as a query by example, whose parts
 * are separated by semicolons; later versions read an expression.
 */
export function filterOf(
  resource: Resource,
  text: string | undefined,
  version: number,
): (row: VisibleRow) => boolean {
  if (text === undefined) return () => true
  try {
    const filter = version === 1 ? byExample(text) : parse(text)
    for (const { name, operator, value } of comparisons(filter)) {
      const attribute = queryable(resource, name)
      if (operator === 'like' && attribute.kind !== 'string')
        throw badRequest(`q: LIKE needs a text, and ${name} is a ${attribute.kind}`)
      literal(attribute, value)
    }
    return (row) => holds(filter, (comparison) => compare(resource, row, comparison))
  } catch (error) {
    if (error instanceof BadFilter)
      throw badRequest(`URL request parameter q with value ${text} is not valid: ${error.message}`)
    throw error
  }
}

const parse = (text: string): Filter =>
  parseFilter(text, { operators: OPERATORS, doubleQuotes: true })

/** A query by example has no AND: its parts hold together. */
function byExample(text: string): Filter {
  const parts = text.split(';').map((part) => part.trim())
  const filters = parts.filter(Boolean).map(parse)
  if (filters.some(({ kind }) => kind !== 'compare'))
    throw new BadFilter('version 1 of the framework has no AND and OR')
  return { kind: 'and', parts: filters }
}

function queryable(resource: Resource, name: string): Attribute {
  if (!resource.isQueryable(name))
    throw badRequest(`The attribute ${name} of ${resource.name} cannot be queried.`, true)
  return resource.attributes.get(name)!
}

function literal({ name, kind }: Attribute, { text, quoted }: Literal): Value {
  if (!quoted && text.toLowerCase() === 'null') return null
  const wrong = () => badRequest(`q: "${text}" is no value of ${name}, which is a ${kind}`)
  switch (kind) {
    case 'integer':
    case 'number': {
      const number = Number(text)
      if (text === '' || Number.isNaN(number)) throw wrong()
      return number
    }
    case 'boolean':
      if (text !== 'true' && text !== 'false') throw wrong()
      return text === 'true'
    case 'date':
    case 'dateTime': {
      const time = Date.parse(text)
      if (Number.isNaN(time)) throw wrong()
      return time
    }
    default:
      return text
  }
}

function readValue(row: VisibleRow, { name, kind }: Attribute): Value {
  const value = ownValue(row.record, name) ?? null
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return value
  return kind === 'date' || kind === 'dateTime' ? Date.parse(String(value)) : String(value)
}

function compare(
  resource: Resource,
  row: VisibleRow,
  { name, operator, value }: Comparison,
): boolean {
  const attribute = resource.attributes.get(name)!
  const [found, given] = [readValue(row, attribute), literal(attribute, value)]
  if (operator === 'is' || (operator === '=' && given === null)) return found === given
  if (found === null || given === null) return false
  switch (operator) {
    case '=':
      return found === given
    case '!=':
    case '<>':
      return found !== given
    case '>':
      return found > given
    case '>=':
      return found >= given
    case '<':
      return found < given
    case '<=':
      return found <= given
    default: {
      const pattern = String(given).replaceAll(/[.+?^${}()|[\]\\]/g, String.raw`\$&`)
      return new RegExp(`^${pattern.replaceAll(/[%*]/g, '.*')}$`, 's').test(String(found))
    }
  }
}

/** Returns the order of `orderBy`; rows that it leaves equal come in an arbitrary order. */
export function orderOf(
  resource: Resource,
  text: string | undefined,
): (a: VisibleRow, b: VisibleRow) => number {
  const parts = (text?.split(',') ?? []).map((part) => {
    const [name = '', direction = 'asc', ...rest] = part.trim().split(':')
    if (rest.length > 0 || !['asc', 'desc'].includes(direction))
      throw badRequest(`URL request parameter orderBy with value ${text} is not valid.`)
    return { attribute: queryable(resource, name), sign: direction === 'desc' ? -1 : 1 }
  })
  const scattered = (row: VisibleRow) => (Number(row.id) * 7919) % 10_007
  return (a, b) => {
    for (const { attribute, sign } of parts) {
      const [left, right] = [readValue(a, attribute), readValue(b, attribute)]
      if (left === right) continue
      // Nulls come last, as in the database.
      if (left === null || right === null) return left === null ? sign : -sign
      return left < right ? -sign : sign
    }
    return scattered(a) - scattered(b)
  }
}
