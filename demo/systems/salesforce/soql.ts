import {
  type Condition,
  parseQuery,
  type Query,
  type WhereClause,
} from '@jetstreamapp/soql-parser-js'
import { type Field, findObjectType, type ObjectType } from './objects.ts'

/** A query that Salesforce would refuse. `unknown`: the model does not know a name or a clause. */
export class BadQuery extends Error {
  readonly code: string
  readonly unknown: boolean
  constructor(code: string, message: string, unknown = false) {
    super(message)
    this.code = code
    this.unknown = unknown
  }
}

/** A field, reached over relationships to parents. */
export interface Path {
  relationships: readonly Field[]
  field: Field
}

export interface Selected extends Path {
  /** The names as the schema spells them, for the answer. */
  names: readonly string[]
}

/** Reads a value of the record that is examined; null if it has none. */
export type Values = (path: Path) => unknown

export interface ReadQuery {
  type: ObjectType
  /** Undefined for `COUNT()`. */
  fields: readonly Selected[] | undefined
  matches(values: Values): boolean
  order: readonly { path: Path; descending: boolean; nullsLast: boolean }[]
  limit: number | undefined
  offset: number
}

const offsetMax = 2000
const relationshipsMax = 5
const queryLengthMax = 100_000

/** Clauses that the model does not execute. */
const UNKNOWN_CLAUSES = [
  'groupBy',
  'having',
  'withDataCategory',
  'withSecurityEnforced',
  'withAccessLevel',
  'for',
  'update',
  'usingScope',
  'sObjectAlias',
] as const

/** Reads SOQL. Throws `BadQuery` where Salesforce would refuse it. */
export function readSoql(soql: string): ReadQuery {
  if (soql.length > queryLengthMax)
    throw new BadQuery('QUERY_TOO_COMPLICATED', 'SOQL statements have at most 100,000 characters')
  const query = parse(soql)
  const clause = UNKNOWN_CLAUSES.find((name) => query[name] !== undefined)
  if (clause) throw new BadQuery('MALFORMED_QUERY', `the model has no clause ${clause}`, true)
  const type = findObjectType(query.sObject ?? '')
  if (!type)
    throw new BadQuery('INVALID_TYPE', `sObject type '${query.sObject}' is not supported.`, true)
  const offset = query.offset ?? 0
  if (offset > offsetMax)
    throw new BadQuery('NUMBER_OUTSIDE_VALID_RANGE', `Maximum SOQL offset allowed is ${offsetMax}`)
  const order = [query.orderBy ?? []].flat().map((clause) => {
    if (!('field' in clause))
      throw new BadQuery('MALFORMED_QUERY', 'the model orders by fields only', true)
    const path = pathOf(type, clause.field.split('.'))
    if (path.field.kind === 'text' || path.field.kind === 'address')
      throw invalidField(`field '${clause.field}' can not be sorted in a query call`)
    return {
      path,
      descending: clause.order === 'DESC',
      nullsLast: clause.nulls === 'LAST',
    }
  })
  return {
    type,
    fields: selectedOf(type, query),
    matches: query.where ? whereOf(type, query.where) : () => true,
    order,
    limit: query.limit,
    offset,
  }
}

function parse(soql: string): Query {
  try {
    return parseQuery(soql)
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    throw new BadQuery('MALFORMED_QUERY', message.split('\n')[0]!)
  }
}

const invalidField = (message: string) => new BadQuery('INVALID_FIELD', message)

function selectedOf(type: ObjectType, query: Query): Selected[] | undefined {
  const fields = query.fields ?? []
  const [first] = fields
  if (first?.type === 'FieldFunctionExpression' && first.rawValue?.toUpperCase() === 'COUNT()') {
    if (fields.length > 1 || query.orderBy)
      throw new BadQuery('MALFORMED_QUERY', 'COUNT() must be the only element of the SELECT list')
    return undefined
  }
  const selected = fields.map((field) => {
    if ('alias' in field && field.alias !== undefined)
      throw new BadQuery('MALFORMED_QUERY', 'only aggregate expressions use field aliasing')
    if (field.type === 'Field') return selectedPath(type, [field.field])
    if (field.type === 'FieldRelationship')
      return selectedPath(type, [...field.relationships, field.field])
    throw new BadQuery('MALFORMED_QUERY', `the model selects no ${field.type}`, true)
  })
  const names = selected.map(({ names }) => names.join('.'))
  const twice = names.find((name, at) => names.indexOf(name) !== at)
  if (twice) throw new BadQuery('INVALID_FIELD', `duplicate field selected: ${twice}`)
  return selected
}

