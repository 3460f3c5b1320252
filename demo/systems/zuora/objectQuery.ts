import { ownValue } from '../../../schema/kit/dictionary.ts'
import type { Query } from '../kit/query.ts'
import type { Reply } from '../kit/server.ts'
import type { Store } from '../kit/store.ts'
import type { VisibleRow } from '../kit/table.ts'
import { readExpand } from './expand.ts'
import { readTime } from './time.ts'

type Fields = Record<string, unknown>

export interface Listing {
  object: string
  /** Fields that `filter[]` and `sort[]` accept, in their spelling in a record. */
  fields: readonly string[]
  filterRequired?: boolean
}

/** Answers a list of an object: a page and the cursor after its last record. */
export function objectQuery(store: Store, query: Query, listing: Listing): Reply {
  const table = store.table(listing.object)
  const pageSize = query.integer('pageSize', 1, 99, 10)
  const filters = query.texts('filter[]').map((text) => compileFilter(text, listing, query))
  if (listing.filterRequired && filters.length === 0) throw query.invalid('filter[]')
  const { field, sign } = readSort(query, listing)
  const after = readCursor(query, field, sign)
  const expand = readExpand(query, listing.object)
  const project = readProjection(query, listing)
  query.end()

  const compare = (a: Key, b: Key) => sign * compareKeys(a, b)
  const rows = table.sorted(`${field}${sign}`, (a, b) => compare(keyOf(a, field), keyOf(b, field)))
  const page: VisibleRow[] = []
  for (let n = after ? firstAfter(rows, field, after, compare) : 0; n < rows.length; n++) {
    const row = rows[n]!
    if (row.deleted || !filters.every((matches) => matches(row.record))) continue
    page.push(row)
    if (page.length > pageSize) break
  }
  const shown = page.slice(0, pageSize)
  const more = page.length > pageSize
  return {
    status: 200,
    body: {
      ...(more ? { nextPage: cursorOf(shown.at(-1)!, field, sign) } : {}),
      data: shown.map(({ record }) => ({
        ...project(record),
        ...expand.added(record, store, pageSize),
      })),
    },
  }
}

/** Position of a row: its value of the sort field, and its id among equal ones. */
interface Key {
  value: number | string
  id: string
}

const isTime = (field: string) => field === 'updatedDate'

const keyOf = (row: VisibleRow, field: string): Key => ({
  value: comparable(ownValue(row.record, field), field),
  id: row.id,
})

function comparable(value: unknown, field: string): number | string {
  if (isTime(field)) return Date.parse(String(value))
  return typeof value === 'number' ? value : String(value ?? '')
}

function compareKeys(a: Key, b: Key): number {
  if (a.value !== b.value) return a.value < b.value ? -1 : 1
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0
}

function firstAfter(
  rows: readonly VisibleRow[],
  field: string,
  after: Key,
  compare: (a: Key, b: Key) => number,
): number {
  let [low, high] = [0, rows.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (compare(keyOf(rows[middle]!, field), after) <= 0) low = middle + 1
    else high = middle
  }
  return low
}

function readSort(query: Query, listing: Listing): { field: string; sign: number } {
  const [text, ...more] = query.texts('sort[]')
  if (text === undefined) return { field: 'updatedDate', sign: -1 }
  const [, name = '', order = ''] = /^(\w+)\.(asc|desc)$/i.exec(text) ?? []
  const field = fieldOf(listing, name)
  if (field === undefined || more.length > 0) throw query.invalid('sort[]')
  return { field, sign: order.toLowerCase() === 'asc' ? 1 : -1 }
}

const fieldOf = (listing: Listing, name: string) =>
  listing.fields.find((field) => field.toLowerCase() === name.toLowerCase())

/** A cursor names the last record by its value of the sort field and its id. */
function cursorOf(row: VisibleRow, field: string, sign: number): string {
  const order = sign > 0 ? 'ASC' : 'DESC'
  const value = ownValue(row.record, field)
  return Buffer.from(
    JSON.stringify([
      { value: value ?? null, orderBy: { field, order } },
      { value: row.id, orderBy: { field: 'Id', order } },
    ]),
  ).toString('base64')
}

function readCursor(query: Query, field: string, sign: number): Key | undefined {
  const text = query.text('cursor')
  if (text === undefined) return undefined
  try {
    const [by, id] = JSON.parse(Buffer.from(text, 'base64').toString('utf8'))
    const order = sign > 0 ? 'ASC' : 'DESC'
    if (by.orderBy.field === field && by.orderBy.order === order && typeof id.value === 'string')
      return { value: comparable(by.value, field), id: id.value }
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof TypeError)) throw error
  }
  throw query.invalid('cursor')
}

const OPERATORS = ['EQ', 'NE', 'LT', 'LE', 'GT', 'GE', 'SW', 'IN']

function compileFilter(text: string, listing: Listing, query: Query): (record: Fields) => boolean {
  const [, name = '', operator = '', value = ''] = /^(\w+)\.(\w\w):(.*)$/s.exec(text) ?? []
  const field = fieldOf(listing, name)
  const by = operator.toUpperCase()
  if (field === undefined || !OPERATORS.includes(by)) throw query.invalid('filter[]')
  const read = (part: string): number | string => {
    if (!isTime(field)) return part
    const time = readTime(part)
    if (time === undefined) throw query.invalid('filter[]')
    return time
  }
  if (by === 'IN') {
    const [, list] = /^\[(.*)\]$/s.exec(value) ?? []
    if (list === undefined) throw query.invalid('filter[]')
    const values = new Set(list.split(',').map(read))
    return (record) => values.has(actualOf(record, field))
  }
  const bound = read(value)
  return (record) => {
    const actual = actualOf(record, field)
    if (by === 'SW') return String(actual).startsWith(value)
    const against = typeof actual === 'number' ? Number(bound) : bound
    if (by === 'EQ') return actual === against
    if (by === 'NE') return actual !== against
    if (by === 'LT') return actual < against
    if (by === 'LE') return actual <= against
    return by === 'GT' ? actual > against : actual >= against
  }
}

const actualOf = (record: Fields, field: string) => {
  const value = ownValue(record, field)
  return typeof value === 'boolean' ? String(value) : comparable(value, field)
}

/** Fields are chosen by `fields[]` or by `account.fields[]` and the like, as a list or repeated. */
function readProjection(query: Query, { object }: Listing): (record: Fields) => Fields {
  const includeNull = query.flag('includeNullFields')
  if (includeNull) throw query.invalid('includeNullFields')
  const own = `${object.toLowerCase()}.fields[]`
  const names = query.matching(/^(?:\w+\.)?fields\[\]$/).flatMap(({ name, value }) => {
    if (name !== 'fields[]' && name.toLowerCase() !== own) throw query.invalid(name)
    return value.toLowerCase().split(',')
  })
  if (names.length === 0) return (record) => record
  return (record) =>
    Object.fromEntries(
      Object.entries(record).filter(([name]) => names.includes(name.toLowerCase())),
    )
}
