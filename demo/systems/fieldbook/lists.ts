import type { Reply } from '../kit/exchange.ts'
import { Query } from '../kit/query.ts'
import { dayMs, type Store } from '../kit/store.ts'
import type { VisibleRow } from '../kit/table.ts'
import { refused, unknown } from './errors.ts'
import { type RecordType, recordTypes } from './objects.ts'
import { byPlace, type Pages, type Place } from './pages.ts'
import { readTime } from './time.ts'

interface ListRow extends Place {
  record: Record<string, unknown>
}

export const deletionsKeptMs = 10 * dayMs

/** Returns a page of records as the copy has them now. */
export function listRecords(
  store: Store,
  pages: Pages,
  type: RecordType,
  params: URLSearchParams,
): Reply {
  const query = readQuery(params)
  query.oneOf('sort', ['updated_at'])
  const since = timeOf(query, 'filter[updated_since]')
  const externalId = query.text('filter[external_id]')
  const rows = rowsOf(store, type, false).filter(
    ({ time, record }) =>
      (since === undefined || time >= since) &&
      (externalId === undefined || record.external_id === externalId),
  )
  const list = JSON.stringify([type.name, since ?? null, externalId ?? null])
  return pages.page(finished(query), list, rows, ({ record }) => record)
}

/** Returns a page of what was deleted. */
export function listDeletions(store: Store, pages: Pages, params: URLSearchParams): Reply {
  const query = readQuery(params)
  const since = timeOf(query, 'since')
  if (since === undefined) throw unknown(400, 'bad_parameter', 'Is required', 'since')
  finished(query)
  if (since < store.clock.now() - deletionsKeptMs)
    throw refused(410, 'window_expired', 'Deletions are kept for 10 days', { field: 'since' })
  const rows = recordTypes
    .flatMap((type) => rowsOf(store, type, true).map((row) => ({ ...row, type: type.singular })))
    .filter(({ time }) => time >= since)
    .sort(byPlace)
  return pages.page(query, JSON.stringify(['deletions', since]), rows, ({ type, id, record }) => ({
    ...{ type, id, deleted_at: record.deleted_at },
    ...(record.merged_into === undefined ? {} : { merged_into: record.merged_into }),
  }))
}

/** Returns the living or the deleted rows, each by its time. */
function rowsOf(store: Store, type: RecordType, deleted: boolean): ListRow[] {
  return store
    .table(type.name)
    .sorted('time', (a, b) => byPlace(placeOf(a), placeOf(b)))
    .filter((row) => row.deleted === deleted)
    .map((row) => ({ ...placeOf(row), record: row.record }))
}

/** Parsed times by record, because a sort compares each many times. */
const times = new WeakMap<object, number>()

/** A living record has its place by its last change, a deleted one by its deletion. */
function placeOf({ id, record }: VisibleRow): Place {
  const time = times.get(record) ?? Date.parse(String(record.deleted_at ?? record.updated_at))
  times.set(record, time)
  return { time, id }
}

export const readQuery = (params: URLSearchParams): Query =>
  new Query(params, (name, problem) =>
    unknown(400, 'bad_parameter', `The parameter is ${problem}`, name),
  )

function timeOf(query: Query, name: string): number | undefined {
  const text = query.text(name)
  if (text === undefined) return undefined
  const time = readTime(text)
  if (time === undefined) throw query.invalid(name)
  return time
}

/** Refuses parameters that are not of the list; pages read theirs. */
function finished(query: Query): Query {
  query.texts('page[size]')
  query.texts('page[after]')
  query.end()
  return query
}
