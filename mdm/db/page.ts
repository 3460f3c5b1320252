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

/** A set of rows that can be listed in pages: all of it, or the part that belongs to each of some parents. */
export interface Listing {
  /** FROM of the rows. */
  from: string
  /** What every row of it must fulfil. */
  where: string
  /** Columns of a row, in the inner select. */
  columns: (p: Parameters) => string
  /** Joined after the page is cut, for columns that only the rows shown need; the page is `x`. */
  join?: { columns: string; from: string } | undefined
  /** A unique column; ends every order. */
  unique: SortColumn
}

/** The same rows, seen from a parent `p.id`. */
export interface Relation {
  from: string
  /** Ties rows to the parent. */
  where: string
  /** Type of the parent's id; uuid when left out. */
  parent?: 'uuid' | 'bigint'
}

export interface PageRequest extends PageWindow {
  /** Total: made by `totalOrder`. */
  order: SortTerm[]
  condition?: Condition | undefined
}

export interface Page<Row> {
  rows: Row[]
  hasNextPage: boolean
  hasPreviousPage: boolean
}

/** Sort values of a row, as the statement gives them: k0, k1 … */
export type Keyed<Row> = Row & Record<`k${number}`, string | null>

export function cursorOf(order: SortTerm[], row: Keyed<object>): string {
  return encodeCursor(
    order,
    order.map((_, n) => row[`k${n}`] ?? null),
  )
}

/** One page of the whole listing. Throws BadCursorError. */
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
 * One page for each parent, in one statement: a lateral select for each, so that the limit holds for each parent and an
 * index on the relation is walked once for each. Parents without rows are not in the answer. Throws BadCursorError.
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
  const text = `select p.id as parent, x.*${listing.join ? `, ${listing.join.columns}` : ''}
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

/** How many rows the listing has. */
export async function countAll(sql: Sql, listing: Listing, condition: Condition = always): Promise<number> {
  const p = new Parameters()
  const text = `select count(*)::float8 as n from ${listing.from} where ${listing.where} and (${condition(p)})`
  return (await read<{ n: number }>(sql, text, p))[0]?.n ?? 0
}

/** How many rows each parent has; those without any are not in the answer. */
export async function countEach(
  sql: Sql,
  listing: Listing,
  relation: Relation,
  parents: readonly string[],
  condition: Condition = always,
): Promise<Map<string, number>> {
  const p = new Parameters()
  const ids = p.keys(parents, relation.parent)
  const text = `select p.id as parent, x.n from unnest(${ids}) p (id) cross join lateral (
    select count(*)::float8 as n from ${relation.from}
    where ${listing.where} and ${relation.where} and (${condition(p)})) x where x.n > 0`
  return new Map((await read<{ parent: string; n: number }>(sql, text, p)).map((r) => [r.parent, r.n]))
}

function innerSelect(listing: Listing, relation: Relation | null, request: PageRequest, p: Parameters): string {
  const { order, backward, after, before, limit } = request
  const where = [listing.where]
  if (relation) where.push(relation.where)
  if (request.condition) where.push(`(${request.condition(p)})`)
  if (after !== undefined) where.push(beyond(order, after, true, p))
  if (before !== undefined) where.push(beyond(order, before, false, p))
  const keys = order.map((t, n) => `(${t.column.sql})::text as k${n}`).join(', ')
  const sorted = orderBy(order, backward)
  const rank = relation || listing.join ? `, row_number() over (order by ${sorted}) as rn` : ''
  // The limit is part of the text: as a parameter it would make the planner guess that a tenth of the table is wanted.
  return `select ${listing.columns(p)}, ${keys}${rank} from ${relation?.from ?? listing.from}
    where ${where.join(' and ')} order by ${sorted} limit ${limit + 1}`
}

/** One row more than wanted was read: it says that there is more, and goes. */
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

/** The order of a list in memory that has no values to sort by: the rows in the order in which they are given. */
export const asGiven: SortTerm[] = [
  { column: { name: 'n', sql: 'n', type: 'bigint', nullable: false }, descending: false },
]

/**
 * One page of rows that are in memory already, for lists that are computed as a whole. `valuesOf` returns the sort values
 * of a row, in the order of `request.order`; without it the rows stay as given. Throws BadCursorError.
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
    .map((row, n) => ({ row, values: valuesOf(row, n).map((v) => (v === null ? null : String(v))) }))
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
