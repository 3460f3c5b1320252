import { counted } from '../../schema/kit/numberText.ts'
import { bounds } from '../bounds.ts'
import { FileError } from './fileError.ts'
import type { FileRow } from './fileRow.ts'

/**
 * Yields the lines that are not blank, whatever they hold. Throws FileError for a line longer
 * than a message may be.
 */
export async function* lines(text: AsyncIterable<string>): AsyncGenerator<FileRow> {
  let rest = ''
  let at = 0
  for await (const chunk of text) {
    const parts = (rest + chunk).split('\n')
    rest = parts.pop() ?? ''
    for (const part of parts) {
      at++
      if (part.trim() !== '') yield { text: part.trim(), at }
    }
    if (rest.length > bounds.messageCharsMax)
      throw new FileError(`line ${at + 1} has more than ${bounds.messageCharsMax} characters`)
  }
  if (rest.trim() !== '') yield { text: rest.trim(), at: at + 1 }
}

/**
 * Yields the rows of a JSON document as text, without building the document. Rows are the elements
 * of an outer array, or in an outer object the elements of `member`, of `records` (Salesforce), of
 * `data` beside `"object": "list"` (Stripe) or of `items` beside `hasMore` (NetSuite). Any other
 * object is one row; several values in a row are taken in turn. Numbers keep their spelling. Throws
 * FileError when the document ends inside a value.
 */
export async function* jsonElements(
  text: AsyncIterable<string>,
  member: string | null,
): AsyncGenerator<FileRow> {
  const scanner = new Scanner(member)
  for await (const chunk of text) {
    yield* scanner.push(chunk.replace(/^\ufeff/, ''))
    if (scanner.unfinishedChars > bounds.messageCharsMax)
      throw new FileError(
        `row ${scanner.count + 1} has more than ${bounds.messageCharsMax} characters`,
      )
  }
  yield* scanner.end()
}

/**
 * Scans brackets and strings. `rowsAt` is the depth of the rows: 0 for values in a row, 1 in an
 * outer array, 2 in a member of an outer object. The text of an outer object is buffered while it
 * may turn out to be a row itself.
 */
class Scanner {
  count = 0
  private readonly member: string | null
  private out: FileRow[] = []
  private text = ''
  private depth = 0
  private rowsAt: number = ROWS_AT_TOP
  /** Inside a row that begins at `from`. */
  private started = false
  private from = 0
  private inString = false
  private escaped = false
  private stringFrom = 0
  /** The last string of an outer object that may hold rows, and all its strings. */
  private last = ''
  private strings = new Set<string>()

  constructor(member: string | null) {
    this.member = member
  }

  /** Length of the row that is not finished yet. */
  get unfinishedChars(): number {
    return this.started ? this.text.length - this.from : 0
  }

  push(chunk: string): FileRow[] {
    // The text before the current row is no longer needed.
    const keep = this.started ? this.from : this.text.length
    this.text = this.text.slice(keep) + chunk
    this.from -= keep
    this.stringFrom -= keep
    for (let i = this.text.length - chunk.length; i < this.text.length; i++) this.step(i)
    return this.take()
  }

  end(): FileRow[] {
    if (this.depth > 0 || this.inString)
      throw new FileError(
        `the file ends inside a value, after ${counted(this.count, 'row')}: it is incomplete`,
      )
    this.emit(this.text.length)
    return this.take()
  }

  private take(): FileRow[] {
    const rows = this.out
    this.out = []
    return rows
  }

  private step(i: number): void {
    const c = this.text.charCodeAt(i)
    if (this.inString) {
      if (this.escaped) this.escaped = false
      else if (c === BACKSLASH) this.escaped = true
      else if (c === QUOTE) this.endString(i)
    } else if (c === QUOTE) {
      this.begin(i)
      this.inString = true
      this.stringFrom = i
    } else if (c === BRACE || c === BRACKET) this.open(c, i)
    else if (c === BRACE_END || c === BRACKET_END) this.close(i)
    else if (c === COMMA) {
      if (this.depth === this.rowsAt) this.emit(i)
    } else if (c === COLON) {
      // In an object of rows the name before the colon is not a row; its value is.
      if (this.depth === this.rowsAt) this.started = false
    } else if (c > SPACE) this.begin(i)
    else if (this.depth === 0) this.emit(i)
  }

  private begin(i: number): void {
    if (this.started || this.depth !== this.rowsAt) return
    this.started = true
    this.from = i
  }

  private endString(i: number): void {
    this.inString = false
    if (this.depth !== 1 || this.rowsAt !== ROWS_AT_TOP) return
    this.last = this.text.slice(this.stringFrom + 1, i)
    this.strings.add(this.last)
  }

  private open(c: number, i: number): void {
    if (this.depth === 0 && c === BRACKET && !this.started) this.rowsAt = 1
    else if (this.depth === 1 && this.rowsAt === ROWS_AT_TOP && this.holdsRows(c)) {
      this.rowsAt = 2
      this.started = false
    } else this.begin(i)
    this.depth++
  }

  private close(i: number): void {
    if (this.depth === 0)
      throw new FileError(`a closing bracket was never opened, after ${counted(this.count, 'row')}`)
    if (this.depth === this.rowsAt) {
      this.emit(i)
      // The members after the rows of an outer object are not rows.
      if (this.rowsAt === 2) this.rowsAt = NO_MORE_ROWS
    }
    this.depth--
    if (this.depth === this.rowsAt) this.emit(i + 1)
    if (this.depth === 0) {
      this.rowsAt = ROWS_AT_TOP
      this.last = ''
      this.strings.clear()
    }
  }

  private emit(end: number): void {
    if (!this.started) return
    this.started = false
    const text = this.text.slice(this.from, end).trim()
    if (text !== '') this.out.push({ text, at: ++this.count })
  }

  private holdsRows(c: number): boolean {
    if (this.text.charCodeAt(this.from) !== BRACE) return false
    if (this.member !== null) return this.last === this.member
    if (c !== BRACKET) return false
    return (
      this.last === 'records' ||
      (this.last === 'data' && this.strings.has('object') && this.strings.has('list')) ||
      (this.last === 'items' && this.strings.has('hasMore'))
    )
  }
}

const ROWS_AT_TOP = 0
const NO_MORE_ROWS = -1
const QUOTE = 34
const BACKSLASH = 92
const COMMA = 44
const COLON = 58
const BRACKET = 91
const BRACKET_END = 93
const BRACE = 123
const BRACE_END = 125
const SPACE = 32
