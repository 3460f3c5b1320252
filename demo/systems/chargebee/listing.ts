import { ownValue } from '../../../schema/kit/dictionary.ts'
import type { Query } from '../kit/query.ts'
import type { Reply } from '../kit/server.ts'
import type { VisibleRow } from '../kit/table.ts'
import { type FilterType, readFilters } from './filters.ts'

export interface Listing {
  /** Key of each entry of the list. */
  name: string
  /** Fields that `sort_by` accepts. Without it, the newest record comes first. */
  sorts: readonly string[]
  filters: ReadonlyMap<string, FilterType>
  /** Deleted records are left out, and `include_deleted` shows them. */
  deletable?: boolean
  /** Records with the status `deleted` are left out unless a filter names the status. */
  deletedByStatus?: boolean
  /** `include_deleted` is accepted and changes nothing. */
  ignoresIncludeDeleted?: boolean
}

/** A table, or some of its rows. */
export interface Rows {
  sorted(name: string, compare: (a: VisibleRow, b: VisibleRow) => number): readonly VisibleRow[]
}

/** Answers a list: a page of records and a token that continues after the last one. */
export function list(
  table: Rows,
  query: Query,
  listing: Listing,
  only: (row: VisibleRow) => boolean = () => true,
): Reply {
  const limit = query.integer('limit', 1, 100, 10)
  const flag =
    listing.deletable || listing.ignoresIncludeDeleted ? query.flag('include_deleted') : undefined
  const includeDeleted = !listing.deletable || flag === true
  const ascending =
    listing.sorts.length > 0 ? query.oneOf('sort_by[asc]', listing.sorts) : undefined
  const descending =
    listing.sorts.length > 0 ? query.oneOf('sort_by[desc]', listing.sorts) : undefined
  if (ascending && descending) throw query.invalid('sort_by[desc]')
  const field = ascending ?? descending ?? ''
  const sign = ascending ? 1 : -1
  const filters = readFilters(query, listing.filters)
  const byStatus = query.matching(/^status\[/).length > 0
  const after = readToken(query, field)
  query.end()

  const rows = table.sorted(
    `${field}${sign}`,
    (a, b) => sign * compare(keyOf(a, field), keyOf(b, field)),
  )
  const page: VisibleRow[] = []
  for (let n = after ? firstAfter(rows, field, sign, after) : 0; n < rows.length; n++) {
    const row = rows[n]!
    if (row.deleted && !includeDeleted) continue
    if (row.deleted && listing.deletedByStatus && !byStatus) continue
    if (!only(row) || !filters.every((matches) => matches(row.record))) continue
    page.push(row)
    if (page.length > limit) break
  }
  const more = page.length > limit
  const shown = page.slice(0, limit)
  return {
    status: 200,
    body: {
      list: shown.map(({ record }) => ({ [listing.name]: record })),
      ...(more ? { next_offset: tokenOf(keyOf(shown.at(-1)!, field)) } : {}),
    },
  }
}

/** Position of a row: its value of the sort field, and its number among equal ones. */
interface Key {
  value: string | number
  number: number
}

/** A record without the field comes before all that have it. */
function keyOf(row: VisibleRow, field: string): Key {
  const value = ownValue(row.record, field)
  if (field === '' || value === undefined) return { value: 0, number: row.number }
  return { value: typeof value === 'number' ? value : String(value), number: row.number }
}

const compare = (a: Key, b: Key) =>
  a.value < b.value ? -1 : a.value > b.value ? 1 : a.number - b.number

function firstAfter(rows: readonly VisibleRow[], field: string, sign: number, after: Key): number {
  let [low, high] = [0, rows.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (sign * compare(keyOf(rows[middle]!, field), after) <= 0) low = middle + 1
    else high = middle
  }
  return low
}

const tokenOf = ({ value, number }: Key) =>
  JSON.stringify([typeof value === 'number' ? `${value * 1000}` : value, `${number}`])

function readToken(query: Query, field: string): Key | undefined {
  const text = query.text('offset')
  if (text === undefined) return undefined
  const [, first = '', number = ''] = /^\["((?:[^"\\]|\\.)*)","(\d{1,15})"\]$/.exec(text) ?? []
  if (number === '') throw query.invalid('offset')
  if (field === 'id' || field === 'name')
    return { value: JSON.parse(`"${first}"`), number: Number(number) }
  if (!/^\d{1,16}$/.test(first)) throw query.invalid('offset')
  return { value: Number(first) / 1000, number: Number(number) }
}
