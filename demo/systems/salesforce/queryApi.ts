import { ownValue, setOwn } from '../../../schema/kit/dictionary.ts'
import { secret } from '../kit/secret.ts'
import type { Received, Reply } from '../kit/server.ts'
import type { VisibleRow } from '../kit/table.ts'
import { refused } from './errors.ts'
import { findObjectType, type ObjectType } from './objects.ts'
import type { Org } from './org.ts'
import { queryOf } from './parameters.ts'
import { addressOf, type Fields } from './records.ts'
import { attributes } from './rules.ts'
import { BadQuery, comparable, type Path, type ReadQuery, readSoql, type Selected } from './soql.ts'

const pageRowsMin = 200
const pageRowsMax = 2000
const cursorsMax = 10
const cursorMs = 2 * 86_400_000

/** A result that is being read. It holds the rows as they were when the query ran. */
interface Cursor {
  rows: readonly VisibleRow[]
  fields: readonly Selected[]
  type: ObjectType
  pageRows: number
  openedAt: number
}

/** The resources `query` and `queryAll`. */
export class QueryApi {
  readonly #org: Org
  readonly #cursors = new Map<string, Cursor>()

  constructor(org: Org) {
    this.#org = org
  }

  query(version: string, resource: 'query' | 'queryAll', request: Received): Reply {
    const parameters = queryOf(request)
    const soql = parameters.text('q')
    parameters.end()
    if (soql === undefined) throw refused(400, 'MALFORMED_QUERY', 'a query string is required')
    const query = read(soql)
    const rows = this.#run(query, resource === 'queryAll')
    if (!query.fields)
      return { status: 200, body: { totalSize: rows.length, done: true, records: [] } }
    const cursor: Cursor = {
      rows,
      fields: query.fields,
      type: query.type,
      pageRows: pageRowsOf(request),
      openedAt: this.#org.clock.now(),
    }
    return this.#page(
      cursor,
      0,
      () => `/services/data/v${version}/${resource}/${this.#open(cursor)}`,
    )
  }

  next(version: string, resource: string, locator: string, request: Received): Reply {
    queryOf(request).end()
    const [name = '', offset = ''] = locator.split('-')
    const cursor = this.#cursors.get(name)
    const gone = !cursor || cursor.openedAt + cursorMs < this.#org.clock.now()
    if (gone || !/^\d+$/.test(offset) || Number(offset) >= cursor.rows.length)
      throw invalidLocator()
    return this.#page(
      cursor,
      Number(offset),
      () => `/services/data/v${version}/${resource}/${name}`,
    )
  }

  /** A user has ten open cursors: the oldest is closed for the eleventh. */
  #open(cursor: Cursor): string {
    const name = secret('01g').replaceAll('-', '_')
    this.#cursors.set(name, cursor)
    if (this.#cursors.size > cursorsMax) this.#cursors.delete(this.#cursors.keys().next().value!)
    return name
  }

  #page(cursor: Cursor, offset: number, address: () => string): Reply {
    const end = offset + cursor.pageRows
    const records = cursor.rows.slice(offset, end).map((row) => this.#show(cursor, row))
    const done = end >= cursor.rows.length
    const next = done ? {} : { nextRecordsUrl: `${address()}-${end}` }
    return { status: 200, body: { totalSize: cursor.rows.length, done, ...next, records } }
  }

  #run(query: ReadQuery, withDeleted: boolean): readonly VisibleRow[] {
    const rows = this.#org.rows(query.type, withDeleted)
    const found = rows.filter((row) => query.matches((path) => this.#value(row, path)))
    if (query.order.length === 0) found.sort((a, b) => scattered(a.id) - scattered(b.id))
    else this.#sort(found, query)
    const end = query.limit === undefined ? undefined : query.offset + query.limit
    return found.slice(query.offset, end)
  }

  #sort(rows: VisibleRow[], { order }: ReadQuery): void {
    const keys = new Map(
      rows.map((row) => [
        row,
        order.map(({ path }) => comparable(path.field, this.#value(row, path))),
      ]),
    )
    rows.sort((a, b) => {
      const [left, right] = [keys.get(a)!, keys.get(b)!]
      for (const [at, { descending, nullsLast }] of order.entries()) {
        const [one, two] = [left[at]!, right[at]!]
        if (one === two) continue
        if (one === null || two === null) return (one === null) === nullsLast ? 1 : -1
        return one < two === descending ? 1 : -1
      }
      return scattered(a.id) - scattered(b.id)
    })
  }

  #value(row: VisibleRow, { relationships, field }: Path): unknown {
    let record: Fields | undefined = row.record
    for (const step of relationships) {
      const id: unknown = record && ownValue(record, step.name)
      record = typeof id === 'string' ? this.#org.find(step.target!, id)?.record : undefined
    }
    if (!record) return null
    return field.kind === 'address' ? addressOf(record, field.name) : ownValue(record, field.name)
  }

  #show({ type, fields }: Cursor, row: VisibleRow): Fields {
    const shown: Fields = { ...attributes(type, row.id) }
    for (const selected of fields) {
      let record = shown
      let reached: VisibleRow | undefined = row
      for (const [at, step] of selected.relationships.entries()) {
        const id: unknown = reached && ownValue(reached.record, step.name)
        reached = typeof id === 'string' ? this.#org.find(step.target!, id) : undefined
        const name = selected.names[at]!
        const parent: Fields | null = reached
          ? ((ownValue(record, name) as Fields | undefined) ?? {
              ...attributes(findObjectType(step.target!)!, reached.id),
            })
          : null
        setOwn<unknown>(record, name, parent)
        if (!parent) break
        record = parent
      }
      const name = selected.names[selected.names.length - 1]!
      if (reached) setOwn<unknown>(record, name, this.#value(row, selected) ?? null)
    }
    return shown
  }
}

export const invalidLocator = () => refused(400, 'INVALID_QUERY_LOCATOR', 'invalid query locator')

function read(soql: string): ReadQuery {
  try {
    return readSoql(soql)
  } catch (error) {
    if (error instanceof BadQuery) throw refused(400, error.code, error.message, error.unknown)
    throw error
  }
}

function pageRowsOf(request: Received): number {
  const option = request.headers['sforce-query-options']
  if (option === undefined) return pageRowsMax
  const rows = Number(/^batchSize=(\d+)$/.exec(String(option))?.[1])
  if (!(rows >= pageRowsMin && rows <= pageRowsMax))
    throw refused(400, 'INVALID_QUERY_OPTION', `Sforce-Query-Options: ${option}`, true)
  return rows
}

/** Rows without an order come in one that no field explains. */
function scattered(id: string): number {
  let hash = 0
  for (let at = 8; at < 15; at++) hash = (Math.imul(hash, 31) + id.charCodeAt(at) * 7919) | 0
  return Math.imul(hash, 0x9e3779b1) | 0
}
