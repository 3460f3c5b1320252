import { stringify } from 'csv-stringify/sync'
import { ownValue } from '../../../schema/kit/dictionary.ts'
import type { Store } from '../kit/store.ts'
import type { DeletedColumn } from './exportInput.ts'
import type { ExportQuery } from './exportQuery.ts'

type Fields = Record<string, unknown>

/** Writes the file of a query: the column of deletions first, then those of the query. */
export function exportFile(
  store: Store,
  { object, columns }: ExportQuery,
  deleted: DeletedColumn | undefined,
  rows: readonly { record: Fields; deleted: boolean }[],
  { labels, utc }: { labels: boolean; utc: boolean },
): string {
  const head = columns.map(({ label }) => (labels ? label : label.replace('.', ': ')))
  const lines = rows.map((row) => {
    const cells = columns.map(({ field, through }) => {
      if (!through) return cell(field, ownValue(row.record, field), utc)
      // A deleted record is joined to nothing.
      if (row.deleted) return ''
      const id = ownValue(row.record, through.field)
      const other = id === undefined ? undefined : store.table(through.object).find(String(id))
      return other && !other.deleted ? cell(field, ownValue(other.record, field), utc) : ''
    })
    if (!deleted) return cells
    return [deleted.format === 'Boolean' ? `${row.deleted}` : row.deleted ? '1' : '0', ...cells]
  })
  return stringify([deleted ? [`${object}.${deleted.column}`, ...head] : head, ...lines])
}

/** No value is an empty text. A time has an offset without a colon. */
function cell(field: string, value: unknown, utc: boolean): string {
  if (value === undefined || value === null) return ''
  const text = String(value)
  if (!/^(created|updated)Date$/.test(field)) return text
  return utc
    ? `${new Date(Date.parse(text)).toISOString().slice(0, 19)}+0000`
    : text.replace(/:(\d\d)$/, '$1')
}
