import { ownValue } from '../../../schema/kit/dictionary.ts'
import { BadFilter, comparisons, holds, type Literal, parseFilter } from '../kit/filter.ts'
import type { VisibleRow } from '../kit/table.ts'
import { badRequest } from './errors.ts'
import { columnOf } from './request.ts'
import type { Column, Table } from './tables.ts'

type Value = string | number | boolean | null
const OPERATORS = ['eq', 'ne', 'gt', 'ge', 'lt', 'le']
const GUID = /^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/

/** Returns the test of a `$filter`. */
export function filterOf(table: Table, text: string | undefined): (row: VisibleRow) => boolean {
  if (text === undefined) return () => true
  try {
    const filter = parseFilter(text, { operators: OPERATORS, doubleQuotes: false })
    for (const { name, value } of comparisons(filter)) literal(columnOf(table, name), value)
    return (row) =>
      holds(filter, ({ name, operator, value }) => {
        const column = columnOf(table, name)
        return compare(operator, comparableOf(row, column), literal(column, value))
      })
  } catch (error) {
    if (error instanceof BadFilter) throw badRequest(`$filter: ${error.message}`, true)
    throw error
  }
}

function literal({ name, kind }: Column, { text, quoted }: Literal): Value {
  const wrong = () => badRequest(`$filter: "${text}" is no value of ${name}, which is a ${kind}`)
  if (!quoted && text === 'null') return null
  if (quoted !== (kind === 'string' || kind === 'memo')) throw wrong()
  if (quoted) return text.toLowerCase()
  switch (kind) {
    case 'boolean':
      if (text !== 'true' && text !== 'false') throw wrong()
      return text === 'true'
    case 'guid':
    case 'lookup':
      if (!GUID.test(text)) throw wrong()
      return text.toLowerCase()
    case 'date':
    case 'datetime': {
      const time = Date.parse(text)
      if (Number.isNaN(time)) throw wrong()
      return time
    }
    default: {
      const number = Number(text)
      if (text === '' || Number.isNaN(number)) throw wrong()
      return number
    }
  }
}

/** Returns a value as filters and orders compare it. */
function comparableOf(row: Placed, { name, kind }: Column): Value {
  const value = ownValue(row.record, name) ?? null
  if (value === null || typeof value === 'boolean' || typeof value === 'number') return value
  if (kind === 'date' || kind === 'datetime') return Date.parse(String(value))
  return String(value).toLowerCase()
}

function compare(operator: string, found: Value, given: Value): boolean {
  if (operator === 'eq') return found === given
  if (operator === 'ne') return found !== given
  if (found === null || given === null) return false
  if (operator === 'gt') return found > given
  if (operator === 'ge') return found >= given
  if (operator === 'lt') return found < given
  return found <= given
}

/** Reads a `$orderby`. */
export function orderOf(table: Table, text: string | undefined): readonly Order[] {
  return (text?.split(',') ?? []).map((part) => {
    const [name = '', direction = 'asc', ...rest] = part.trim().split(/\s+/)
    if (rest.length > 0 || !['asc', 'desc'].includes(direction))
      throw badRequest(`$orderby: "${part}" is not valid`)
    const column = columnOf(table, name)
    if (column.kind === 'memo') throw badRequest(`$orderby: ${name} cannot be ordered`)
    return { column, sign: direction === 'desc' ? -1 : 1 }
  })
}

export interface Order {
  column: Column
  sign: number
}

type Placed = Pick<VisibleRow, 'id' | 'record'>

/** Compares rows in an order; the id decides between equal rows. */
export function compareRows(orders: readonly Order[], a: Placed, b: Placed): number {
  for (const { column, sign } of orders) {
    const [left, right] = [comparableOf(a, column), comparableOf(b, column)]
    if (left === right) continue
    if (left === null || right === null) return left === null ? -sign : sign
    return left < right ? -sign : sign
  }
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0
}