function selectedPath(type: ObjectType, names: readonly string[]): Selected {
  const path = pathOf(type, names)
  const relationships = path.relationships.map(({ relationship }) => relationship!)
  return { ...path, names: [...relationships, path.field.name] }
}

function pathOf(type: ObjectType, names: readonly string[]): Path {
  const relationships: Field[] = []
  let owner = type
  for (const name of names.slice(0, -1)) {
    const step = [...owner.fields.values()].find(
      ({ relationship }) => relationship?.toLowerCase() === name.toLowerCase(),
    )
    const target = step && findObjectType(step.target ?? '')
    if (!step || !target)
      throw new BadQuery(
        'INVALID_FIELD',
        `Didn't understand relationship '${name}' in field path.`,
        true,
      )
    relationships.push(step)
    owner = target
  }
  if (relationships.length > relationshipsMax)
    throw invalidField(`SOQL relationships have at most ${relationshipsMax} levels`)
  const name = names[names.length - 1]!
  const field = owner.fields.get(name.toLowerCase())
  if (!field)
    throw new BadQuery(
      'INVALID_FIELD',
      `No such column '${name}' on entity '${owner.name}'. If you are attempting to use a custom field, be sure to append the '__c' after the custom field name.`,
      true,
    )
  return { relationships, field }
}

type Test = (values: Values) => boolean
type Token = '(' | ')' | 'AND' | 'OR' | Test

/** The parser lists conditions with the parentheses around them: this builds the tree. */
function whereOf(type: ObjectType, where: WhereClause): Test {
  const tokens: Token[] = []
  for (let clause: WhereClause | undefined = where; clause; ) {
    const { left } = clause
    if (!left || !('operator' in left))
      throw new BadQuery('MALFORMED_QUERY', 'the model has no NOT', true)
    if (!('field' in left) || 'valueQuery' in left)
      throw new BadQuery('MALFORMED_QUERY', 'the model compares fields with values only', true)
    tokens.push(
      ...Array<Token>(left.openParen ?? 0).fill('('),
      conditionOf(type, left),
      ...Array<Token>(left.closeParen ?? 0).fill(')'),
    )
    if (!('right' in clause)) break
    tokens.push(clause.operator === 'OR' ? 'OR' : 'AND')
    clause = clause.right
  }
  const { test, end } = listOf(tokens, 0)
  if (end !== tokens.length) throw new BadQuery('MALFORMED_QUERY', "unexpected token: ')'")
  return test
}

/** Reads conditions up to a closing parenthesis. AND beside OR needs parentheses in SOQL. */
function listOf(tokens: readonly Token[], start: number): { test: Test; end: number } {
  const tests: Test[] = []
  let joined: Token | undefined
  let at = start
  for (;;) {
    const token = tokens[at]
    if (token === '(') {
      const inner = listOf(tokens, at + 1)
      if (tokens[inner.end] !== ')') throw new BadQuery('MALFORMED_QUERY', "expecting ')'")
      tests.push(inner.test)
      at = inner.end + 1
    } else if (typeof token === 'function') {
      tests.push(token)
      at += 1
    } else throw new BadQuery('MALFORMED_QUERY', 'unexpected token')
    const operator = tokens[at]
    if (operator !== 'AND' && operator !== 'OR') break
    if (joined !== undefined && joined !== operator)
      throw new BadQuery('MALFORMED_QUERY', `unexpected token: ${operator}`)
    joined = operator
    at += 1
  }
  const any = joined === 'OR'
  const test: Test = (values) =>
    any ? tests.some((each) => each(values)) : tests.every((each) => each(values))
  return { test, end: at }
}

