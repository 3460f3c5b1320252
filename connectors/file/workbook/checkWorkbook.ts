import { counted } from '../../../schema/kit/numberText.ts'
import { FileError } from '../fileError.ts'
import type { TableRow } from '../fileRow.ts'
import { findHeader, type HasId } from '../header.ts'
import { type CheckedTable, checkTable, namesOf, type TableLayout, tableRows } from '../table.ts'
import { type Archive, openArchive } from './archive.ts'
import { type SheetFacts, sheetRows, type WorkbookParts } from './sheet.ts'
import { readWorkbook, type Sheet } from './workbook.ts'

/** Rows in which the header of a sheet is searched. */
const headRowsMax = 50

/**
 * Reads one sheet of an Excel workbook to its end and returns its rows for a second reading. It is
 * the sheet that is named, else the only visible one that has a column for the id. Throws FileError
 * for other archives, where several sheets have it, and for merged cells among the rows.
 */
export async function checkWorkbook(
  path: string,
  options: { sheet?: string | undefined },
  hasId: HasId | null,
): Promise<CheckedTable> {
  const { sheets, parts } = await withArchive(path, readWorkbook)
  const sheet = await chooseSheet(path, sheets, parts, options.sheet, hasId)
  const facts: SheetFacts = { hiddenRows: 0, merged: [] }
  const layout = await checkTable(rowsOf(path, sheet, parts, facts), 'row', hasId)
  checkMerged(facts, layout)
  const others = sheets.filter((s) => s !== sheet).map((s) => `"${s.name}"`)
  return {
    description: `Excel workbook, sheet "${sheet.name}"`,
    notices: [
      ...layout.notices,
      ...(others.length > 0 ? [`other sheets are not read: ${others.join(', ')}`] : []),
      ...(facts.hiddenRows > 0
        ? [`${counted(facts.hiddenRows, 'hidden row is', 'hidden rows are')} read like any other`]
        : []),
    ],
    columns: namesOf(layout),
    rows: () => tableRows(rowsOf(path, sheet, parts), 'row', layout),
  }
}

async function chooseSheet(
  path: string,
  sheets: readonly Sheet[],
  parts: WorkbookParts,
  named: string | undefined,
  hasId: HasId | null,
): Promise<Sheet> {
  const names = (of: readonly Sheet[]) => of.map((s) => `"${s.name}"`).join(', ')
  if (named !== undefined) {
    const sheet = sheets.find((s) => s.name.toLowerCase() === named.toLowerCase())
    if (!sheet) throw new FileError(`the workbook has no sheet "${named}"; it has ${names(sheets)}`)
    return sheet
  }
  const filled: Sheet[] = []
  const suited: Sheet[] = []
  await withArchive(path, async (archive) => {
    for (const sheet of sheets.filter((s) => !s.hidden)) {
      const rows = await firstRows(archive, sheet, parts)
      if (rows.length > 0) filled.push(sheet)
      if (rows.length > 0 && hasId && findHeader(rows, hasId).found) suited.push(sheet)
    }
  })
  const candidates = suited.length > 0 ? suited : filled
  const [only] = candidates.length > 0 ? candidates : sheets
  if (candidates.length > 1 || !only)
    throw new FileError(
      `the workbook has the sheets ${names(candidates)}; name the one to read with --sheet`,
    )
  return only
}

async function firstRows(
  archive: Archive,
  sheet: Sheet,
  parts: WorkbookParts,
): Promise<TableRow[]> {
  const first: TableRow[] = []
  const facts = { hiddenRows: 0, merged: [] }
  for await (const rows of sheetRows(await archive.read(sheet.file), parts, facts)) {
    first.push(...rows)
    if (first.length >= headRowsMax) break
  }
  return first.slice(0, headRowsMax)
}

/** Only the first of merged cells has a value, so the others would lack it without a sign. */
function checkMerged({ merged }: SheetFacts, { headerLine, names }: TableLayout): void {
  const among = merged.find(
    (m) => names && m.to >= headerLine && (m.from <= headerLine || m.to > m.from),
  )
  if (among)
    throw new FileError(
      `row ${among.from}: the cells ${among.range} are merged, so only the first has a value; unmerge them and fill each`,
    )
}

async function* rowsOf(
  path: string,
  sheet: Sheet,
  parts: WorkbookParts,
  facts: SheetFacts = { hiddenRows: 0, merged: [] },
): AsyncGenerator<TableRow[]> {
  const archive = await openArchive(path)
  try {
    yield* sheetRows(await archive.read(sheet.file), parts, facts)
  } finally {
    archive.close()
  }
}

async function withArchive<T>(path: string, work: (archive: Archive) => Promise<T>): Promise<T> {
  const archive = await openArchive(path)
  try {
    return await work(archive)
  } finally {
    archive.close()
  }
}
