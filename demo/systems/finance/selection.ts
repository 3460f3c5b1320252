import { ownValue } from '../../../schema/kit/dictionary.ts'
import {
  BadFilter,
  type Comparison,
  comparisons,
  holds,
  type Literal,
  parseFilter,
} from '../kit/filter.ts'
import type { Entity } from './entities.ts'
import { badRequest } from './errors.ts'
import type { Field } from './fields.ts'
import { fieldOf } from './request.ts'

type Value = string | number | null
type Fields = Record<string, unknown>
const OPERATORS = ['eq', 'ne', 'gt', 'ge', 'lt', 'le']
const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/

/** Returns the test of a `$filter`. Throws `Refused`. */
export function filterOf(entity: Entity, text: string | undefined): (record: Fields) => boolean {
  if (text === undefined) return () => true
  try {
    // An enumeration is a name and a quoted value; the parser sees one quoted text.
    const plain = text.replaceAll(/\bMicrosoft\.Dynamics\.DataEntities\.(\w+)'(\w*)'/g, "'#$1#$2'")
    const filter = parseFilter(plain, { operators: OPERATORS, doubleQuotes: false })
    const tests = new Map(
      comparisons(filter).map((comparison) => [comparison, compile(entity, comparison)] as const),
    )
    return (record) => holds(filter, (comparison) => tests.get(comparison)!(record))
  } catch (error) {
    if (error instanceof BadFilter) throw badRequest(`$filter: ${error.message}`, true)
    throw error
  }
}

function compile(entity: Entity, { name, operator, value }: Comparison) {
  const field = fieldOf(entity, name)
  const given = literal(field, value)
  if (field.kind === 'enum' && operator !== 'eq' && operator !== 'ne')
    throw badRequest(`$filter: the enumeration ${name} knows eq and ne only.`)
  const equals = pattern(field, given) ?? ((found: Value) => found === given)
  return (record: Fields): boolean => {
    const found = comparable(field, record)
    if (operator === 'eq') return equals(found)
    if (operator === 'ne') return !equals(found)
    if (found === null || given === null) return false
    if (operator === 'gt') return found > given
    if (operator === 'ge') return found >= given
    return operator === 'lt' ? found < given : found <= given
  }
}

/** A text with `*` is a pattern: the service has no other way to search within texts. */
function pattern({ kind }: Field, given: Value): ((found: Value) => boolean) | undefined {
  if (kind !== 'string' || typeof given !== 'string' || !given.includes('*')) return undefined
  const parts = given.split('*').map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&'))
  const expression = new RegExp(`^${parts.join('.*')}$`, 's')
  return (found) => expression.test(String(found))
}

function literal({ name, kind, enumeration }: Field, { text, quoted }: Literal): Value {
  const wrong = () =>
    badRequest(
      `$filter: a binary operator with incompatible types was detected: "${text}" for ${name}.`,
    )
  if (!quoted && text === 'null') return null
  if (kind === 'enum') {
    const [, type, value = ''] = quoted ? text.split('#') : []
    if (type !== enumeration!.name || !enumeration!.values.includes(value)) throw wrong()
    return value
  }
  if (quoted !== (kind === 'string')) throw wrong()
  // The database compares texts without regard to case.
  if (quoted) return text.toLowerCase()
  if (kind === 'date' || kind === 'moment') {
    if (!MOMENT.test(text)) throw wrong()
    return Date.parse(text)
  }
  const number = Number(text)
  if (Number.isNaN(number)) throw wrong()
  return number
}

/** Returns a value as filters and orders compare it. */
function comparable({ name, kind }: Field, record: Fields): Value {
  const value = ownValue(record, name) ?? null
  if (value === null || typeof value === 'number') return value
  if (kind === 'date' || kind === 'moment') return Date.parse(String(value))
  return kind === 'enum' ? String(value) : String(value).toLowerCase()
}

/** Returns the order of a `$orderby`; without one, records are in the order of their keys. */
export function orderOf(
  entity: Entity,
  text: string | undefined,
): (a: Fields, b: Fields) => number {
  const parts = (text?.split(',') ?? [...entity.keys]).map((part) => {
    const [name = '', direction = 'asc', ...rest] = part.trim().split(/\s+/)
    if (rest.length > 0 || (direction !== 'asc' && direction !== 'desc'))
      throw badRequest(`$orderby: "${part}" is not valid.`, true)
    return { field: fieldOf(entity, name), sign: direction === 'desc' ? -1 : 1 }
  })
  return (a, b) => {
    for (const { field, sign } of parts) {
      const [left, right] = [comparable(field, a)!, comparable(field, b)!]
      if (left !== right) return left < right ? -sign : sign
    }
    return 0
  }
}
