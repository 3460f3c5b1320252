import { detectDialect } from './csvDialect.ts'
import { CsvReader, type Quotes } from './csvRows.ts'
import type { TableRow } from './fileRow.ts'
import type { HasId } from './header.ts'
import { type CheckedTable, checkTable, namesOf, tableRows } from './table.ts'
import { splitLines, textLines } from './textLines.ts'

/**
 * Reads a CSV text to its end and returns its rows for a second reading. Throws FileError for a
 * text whose rows cannot be distinguished, and where no row can be the header.
 */
export async function checkCsv(
  open: () => AsyncIterable<string>,
  head: { text: string; complete: boolean },
  options: { delimiter?: string | undefined; quotes?: Quotes | undefined },
  hasId: HasId | null,
): Promise<CheckedTable> {
  const { lines } = splitLines(head.text, head.complete)
  const { dialect, skipLines, endsWithFeed, guessed } = detectDialect(lines, options, hasId)
  const read = () => csvRows(open(), new CsvReader(dialect), skipLines, endsWithFeed)
  const layout = await checkTable(read(), 'line', hasId, guessed)
  const name = dialect.delimiter === '\t' ? 'tab' : `"${dialect.delimiter}"`
  const quote = dialect.quote === '"' ? '' : `, quote ${dialect.quote}`
  return {
    description: `CSV, delimiter ${name}${quote}`,
    notices: layout.notices,
    columns: namesOf(layout),
    rows: () => tableRows(read(), 'line', layout),
  }
}

async function* csvRows(
  text: AsyncIterable<string>,
  reader: CsvReader,
  skipLines: number,
  endsWithFeed: boolean,
): AsyncGenerator<TableRow[]> {
  const kept = (rows: TableRow[]) => {
    // In a file without line feeds a carriage return ends a row like any other end.
    if (!endsWithFeed) for (const row of rows) delete row.atReturn
    return rows.filter((r) => r.first > skipLines)
  }
  for await (const lines of textLines(text)) {
    const rows = kept(reader.push(lines))
    if (rows.length > 0) yield rows
  }
  yield kept(reader.end())
}
