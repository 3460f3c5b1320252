import { createWriteStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { guardedText } from '../../../connectors/file/guardedText.ts'

/** Rows that are written as one text; a stream of single rows takes several times as long. */
const ROWS_AT_ONCE = 10_000

/** A text, which may come from a source system, or a number that we have computed. */
export type CsvCell = string | { number: string }

export interface CsvOptions {
  /** Writes texts as they are. A spreadsheet may then run a text that is a formula. */
  raw: boolean
}

/** Characters that RFC 4180 wants in quotes, or that other readers drop or split at. */
const QUOTED = /[\r\n\t,;|'"]|^\s|\s$/

/**
 * Writes a CSV file (RFC 4180, but lines end with a line feed alone) with these columns; `rows` may
 * be generated lazily. Texts are guarded against spreadsheets: connectors/file/guardedText.ts.
 */
export async function writeCsv(
  file: string,
  columns: readonly string[],
  rows: Iterable<readonly CsvCell[]>,
  options: CsvOptions,
): Promise<void> {
  await pipeline(textOf(columns, rows, options), createWriteStream(file))
}

function* textOf(
  columns: readonly string[],
  rows: Iterable<readonly CsvCell[]>,
  { raw }: CsvOptions,
): Generator<string> {
  const shown = (cell: CsvCell) => {
    if (typeof cell !== 'string') return cell.number
    return quoted(raw ? cell : guardedText(cell))
  }
  let text = `${columns.map(quoted).join(',')}\n`
  let count = 0
  for (const row of rows) {
    text += `${row.map(shown).join(',')}\n`
    count++
    if (count % ROWS_AT_ONCE !== 0) continue
    yield text
    text = ''
  }
  if (text !== '') yield text
}

function quoted(text: string): string {
  return QUOTED.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
