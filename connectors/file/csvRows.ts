import { counted } from '../../schema/kit/numberText.ts'
import { bounds } from '../bounds.ts'
import { FileError } from './fileError.ts'
import type { TableRow } from './fileRow.ts'
import type { TextLine } from './textLines.ts'

/**
 * How quotes are read. `check`: a quoted cell may span lines, unless these look like rows of their
 * own. `span`: it may, whatever they look like. `lines`: each line is a row, so a line with a wrong
 * quote harms no other. `none`: quotes are text.
 */
export const QUOTES = ['check', 'span', 'lines', 'none'] as const
export type Quotes = (typeof QUOTES)[number]

export interface CsvDialect {
  delimiter: string
  quote: string
  quotes: Quotes
  /** Numbers of cells that the rows of the file have; needed for `check`. */
  widths: ReadonlySet<number>
}

/** A quoted cell without its end, and the cells before it in its row. */
interface OpenCell {
  cells: string[]
  value: string
  /** The lines of the row before the one in which it opens, and those that were read. */
  opened: number
  lines: number
}

/**
 * Splits lines into the rows of a CSV file (RFC 4180). Blank lines are left out. A wrong quote may
 * hide the ends of rows, so it throws FileError with the line where the quote opens; under `lines`
 * the row has a problem instead. The library csv-parse was tried: it either takes a wrong quote for
 * text and the next lines for the content of the cell, or skips rows without their number.
 */
export class CsvReader {
  private readonly dialect: CsvDialect
  /** The quoted cell in which the lines so far end; reading goes on there. */
  private open: OpenCell | null = null
  /** Characters of the row with the open cell. */
  private openChars = 0
  private lines: TextLine[] = []
  /** Number of the line at index 0. */
  private line = 1
  private at = 0
  /** The first line in which a cell ends with a quote that it does not begin with; 0 without one. */
  private stray = 0
  /** The first line in which a cell begins that goes over several lines. */
  private spanned = 0

  constructor(dialect: CsvDialect) {
    this.dialect = dialect
  }

  /**
   * Returns the rows that end in these lines or before. They are appended to `rows`, which has
   * those before a wrong quote when it throws.
   */
  push(lines: readonly TextLine[], rows: TableRow[] = []): TableRow[] {
    this.line += this.at
    if (this.at > 0) this.lines = this.lines.slice(this.at)
    this.at = 0
    for (const line of lines) {
      this.lines.push(line)
      if (this.open) this.openChars += charsOf(line)
    }
    return this.take(false, rows)
  }

  end(): TableRow[] {
    return this.take(true, [])
  }

  private take(atEnd: boolean, rows: TableRow[]): TableRow[] {
    while (this.at < this.lines.length) {
      if (!this.open && this.text(this.at).trim() === '') {
        this.at++
        continue
      }
      const row = this.next(atEnd)
      if (row === null) {
        this.checkLength()
        break
      }
      rows.push(row)
    }
    return rows
  }

  /** A cell that never ends would otherwise fill the memory. */
  private checkLength(): void {
    if (this.openChars === 0)
      for (let at = this.at; at < this.lines.length; at++)
        this.openChars += charsOf(this.lines[at] as TextLine)
    if (this.openChars > bounds.messageCharsMax)
      throw new FileError(
        `line ${this.line + this.at}: a quote opens a cell of more than ${bounds.messageCharsMax} characters; ${wayOut('check')}`,
      )
  }

  /** Returns the row at `at` and moves behind it; null where it goes on in lines still to come. */
  private next(atEnd: boolean): TableRow | null {
    const { delimiter, quote, quotes } = this.dialect
    const from = this.at
    const text = this.text(from)
    if (quotes === 'none' || !text.includes(quote)) return this.finish(text.split(delimiter), from)
    if (quotes === 'lines') {
      const { cells, problem } = readLine(text, delimiter, quote)
      const row = this.finish(cells, from)
      return problem ? { ...row, problem } : row
    }
    return this.nextQuoted(atEnd)
  }

