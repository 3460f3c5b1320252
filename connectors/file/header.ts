import { createDictionary, type Dictionary } from '../../schema/kit/dictionary.ts'
import { bounds } from '../bounds.ts'
import { nameColumns } from './cellText.ts'
import type { TableRow } from './fileRow.ts'

/** Returns whether the source system's mapping finds the id of a record in a row. */
export type HasId = (row: Dictionary<string>) => boolean

/** Rows above the header that may be titles. */
const titleRowsMax = 20

/**
 * Returns the first row that has a column for the id; `found` is false, and it is the first row,
 * where none has. Exports of reports have titles above the header.
 */
export function findHeader(
  rows: readonly TableRow[],
  hasId: HasId | null,
): { row: TableRow; found: boolean } {
  const first = rows[0] ?? { cells: [], first: 1, last: 1 }
  if (!hasId) return { row: first, found: true }
  const row = rows.slice(0, titleRowsMax + 1).find((r) => hasId(sampleRecord(r.cells)))
  return { row: row ?? first, found: row !== undefined }
}

/** A record with a value in every column. */
function sampleRecord(cells: readonly string[]): Dictionary<string> {
  const record = createDictionary<string>()
  // A record with more fields is refused, so further columns show nothing.
  for (const name of nameColumns(cells.slice(0, bounds.objectFieldsMax))) record[name] = '1'
  return record
}

/** Returns the numbers of cells that rows below a header have, at least its own. */
export function numbersOfCells(header: TableRow, below: readonly TableRow[]): Set<number> {
  const counts = new Map<number, number>()
  for (const { cells } of below) counts.set(cells.length, (counts.get(cells.length) ?? 0) + 1)
  const usual = [...counts].filter(([, n]) => n * 2 > below.length).map(([length]) => length)
  return new Set([header.cells.length, namedCells(header.cells), ...usual])
}

/** Number of cells up to the last one that is not empty. */
export function namedCells(cells: readonly string[]): number {
  let n = cells.length
  while (n > 0 && cells[n - 1]?.trim() === '') n--
  return n
}