type ValueCondition = Extract<Condition, { field: string }>

function conditionOf(type: ObjectType, condition: ValueCondition): Test {
  const path = pathOf(type, condition.field.split('.'))
  const { field } = path
  if (field.kind === 'text' || field.kind === 'address')
    throw invalidField(`field '${field.name}' can not be filtered in a query call`)
  const values = [condition.value].flat()
  const types = [condition.literalType].flat()
  const given = values.map((value, at) => literal(field, value, types[at] ?? types[0]))
  const { operator } = condition
  const isList = operator === 'IN' || operator === 'NOT IN'
  if (isList !== Array.isArray(condition.value))
    throw new BadQuery('MALFORMED_QUERY', `operator ${operator} has a wrong operand`)
  const holds = comparison(field, operator, given)
  return (read) => holds(comparable(field, read(path)))
}

/** Returns a literal's value as `comparable` returns a record's; checks its kind. */
function literal(field: Field, value: string, type: string | undefined): Comparable {
  const wrong = (expected: string) =>
    invalidField(`value of filter criterion for field '${field.name}' must be of type ${expected}`)
  if (type === 'NULL') return null
  switch (field.kind) {
    case 'boolean':
      if (type !== 'BOOLEAN') throw wrong('boolean and should not be enclosed in quotes')
      return value.toUpperCase() === 'TRUE'
    case 'number':
      if (type !== 'INTEGER' && type !== 'DECIMAL')
        throw wrong('double and should not be enclosed in quotes')
      return Number(value)
    case 'date':
      if (type !== 'DATE') throw wrong('date and should not be enclosed in quotes')
      return value
    case 'datetime':
      if (type !== 'DATETIME') throw wrong('dateTime and should not be enclosed in quotes')
      return comparable(field, value)
    default:
      if (type !== 'STRING') throw wrong('string and should be enclosed in quotes')
      return comparable(field, unquoted(value))
  }
}

const ESCAPES = new Map([
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
])
const unquoted = (text: string) =>
  text.slice(1, -1).replaceAll(/\\(.)/gs, (_match, sign: string) => ESCAPES.get(sign) ?? sign)

export type Comparable = string | number | boolean | null

/** Returns what a value is compared by: ids by their first 15 characters, texts in lower case. */
export function comparable(field: Field, value: unknown): Comparable {
  if (value === null || value === undefined) return null
  if (field.kind === 'datetime') {
    const time = Date.parse(String(value))
    if (Number.isNaN(time)) throw invalidField(`'${String(value)}' is not a dateTime`)
    return time
  }
  if (field.kind === 'number') return Number(value)
  if (field.kind === 'boolean') return value === true
  if (field.kind === 'id' || field.kind === 'reference') return String(value).slice(0, 15)
  return String(value).toLowerCase()
}

function comparison(
  field: Field,
  operator: string,
  given: readonly Comparable[],
): (found: Comparable) => boolean {
  const expected = given[0]!
  switch (operator) {
    case '=':
      return (found) => found === expected
    case '!=':
      return (found) => found !== expected
    case '<':
      return (found) => found !== null && expected !== null && found < expected
    case '<=':
      return (found) => found !== null && expected !== null && found <= expected
    case '>':
      return (found) => found !== null && expected !== null && found > expected
    case '>=':
      return (found) => found !== null && expected !== null && found >= expected
    case 'IN':
      return (found) => given.includes(found)
    case 'NOT IN':
      return (found) => !given.includes(found)
    case 'LIKE': {
      if (field.kind !== 'string') throw invalidField(`invalid operator on ${field.name}: LIKE`)
      const pattern = String(expected).replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
      const form = new RegExp(`^${pattern.replaceAll('%', '.*').replaceAll('_', '.')}$`, 's')
      return (found) => found !== null && form.test(String(found))
    }
    default:
      throw new BadQuery('MALFORMED_QUERY', `the model has no operator ${operator}`, true)
  }
}