  private nextQuoted(atEnd: boolean): TableRow | null {
    const { delimiter, quote, quotes } = this.dialect
    const from = this.at
    let goesOn = this.open
    this.open = null
    const cells = goesOn?.cells ?? []
    let at = from + (goesOn?.lines ?? 0)
    let text = this.text(at)
    for (let pos = 0; ; ) {
      const start = goesOn ? 0 : quoteAt(text, pos, delimiter, quote)
      if (start < 0) {
        const end = text.indexOf(delimiter, pos)
        const cell = end < 0 ? text.slice(pos) : text.slice(pos, end)
        if (cell.trimEnd().endsWith(quote)) this.stray ||= this.line + at
        cells.push(cell)
        if (end < 0) break
        pos = end + delimiter.length
        continue
      }
      const opened = from + (goesOn?.opened ?? at - from)
      let value = goesOn?.value ?? ''
      if (!goesOn) pos = start + quote.length
      goesOn = null
      for (;;) {
        const close = text.indexOf(quote, pos)
        if (close < 0) {
          if (at < this.lines.length) {
            value += text.slice(pos) + (this.lines[at]?.end ?? '')
            at++
          }
          if (at === this.lines.length) {
            if (!atEnd) {
              this.open = { cells, value, opened: opened - from, lines: at - from }
              return null
            }
            throw this.wrong(
              opened,
              cells.length,
              'a quote opens the cell and never closes',
              'check',
            )
          }
          text = this.text(at)
          pos = 0
        } else if (text.startsWith(quote, close + quote.length)) {
          value += text.slice(pos, close + quote.length)
          pos = close + 2 * quote.length
        } else {
          value += text.slice(pos, close)
          pos = afterBlanks(text, close + quote.length, delimiter)
          break
        }
      }
      if (pos < text.length && !text.startsWith(delimiter, pos))
        throw this.wrong(
          opened,
          cells.length,
          at === opened
            ? 'text follows the quote that closes the cell'
            : `a quote opens the cell, and text follows the next quote in line ${this.line + at}`,
          'check',
        )
      if (at > opened && quotes === 'check' && this.looksLikeRows(opened, at))
        throw this.wrong(
          opened,
          cells.length,
          `a quote opens the cell and closes in line ${this.line + at}, but these lines look like rows of their own`,
          'span',
        )
      if (at > opened) this.spanned ||= this.line + opened
      cells.push(value)
      if (pos >= text.length) break
      pos += delimiter.length
    }
    if (quotes === 'check') this.checkStray()
    const row = this.finish(cells, from, at)
    if (at > from && quotes === 'check' && !this.fits(cells.length))
      this.checkMisfit(from, at, cells)
    return row
  }

  private finish(cells: string[], from: number, to = from): TableRow {
    this.at = to + 1
    this.openChars = 0
    const row: TableRow = { cells, first: this.line + from, last: this.line + to }
    if (this.lines[to]?.end === '\r') row.atReturn = true
    if (this.lines[from]?.text.startsWith(MARK)) row.marked = true
    return row
  }

  private text(at: number): string {
    const text = this.lines[at]?.text ?? ''
    return text.startsWith(MARK) ? text.slice(1) : text
  }

  private fits(width: number): boolean {
    return this.dialect.widths.has(width)
  }

  /** Returns whether a line fits the header when it is read alone. */
  private fitsAlone(at: number): boolean {
    const { delimiter, quote } = this.dialect
    return this.fits(readLine(this.text(at), delimiter, quote).cells.length)
  }

  /**
   * Returns whether the first and the last line of a cell, or one between, each fit the header by
   * themselves. Two stray quotes in two rows give the same text as one cell with line breaks; only
   * the number of delimiters distinguishes them. Between them one delimiter proves nothing.
   */
  private looksLikeRows(from: number, to: number): boolean {
    if (this.fitsAlone(from) && this.fitsAlone(to)) return true
    for (let at = from + 1; at < to; at++)
      if (this.fitsAlone(at) && this.text(at).split(this.dialect.delimiter).length > 2) return true
    return false
  }

