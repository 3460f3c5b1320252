import type { Sql } from './database.ts'
import {
  beyond,
  compareValues,
  decodeCursor,
  encodeCursor,
  orderBy,
  type PageWindow,
  type SortColumn,
  type SortTerm,
} from './keyset.ts'
import { always, type Condition, Parameters, read } from './statement.ts'

/**
 * A set of rows that can be read in pages: the whole set, or the rows of each of several parents.
 */
export interface Listing {
  /** FROM clause of the rows. */
  from: string
  /** Condition that every row meets. */
  where: string
  /** Columns of the inner select. */
  columns: (p: Parameters) => string
  /** Joined to the page `x` after the limit, for columns that only the returned rows need. */
  join?: { columns: string; from: string } | undefined
  /** A unique column, the last of every order. */
  unique: SortColumn
}

/** The rows of a listing that belong to a parent `p.id`. */
export interface Relation {
  from: string | ((p: Parameters) => string)
  /** Condition that joins rows to the parent. */
  where: string
  /** Type of the parent's id; uuid when left out. */
  parent?: 'uuid' | 'bigint' | 'text'
}

export interface PageRequest extends PageWindow {
  /** A total order, made by `totalOrder`. */
  order: SortTerm[]
  condition?: Condition | undefined
}

export interface Page<Row> {
  rows: Row[]
  hasNextPage: boolean
  hasPreviousPage: boolean
}

/** A row with its sort values, in columns k0, k1 … */
export type Keyed<Row> = Row & Record<`k${number}`, string | null>

export function cursorOf(order: SortTerm[], row: Keyed<object>): string {
  return encodeCursor(
    order,
    order.map((_, n) => row[`k${n}`] ?? null),
  )
}

/** Returns one page of the whole listing. Throws BadCursorError. */
export async function listPage<Row extends object>(
  sql: Sql,
  listing: Listing,
  request: PageRequest,
): Promise<Page<Keyed<Row>>> {
  const p = new Parameters()
  const inner = innerSelect(listing, null, request, p)
  const text = listing.join
    ? `select x.*, ${listing.join.columns} from (${inner}) x ${listing.join.from} order by x.rn`
    : inner
  return cut(await read<Keyed<Row>>(sql, text, p), request)
}

/**
 * Returns one page for each parent, by one statement. A lateral join applies the limit to each
 * parent and scans an index on the relation once for each. Parents without rows are left out.
 * Throws BadCursorError.
 */
export async function listPages<Row extends object>(
  sql: Sql,
  listing: Listing,
  relation: Relation,
  parents: readonly string[],
  request: PageRequest,
): Promise<Map<string, Page<Keyed<Row>>>> {
  const p = new Parameters()
  const ids = p.keys(parents, relation.parent)
  const inner = innerSelect(listing, relation, request, p)
  const text = `select p.id::text as parent, x.*${listing.join ? `, ${listing.join.columns}` : ''}
    from unnest(${ids}) with ordinality p (id, n) cross join lateral (${inner}) x
    ${listing.join?.from ?? ''} order by p.n, x.rn`
  const byParent = new Map<string, Keyed<Row>[]>()
  for (const row of await read<Keyed<Row> & { parent: string }>(sql, text, p)) {
    const rows = byParent.get(row.parent)
    if (rows) rows.push(row)
    else byParent.set(row.parent, [row])
  }
  return new Map([...byParent].map(([parent, rows]) => [parent, cut(rows, request)]))
}

/** Counts the rows of the listing. */
export async function countAll(
  sql: Sql,
  listing: Listing,
  condition: Condition = always,
): Promise<number> {
  const p = new Parameters()
  const text = `select count(*)::float8 as n from ${listing.from} where ${listing.where} and (${condition(p)})`
  return (await read<{ n: number }>(sql, text, p))[0]?.n ?? 0
}

/** Counts the rows of each parent. Parents without rows are left out. */
export async function countEach(
  sql: Sql,
  listing: Listing,
  relation: Relation,
  parents: readonly string[],
  condition: Condition = always,
): Promise<Map<string, number>> {
  const p = new Parameters()
  const ids = p.keys(parents, relation.parent)
  const text = `select p.id::text as parent, x.n from unnest(${ids}) p (id) cross join lateral (
    select count(*)::float8 as n from ${fromOf(relation, p)}
    where ${listing.where} and ${relation.where} and (${condition(p)})) x where x.n > 0`
  return new Map(
    (await read<{ parent: string; n: number }>(sql, text, p)).map((r) => [r.parent, r.n]),
  )
}

function innerSelect(
  listing: Listing,
  relation: Relation | null,
  request: PageRequest,
  p: Parameters,
): string {
  const { order, backward, after, before, limit } = request
  const where = [listing.where]
  if (relation) where.push(relation.where)
  if (request.condition) where.push(`(${request.condition(p)})`)
  if (after !== undefined) where.push(beyond(order, after, true, p))
  if (before !== undefined) where.push(beyond(order, before, false, p))
  const keys = order.map((t, n) => `(${t.column.sql})::text as k${n}`).join(', ')
  const sorted = orderBy(order, backward)
  const rank = relation || listing.join ? `, row_number() over (order by ${sorted}) as rn` : ''
  // The limit is a literal: for a parameter the planner assumes a tenth of the table.
  return `select ${listing.columns(p)}, ${keys}${rank} from ${relation ? fromOf(relation, p) : listing.from}
    where ${where.join(' and ')} order by ${sorted} limit ${limit + 1}`
}

function fromOf({ from }: Relation, p: Parameters): string {
  return typeof from === 'string' ? from : from(p)
}

/** Removes the extra row, which was read to learn whether there are more. */
function cut<Row>(rows: Row[], { limit, backward, after, before }: PageRequest): Page<Row> {
  const more = rows.length > limit
  const kept = more ? rows.slice(0, limit) : rows
  if (backward) kept.reverse()
  return {
    rows: kept,
    hasNextPage: backward ? before !== undefined : more,
    hasPreviousPage: backward ? more : after !== undefined,
  }
}

/**
 * The order of a list in memory that has no values to sort by: the rows in the order in which they
 * are given.
 */
export const asGiven: SortTerm[] = [
  { column: { name: 'n', sql: 'n', type: 'bigint', nullable: false }, descending: false },
]

/**
 * One page of rows that are in memory already, for lists that are computed as a whole. `valuesOf`
 * returns the sort values of a row, in the order of `request.order`; without it the rows stay as
 * given. Throws BadCursorError.
 */
export function pageOfRows<Row extends object>(
  rows: readonly Row[],
  request: PageRequest,
  valuesOf: (row: Row, n: number) => (string | number | null)[] = (_, n) => [n],
): Page<Keyed<Row>> {
  const { order, after, before, backward, limit } = request
  const start = after === undefined ? null : decodeCursor(order, after)
  const end = before === undefined ? null : decodeCursor(order, before)
  const within = rows
    .map((row, n) => ({
      row,
      values: valuesOf(row, n).map((v) => (v === null ? null : String(v))),
    }))
    .filter(({ values }) => !start || compareValues(order, values, start) > 0)
    .filter(({ values }) => !end || compareValues(order, values, end) < 0)
    .sort((a, b) => compareValues(order, a.values, b.values))
  if (backward) within.reverse()
  const keyed = within.slice(0, limit + 1).map(({ row, values }) => ({
    ...row,
    ...Object.fromEntries(values.map((v, n) => [`k${n}`, v])),
  }))
  return cut(keyed as Keyed<Row>[], request)
}
