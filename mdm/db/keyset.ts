import { bounds } from '../../connectors/bounds.ts'
import { isUuid } from '../../schema/uuid.ts'
import type { Parameters, SqlType } from './statement.ts'

/** A column that rows can be sorted by. */
export interface SortColumn {
  /** Part of cursors, so that a cursor is rejected in another order. */
  name: string
  /** SQL expression of the value. */
  sql: string
  type: SqlType
  nullable: boolean
}

export interface SortTerm {
  column: SortColumn
  descending: boolean
}

/** Bounds and direction of one page. */
export interface PageWindow {
  limit: number
  /** True: the last rows before `before`; false: the first after `after`. */
  backward: boolean
  after?: string | undefined
  before?: string | undefined
}

export class BadCursorError extends Error {
  override name = 'BadCursorError'
}

/**
 * Returns a total order: the given terms, then the unique column in the direction of the last term,
 * so that one index serves both directions.
 */
export function totalOrder(terms: SortTerm[], unique: SortColumn): SortTerm[] {
  if (terms.some((t) => t.column.name === unique.name)) return terms
  return [...terms, { column: unique, descending: terms.at(-1)?.descending ?? false }]
}

/**
 * Returns the cursor of a row: the order's name and the row's sort values as Postgres prints them.
 * Opaque to clients.
 */
export function encodeCursor(order: SortTerm[], values: (string | null)[]): string {
  return Buffer.from(JSON.stringify([signature(order), ...values])).toString('base64url')
}

/** Terms that a caller may sort by; the unique column comes after them. */
export const orderTermsMax = 3
/** A character of a text in JSON takes at most so many bytes: \u0001. */
const jsonBytesPerCharacter = 6
/**
 * Longer texts are rejected before they are decoded. No page gives out a longer one: it holds at
 * most three texts of the longest that a record may hold, and base64url writes four characters for
 * three bytes.
 */
const cursorCharactersMax =
  (orderTermsMax * bounds.textCharsMax * jsonBytesPerCharacter * 4) / 3 + 1_000

/**
 * Returns the sort values of a cursor. Throws BadCursorError if the text is not a cursor of this
 * order.
 */
export function decodeCursor(order: SortTerm[], cursor: string): (string | null)[] {
  const refuse = (why: string): never => {
    throw new BadCursorError(
      `the cursor ${why}; use endCursor, startCursor or an edge's cursor of the same list`,
    )
  }
  if (cursor.length > cursorCharactersMax)
    refuse(`is longer than ${cursorCharactersMax} characters`)
  let parts: unknown
  try {
    parts = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))
  } catch {
    return refuse('is not one that was given out')
  }
  if (!Array.isArray(parts) || typeof parts[0] !== 'string')
    return refuse('is not one that was given out')
  if (parts[0] !== signature(order))
    refuse(`belongs to the order "${parts[0]}", this list has "${signature(order)}"`)
  const values = parts.slice(1)
  if (values.length !== order.length) refuse('is not one that was given out')
  return order.map(({ column }, n) => {
    const value: unknown = values[n]
    if (value === null && column.nullable) return null
    if (typeof value !== 'string' || !isValueOf(column.type, value))
      return refuse('is not one that was given out')
    return value
  })
}

function signature(order: SortTerm[]): string {
  return order.map((t) => `${t.column.name}${t.descending ? '-' : '+'}`).join('')
}

function isValueOf(type: SqlType, value: string): boolean {
  switch (type) {
    case 'uuid':
      return isUuid(value)
    case 'bigint':
      return /^-?\d{1,18}$/.test(value)
    case 'float8':
      return isFloat(value)
    case 'date':
      return /^\d{4}-\d\d-\d\d$/.test(value) && isDay(value)
    case 'timestamptz':
      return TIMESTAMP.test(value) && isDay(value.slice(0, 10))
    case 'boolean':
      return value === 'true' || value === 'false'
    default:
      return !value.includes('\u0000')
  }
}