  /** A row over several lines that does not fit may be several rows, and each of them counts. */
  private checkMisfit(from: number, to: number, cells: string[]): void {
    if (this.dialect.widths.size === 0 || !(this.fitsAlone(from) || this.fitsAlone(to))) return
    throw this.wrong(
      from,
      0,
      `the row goes on to line ${this.line + to} and has ${counted(cells.length, 'cell')}, but these lines look like rows of their own`,
      'span',
    )
  }

  /**
   * A program that writes cells over several lines quotes each cell that has a quote. With both, a
   * quote may be missing or too many, and so the ends of rows are not known.
   */
  private checkStray(): void {
    if (this.stray && this.spanned)
      throw new FileError(
        `line ${this.stray}: a cell ends with a quote that it does not begin with, and a cell in line ${this.spanned} goes over several lines, so a quote may be missing there; ${wayOut('span')}`,
      )
  }

  private wrong(at: number, cell: number, what: string, instead: Quotes): FileError {
    return new FileError(`line ${this.line + at}, cell ${cell + 1}: ${what}; ${wayOut(instead)}`)
  }
}

function charsOf({ text, end }: TextLine): number {
  return text.length + end.length
}

/** Byte order mark. */
const MARK = '\ufeff'

function wayOut(instead: Quotes): string {
  const span =
    instead === 'span' ? ' If the line breaks belong to the cell, load it with --quotes span.' : ''
  return `correct the line (a quote inside a quoted cell is written twice).${span} If each line is a row, load it with --quotes lines: lines with wrong quotes then become exceptions. If quotes are text, use --quotes none`
}

/** Reads a line as a whole row; a quoted cell that does not end in it is text. */
function readLine(
  text: string,
  delimiter: string,
  quote: string,
): { cells: string[]; problem?: string } {
  const cells: string[] = []
  let problem: string | undefined
  for (let pos = 0; ; ) {
    const start = quoteAt(text, pos, delimiter, quote)
    const closed = start < 0 ? null : readQuoted(text, start, delimiter, quote)
    if (start >= 0 && !closed)
      problem ??= `cell ${cells.length + 1} has a quote that is not closed before the delimiter`
    if (closed) {
      cells.push(closed.value)
      if (closed.end >= text.length) break
      pos = closed.end + delimiter.length
      continue
    }
    const end = text.indexOf(delimiter, pos)
    cells.push(end < 0 ? text.slice(pos) : text.slice(pos, end))
    if (end < 0) break
    pos = end + delimiter.length
  }
  return problem ? { cells, problem } : { cells }
}

/** Returns a quoted cell that ends in the line before a delimiter; else null. */
function readQuoted(
  text: string,
  start: number,
  delimiter: string,
  quote: string,
): { value: string; end: number } | null {
  let value = ''
  for (let pos = start + quote.length; ; ) {
    const close = text.indexOf(quote, pos)
    if (close < 0) return null
    value += text.slice(pos, close)
    if (!text.startsWith(quote, close + quote.length)) {
      const end = afterBlanks(text, close + quote.length, delimiter)
      return end >= text.length || text.startsWith(delimiter, end) ? { value, end } : null
    }
    value += quote
    pos = close + 2 * quote.length
  }
}

/** Returns the index of the quote that opens the cell at `pos`, after blanks; -1 without one. */
function quoteAt(text: string, pos: number, delimiter: string, quote: string): number {
  const at = afterBlanks(text, pos, delimiter)
  return text.startsWith(quote, at) ? at : -1
}

function afterBlanks(text: string, pos: number, delimiter: string): number {
  let at = pos
  while ((text[at] === ' ' || text[at] === '\t') && text[at] !== delimiter) at++
  return at
}
