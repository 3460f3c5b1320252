import { ownValue } from '../../../schema/kit/dictionary.ts'
import type { Query } from '../kit/query.ts'
import type { Refused, Reply } from '../kit/server.ts'
import type { Table, VisibleRow } from '../kit/table.ts'

type Fields = Record<string, unknown>

export interface Listing {
  /** Name of the object. */
  object: string
  /** Parameters that compare a field of the same name. */
  equal?: readonly string[]
  /** True and false parameters that compare a field of the same name. */
  flags?: readonly string[]
  /** Time parameters, exact or as `name[gte]`. */
  times: readonly string[]
  /** Properties that `expand[]` adds or replaces. */
  expandable: readonly string[]
  /** Fields that are shown only if they are expanded. */
  included?: readonly string[]
}

/** Makes the vendor's error of a missing object. */
export type Missing = (id: string, parameter: string) => Refused

/** Answers a list, newest first. */
export function list(
  table: Table,
  path: string,
  query: Query,
  listing: Listing,
  missing: Missing,
  resolve: Resolve,
  only: (record: Fields) => boolean = () => true,
): Reply {
  const limit = query.integer('limit', 1, 100, 10)
  const after = query.text('starting_after')
  const before = query.text('ending_before')
  if (after !== undefined && before !== undefined) throw query.invalid('ending_before')
  const filters = readFilters(query, listing)
  const expand = readExpand(query, listing, 'data.')
  query.end()

  const rows = table.sorted('newest', newestFirst)
  const at = (id: string, parameter: string) => {
    const row = table.find(id)
    if (!row || isGone(row)) throw missing(id, parameter)
    return positionOf(rows, row)
  }
  const matches = (row: VisibleRow) =>
    !row.deleted && only(row.record) && filters.every((filter) => filter(row.record))
  const found: VisibleRow[] = []
  const step = before === undefined ? 1 : -1
  let n =
    after !== undefined
      ? at(after, 'starting_after') + 1
      : before !== undefined
        ? at(before, 'ending_before') - 1
        : 0
  for (; n >= 0 && n < rows.length && found.length <= limit; n += step)
    if (matches(rows[n]!)) found.push(rows[n]!)
  const shown = found.slice(0, limit)
  if (step < 0) shown.reverse()
  return {
    status: 200,
    body: {
      object: 'list',
      data: shown.map(({ record }) => show(record, listing, expand, resolve)),
      has_more: found.length > limit,
      url: path,
    },
  }
}

/** A deleted customer still has an id and a mark; other deleted records are gone. */
export const isGone = ({ deleted, record }: VisibleRow) => deleted && record.object !== 'customer'

/** Rows that were created in the same second are in the reverse order of their creation. */
const newestFirst = (a: VisibleRow, b: VisibleRow) => b.number - a.number

/** Returns the position of a row; rows are found by number, so a replaced row has its place. */
function positionOf(rows: readonly VisibleRow[], row: VisibleRow): number {
  let [low, high] = [0, rows.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (newestFirst(rows[middle]!, row) < 0) low = middle + 1
    else high = middle
  }
  return low
}

function readFilters(query: Query, listing: Listing): ((record: Fields) => boolean)[] {
  const filters: ((record: Fields) => boolean)[] = []
  for (const name of listing.equal ?? []) {
    const value = query.text(name)
    if (value !== undefined) filters.push((record) => ownValue(record, name) === value)
  }
  for (const name of listing.flags ?? []) {
    const value = query.flag(name)
    if (value !== undefined) filters.push((record) => ownValue(record, name) === value)
  }
  const times = new RegExp(`^(${listing.times.join('|')})(?:\\[(gte?|lte?)\\])?$`)
  for (const { match, name, value } of query.matching(times)) {
    if (!/^\d{1,12}$/.test(value)) throw query.invalid(name)
    const bound = Number(value)
    const [, field = '', operator] = match
    filters.push((record) => compareTime(Number(ownValue(record, field)), operator, bound))
  }
  return filters
}

function compareTime(time: number, operator: string | undefined, bound: number): boolean {
  if (operator === 'gt') return time > bound
  if (operator === 'gte') return time >= bound
  if (operator === 'lt') return time < bound
  if (operator === 'lte') return time <= bound
  return time === bound
}

/** Returns the record that an id names, for `expand[]`. */
export type Resolve = (property: string, id: string) => unknown

export function readExpand(query: Query, listing: Listing, prefix: string): ReadonlySet<string> {
  const expand = new Set<string>()
  for (const { name, value } of query.matching(/^expand\[\d*\]$/)) {
    const property = value.startsWith(prefix) ? value.slice(prefix.length) : ''
    if (!listing.expandable.includes(property)) throw query.invalid(name)
    expand.add(property)
  }
  return expand
}

/** Shows a record: without fields that need `expand[]`, and with expanded references. */
export function show(
  record: Fields,
  listing: Listing,
  expand: ReadonlySet<string>,
  resolve: Resolve,
): Fields {
  return Object.fromEntries(
    Object.entries(record).flatMap(([name, value]) => {
      if (listing.included?.includes(name)) return expand.has(name) ? [[name, value]] : []
      return [[name, expand.has(name) && typeof value === 'string' ? resolve(name, value) : value]]
    }),
  )
}