const TIMESTAMP =
  /^\d{4}-\d\d-\d\d ([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?[+-](0\d|1[0-5])(:[0-5]\d){0,2}$/

/**
 * Returns whether a text is a day of the years 1 to 9999; Postgres fails on others, as on a day 32.
 */
function isDay(text: string): boolean {
  const at = new Date(`${text}T00:00:00Z`)
  return (
    !text.startsWith('0000') &&
    !Number.isNaN(at.getTime()) &&
    at.toISOString().slice(0, 10) === text
  )
}

/**
 * Returns whether a text is a number as Postgres prints it, neither infinite nor too near to zero.
 */
function isFloat(text: string): boolean {
  if (!/^-?\d{1,400}(\.\d{1,400})?(e[+-]?\d{1,4})?$/.test(text)) return false
  const number = Number(text)
  return Number.isFinite(number) && (number !== 0 || /^-?[0.]+(e|$)/.test(text))
}

/** Returns the ORDER BY of a page; nulls come last in either direction. */
export function orderBy(order: SortTerm[], backward: boolean): string {
  return order
    .map(({ column, descending }) => {
      const down = descending !== backward
      const nulls = column.nullable ? ` nulls ${backward ? 'first' : 'last'}` : ''
      return `${column.sql}${down ? ' desc' : ''}${nulls}`
    })
    .join(', ')
}

/** Returns the condition for rows after the cursor, or before it if `forward` is false. */
export function beyond(order: SortTerm[], cursor: string, forward: boolean, p: Parameters): string {
  const values = decodeCursor(order, cursor)
  const first = order[0]
  // A row comparison is one index condition; it needs one direction and no nulls.
  if (first && order.every((t) => !t.column.nullable && t.descending === first.descending)) {
    const columns = order.map((t) => t.column.sql).join(', ')
    const limits = order.map((t, n) => p.add(values[n] ?? '', t.column.type)).join(', ')
    return `(${columns}) ${first.descending === forward ? '<' : '>'} (${limits})`
  }
  const alternatives: string[] = []
  const equal: string[] = []
  order.forEach(({ column, descending }, n) => {
    const value = values[n] ?? null
    const past = pastValue(column, descending === forward, forward, value, p)
    if (past) alternatives.push(`(${[...equal, past].join(' and ')})`)
    // The last term needs no equality, and Postgres rejects a parameter that is not used.
    if (n < order.length - 1)
      equal.push(
        value === null ? `${column.sql} is null` : `${column.sql} = ${p.add(value, column.type)}`,
      )
  })
  if (alternatives.length === 0) return 'false'
  const rows = `(${alternatives.join(' or ')})`
  // Alternatives are no index condition. A bound of the first column is one: an index begins there,
  // and not at its end.
  const value = values[0] ?? null
  if (!first || value === null || (first.column.nullable && forward)) return rows
  const bound = `${first.column.sql} ${first.descending === forward ? '<=' : '>='} ${p.add(value, first.column.type)}`
  return `(${bound} and ${rows})`
}

function pastValue(
  column: SortColumn,
  down: boolean,
  forward: boolean,
  value: string | null,
  p: Parameters,
) {
  if (value === null) return forward ? null : `${column.sql} is not null`
  const compared = `${column.sql} ${down ? '<' : '>'} ${p.add(value, column.type)}`
  return column.nullable && forward ? `(${compared} or ${column.sql} is null)` : compared
}

/**
 * Compares the sort values of two rows as `orderBy` sorts them: missing values stand last, in
 * either direction.
 */
export function compareValues(
  order: SortTerm[],
  a: readonly (string | null)[],
  b: readonly (string | null)[],
): number {
  for (const [n, { column, descending }] of order.entries()) {
    const [x, y] = [a[n] ?? null, b[n] ?? null]
    if (x === y) continue
    if (x === null || y === null) return x === null ? 1 : -1
    const numeric = column.type === 'float8' || column.type === 'bigint'
    const less = numeric ? Number(x) < Number(y) : x < y
    if (!less && numeric && Number(x) === Number(y)) continue
    return less === descending ? 1 : -1
  }
  return 0
}
