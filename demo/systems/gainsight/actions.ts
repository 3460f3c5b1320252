import { ownValue } from '../../../schema/kit/dictionary.ts'
import type { Store } from '../kit/store.ts'
import type { VisibleRow } from '../kit/table.ts'
import { compileWhere, noOthers, objectOf, type Read } from './conditions.ts'
import { isField, isWhole, readFilterTime, readSelect, type Source, TIMES } from './queries.ts'

type Fields = Record<string, unknown>

const pageSizeMax = 1000

/**
 * Lists calls to action: `{select, where, pageSize, pageNumber}`. Conditions name the field
 * `fieldName`. The vendor documents no order, so it differs from one request to the next.
 */
export function listActions(
  body: unknown,
  { rows, fields }: Source,
  read: Read,
  refuse: (why: string) => Error,
  isEven: boolean,
): Fields[] {
  const { select, where, pageSize = 100, pageNumber = 1, ...rest } = objectOf(body, refuse)
  noOthers(rest, refuse)
  const known = (field: unknown): field is string =>
    typeof field === 'string' && isField(field, fields)
  const selected = readSelect(select, known, refuse)
  const test = compileWhere(
    where,
    {
      nameKey: 'fieldName',
      isField: known,
      isTime: (field) => TIMES.has(field),
      readTime: (text) => readFilterTime(text, 0) ?? readExact(text),
      read,
    },
    refuse,
  )
  if (!isWhole(pageSize, 1, pageSizeMax)) throw refuse('pageSize')
  if (!isWhole(pageNumber, 1, Number.MAX_SAFE_INTEGER)) throw refuse('pageNumber')
  const found = rows.filter(({ record }) => test(record))
  if (!isEven) found.reverse()
  return found
    .slice((pageNumber - 1) * pageSize, pageNumber * pageSize)
    .map(({ record }) =>
      Object.fromEntries(selected.map((field) => [field, shown(field, read(record, field))])),
    )
}

/** The API of calls to action writes times as text. */
export const shown = (field: string, value: unknown) =>
  TIMES.has(field) && typeof value === 'number' ? new Date(value).toISOString() : (value ?? null)

/** Reads `yyyy-MM-dd'T'HH:mm:ss.SSS+0000` or with Z. */
function readExact(text: string): number | undefined {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(Z|\+0000)$/.test(text)) return undefined
  return Date.parse(text.replace('+0000', 'Z'))
}

/** Rows of deleted calls to action, with the time of the delete. */
export function deletedActions(store: Store, since: number): VisibleRow[] {
  return store
    .table('call_to_action')
    .sorted('number')
    .filter(({ deleted, record }) => deleted && Number(ownValue(record, 'ModifiedDate')) >= since)
}
