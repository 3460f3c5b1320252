import { type CsvDialect, CsvReader, type Quotes } from './csvRows.ts'
import { FileError } from './fileError.ts'
import type { TableRow } from './fileRow.ts'
import { findHeader, type HasId, namedCells, numbersOfCells } from './header.ts'
import type { TextLine } from './textLines.ts'

const DELIMITERS = [',', ';', '\t', '|', '`']
/** The first line by which spreadsheets name the delimiter; saved again it may have more of them. */
const SEPARATOR_LINE = /^\ufeff?"?sep=(.?)"?\1*$/i

export interface DetectedDialect {
  dialect: CsvDialect
  /** Lines before the first row, for the line that names the delimiter. */
  skipLines: number
  /** Rows end with line feeds, so a carriage return alone may be a part of a cell. */
  endsWithFeed: boolean
  /** Nothing names the delimiter: in a table of one column no row shows it. */
  guessed: boolean
}

/** Returns whether a text has a character that may be a delimiter. */
export function hasDelimiter(text: string): boolean {
  return DELIMITERS.some((d) => d !== '`' && text.includes(d))
}

/**
 * Detects the dialect from the first lines of a file: the delimiter that is given or that a line
 * `sep=;` names; else the one under which the header has the id, most rows have the number of cells
 * of the header, and the header has most cells.
 */
export function detectDialect(
  lines: readonly TextLine[],
  given: { delimiter?: string | undefined; quotes?: Quotes | undefined },
  hasId: HasId | null,
): DetectedDialect {
  const separator = SEPARATOR_LINE.exec(lines[0]?.text ?? '')
  const skipLines = separator ? 1 : 0
  const named = given.delimiter === '\\t' ? '\t' : given.delimiter || separator?.[1]
  const body = lines.slice(skipLines)
  const quote = detectQuote(body)
  const quotes = given.quotes ?? 'check'
  const candidates = (named ? [named] : DELIMITERS).map((delimiter) => {
    const dialect: CsvDialect = { delimiter, quote, quotes, widths: new Set() }
    const { rows, clear } = readSample(body, dialect)
    const header = findHeader(rows, hasId)
    const below = rows.slice(rows.indexOf(header.row) + 1)
    const cells = header.row.cells.length
    // A delimiter at the end of the rows alone counts as none.
    const fitting = below.filter(
      (r) => r.cells.length === cells || (r.cells.length > cells && namedCells(r.cells) <= cells),
    ).length
    return {
      dialect: { ...dialect, widths: numbersOfCells(header.row, below) },
      endsWithFeed: hasFeed(body, rows),
      rank: [
        Number(header.found),
        Number(clear),
        Number(cells > 1),
        below.length === 0 ? 0 : Math.round((10 * fitting) / below.length),
        cells,
        Math.max(0, ...below.map((r) => r.cells.length)),
      ],
    }
  })
  const best = candidates.reduce((a, b) => (ranksHigher(b.rank, a.rank) ? b : a))
  const { dialect, endsWithFeed } = best
  return { dialect, endsWithFeed, skipLines, guessed: !named }
}

/** Returns whether a line feed ends a line that is not within a cell. */
function hasFeed(lines: readonly TextLine[], rows: readonly TableRow[]): boolean {
  const within = new Set<number>()
  for (const { first, last } of rows) for (let n = first; n < last; n++) within.add(n)
  // The last lines may be the beginning of a cell.
  const known = lines.slice(0, rows.at(-1)?.last ?? 0)
  return known.some(({ end }, i) => end.endsWith('\n') && !within.has(i + 1))
}

function ranksHigher(a: readonly number[], b: readonly number[]): boolean {
  for (const [i, n] of a.entries()) if (n !== b[i]) return n > (b[i] ?? 0)
  return false
}

/** Returns ' where the first line with text has cells in it and no ", else ". */
function detectQuote(lines: readonly TextLine[]): string {
  const header = lines.find((l) => l.text.trim() !== '')?.text ?? ''
  return !header.includes('"') && /(^|[,;\t|])'[^']*'([,;\t|]|$)/.test(header) ? "'" : '"'
}

/**
 * Returns the rows of the first lines, up to a wrong quote; `clear` is false where there is one. The
 * check of the file reports it.
 */
function readSample(
  lines: readonly TextLine[],
  dialect: CsvDialect,
): { rows: TableRow[]; clear: boolean } {
  const quotes = dialect.quotes === 'check' ? 'span' : dialect.quotes
  const reader = new CsvReader({ ...dialect, quotes })
  const rows: TableRow[] = []
  try {
    reader.push(lines, rows)
    return { rows, clear: true }
  } catch (e) {
    if (!(e instanceof FileError)) throw e
    return { rows, clear: false }
  }
}
