import { createDictionary, type Dictionary } from '../../schema/kit/dictionary.ts'
import { counted } from '../../schema/kit/numberText.ts'
import { cellText, nameColumns } from './cellText.ts'
import { hasDelimiter } from './csvDialect.ts'
import { FileError } from './fileError.ts'
import type { FileRow, TableRow } from './fileRow.ts'
import { findHeader, type HasId, namedCells } from './header.ts'

/** The result of the check of a table; its rows are read by it. */
export interface TableLayout {
  /** Names of the columns; null for a table without any row. */
  names: string[] | null
  headerLine: number
  /** Number of cells of a row that fits; 0 where the rows have no number in common. */
  width: number
  /** Number of columns up to the last one with a name. */
  named: number
  /** The header or a row has a delimiter at its end. */
  openEnd: boolean
  /** A row of a sheet says for each cell to which column it belongs, so it may end anywhere. */
  ragged: boolean
  /** No row shows which character is the delimiter. */
  delimiterUnknown: boolean
  rows: number
  notices: string[]
}

/** A table that was read to its end once. */
export interface CheckedTable {
  /** How it is read, for people. */
  description: string
  notices: string[]
  /** Names of the columns; null where each row has names of its own. */
  columns: readonly string[] | null
  rows(): AsyncGenerator<FileRow>
}

/** Returns the names of the columns; one at the end without a name has none. */
export function namesOf({ names, named }: TableLayout): string[] {
  return names?.slice(0, named) ?? []
}

/** The word for a line in messages: a line of a text, or a row of a sheet. */
export type LineWord = 'line' | 'row'

/** Rows at the beginning in which the header is searched and ids are tried. */
const firstRowsMax = 200
/** Share of the rows that must have the same number of cells. */
const commonShare = 0.9
/** Columns of a table; Excel has no more. */
const columnsMax = 16_384
/** Rows between carriage returns without line feeds that are judged together. */
const chainRowsMax = 1_000

/**
 * Reads a table to its end and returns its layout. Throws FileError where no row can be the header,
 * where no row fits it, or where the table of another file begins.
 */
export async function checkTable(
  source: AsyncIterable<TableRow[]>,
  word: LineWord,
  hasId: HasId | null,
  delimiterGuessed = false,
): Promise<TableLayout> {
  let first: TableRow[] | null = []
  let check: LayoutCheck | null = null
  for await (const rows of source) {
    if (first) {
      first.push(...rows)
      if (first.length < firstRowsMax) continue
      check = new LayoutCheck(first, word, hasId)
      first = null
    } else for (const row of rows) check?.add(row)
  }
  check ??= new LayoutCheck(first ?? [], word, hasId)
  const layout = check.layout()
  return { ...layout, delimiterUnknown: delimiterGuessed && layout.width === 1 }
}

class LayoutCheck {
  private readonly word: LineWord
  private readonly names: string[]
  private readonly header: TableRow | null
  private readonly named: number
  /** Rows by their number of cells; `bare` are those without a value beyond the named columns. */
  private readonly counts = new Map<number, { rows: number; bare: number; first: number }>()
  private readonly notices: string[] = []
  private rows = 0
  /** Rows in `counts`. */
  private counted = 0
  private waiting: { row: TableRow; follows: boolean } | null = null
  private formulas = 0
  private repeated = 0
  private empty = 0

  constructor(first: TableRow[], word: LineWord, hasId: HasId | null) {
    this.word = word
    const { row, found } = findHeader(first, hasId)
    if (row.cells.length > columnsMax)
      throw new FileError(
        `${word} ${row.first}: the row has ${row.cells.length} cells; at most ${columnsMax} are read`,
      )
    this.header = first.length > 0 ? row : null
    this.names = nameColumns(row.cells)
    this.named = namedCells(row.cells)
    const below = first.slice(first.indexOf(row) + 1)
    if (this.header && hasId && !found && !below.some((r) => hasId(toRecord(r.cells, this.names))))
      throw new FileError(
        `${word} ${row.first}: the header has no column for the id; its columns are ${list(this.names)}`,
      )
    this.noteHeader(first[0])
    for (const r of below) this.add(r)
  }

  add(row: TableRow): void {
    const joined = joinedTable(row, this.names, this.named, this.word)
    if (joined) {
      this.repeated++
      return
    }
    if (isEmptyRow(row)) {
      this.empty++
      return
    }
    this.rows++
    this.countLater(row)
    for (const cell of row.problem ? [] : row.cells) {
      const text = cellText(cell)
      if ('text' in text && text.changed) this.formulas++
    }
  }

  /**
   * Counts a row when the next one is known: what a carriage return alone separates may be parts of
   * one row, which are no sign of the number of cells.
   */
  private countLater(next: TableRow | null): void {
    const { waiting } = this
    const goesOn = Boolean(next && waiting?.row.atReturn && next.first === waiting.row.last + 1)
    if (waiting && !goesOn && !waiting.follows) this.count(waiting.row)
    this.waiting = next && { row: next, follows: goesOn }
  }

  private count(row: TableRow): void {
    if (row.problem) return
    this.counted++
    const length = row.cells.length
    const count = this.counts.get(length) ?? { rows: 0, bare: 0, first: row.first }
    count.rows++
    if (namedCells(row.cells) <= this.named) count.bare++
    this.counts.set(length, count)
  }

  layout(): TableLayout {
    const { notices, names, named, header, rows } = this
    if (!header)
      return {
        names: null,
        headerLine: 1,
        width: 0,
        named: 0,
        openEnd: false,
        ragged: false,
        delimiterUnknown: false,
        rows: 0,
        notices,
      }
    this.countLater(null)
    const openEnd =
      named < header.cells.length ||
      [...this.counts].some(([length, { bare }]) => length > named && bare > 0)
    const width = openEnd ? this.width() : named
    const { rows: usual, bare } = this.counts.get(width) ?? { rows: 0, bare: 0 }
    if (usual - bare >= Math.max(2, this.counted * commonShare))
      throw new FileError(
        `${this.word} ${header.first}: column ${named + 1} has values, but no name; name it in the header`,
      )
    if (this.word === 'line') this.checkWidth(width)
    if (this.repeated > 0)
      notices.push(
        `${this.repeated} repeated ${this.repeated > 1 ? 'headers are' : 'header is'} left out`,
      )
    if (this.empty > 0)
      notices.push(
        `${this.empty} ${this.empty > 1 ? 'rows' : 'row'} without any value ${this.empty > 1 ? 'are' : 'is'} left out`,
      )
    if (this.formulas > 0)
      notices.push(
        `${this.formulas} ${this.formulas > 1 ? 'cells are' : 'cell is'} written as ="text", 'text or a link; the text is read`,
      )
    return {
      names,
      headerLine: header.first,
      width,
      named,
      openEnd,
      ragged: this.word === 'row',
      delimiterUnknown: false,
      rows,
      notices,
    }
  }

  private noteHeader(top: TableRow | undefined): void {
    const { header, names, notices, word } = this
    if (!header || !top) return
    if (header.first > top.first)
      notices.push(
        `the header is in ${word} ${header.first}; the text above it, from ${word} ${top.first} on, is not a row`,
      )
    const renamed = names.slice(0, this.named).flatMap((name, i) => {
      const given = header.cells[i]?.trim() ?? ''
      if (given === '') return [`column ${i + 1} has no name; it is called ${name}`]
      const before = nameColumns([header.cells[i] ?? ''])[0]
      return before === name
        ? []
        : [`column ${i + 1} is a second "${before}"; it is called ${name}`]
    })
    notices.push(...renamed)
  }

  /**
   * Returns the number of cells that nearly all rows have: that of the header, or another one whose
   * cells beyond the named columns are empty, as with a delimiter at the end of all rows or of the
   * header alone; 0 without such a number. In single rows an empty cell at the end may as well stand
   * for a value that moved.
   */
  private width(): number {
    const own = this.header?.cells.length ?? 0
    const needed = this.counted * commonShare
    for (const [length, { rows, bare }] of this.counts) {
      if (length === own && rows >= needed) return own
      if (length >= this.named && bare >= Math.max(2, needed)) return length
    }
    return 0
  }

  private checkWidth(width: number): void {
    const fitting = this.counts.has(width) || this.counts.has(this.named)
    if (this.rows < 2 || fitting || this.counts.size === 0) return
    const [length, { first }] = [...this.counts].sort((a, b) => b[1].rows - a[1].rows)[0] ?? [
      0,
      { first: 0 },
    ]
    throw new FileError(
      `${this.word} ${first}: the row has ${counted(length, 'cell')}, but the header in ${this.word} ${this.header?.first} has ${counted(this.named, 'column')}, and no row of the file fits it`,
    )
  }
}

/**
 * Yields the rows of a table as JSON objects with the names of the header; empty cells are left
 * out. A row that cannot be used is yielded as a list of its cells, with the problem: under names
 * its values could be wrong.
 */
export async function* tableRows(
  source: AsyncIterable<TableRow[]>,
  word: LineWord,
  layout: TableLayout,
): AsyncGenerator<FileRow> {
  const { names } = layout
  if (!names) return
  let chain: TableRow[] = []
  for await (const rows of source)
    for (const row of rows) {
      if (row.first <= layout.headerLine || isEmptyRow(row)) continue
      const before = chain.at(-1)
      if (before && (row.first !== before.last + 1 || chain.length === chainRowsMax)) {
        yield* chainRows(chain, names, word, layout)
        chain = []
      }
      chain.push(row)
      if (row.atReturn) continue
      yield* chainRows(chain, names, word, layout)
      chain = []
    }
  yield* chainRows(chain, names, word, layout)
}

/**
 * Yields rows that only carriage returns separate. In a file with line feeds such a return may be
 * a part of a cell: then its row has been split, and no part is a row.
 */
function* chainRows(
  chain: readonly TableRow[],
  names: readonly string[],
  word: LineWord,
  layout: TableLayout,
): Generator<FileRow> {
  const split = chain.length > 1 && !chain.every((r) => fits(r, layout))
  for (const row of chain) {
    if (joinedTable(row, names, layout.named, word)) continue
    const problem = split
      ? 'a carriage return without line feed stands before or after it, and the parts do not fit the header by themselves'
      : undefined
    yield fileRow(row, names, word, layout, problem)
  }
}

function fits(row: TableRow, layout: TableLayout): boolean {
  return misfit(row, '', layout) === null
}

/** Returns why a row does not fit the table, or null. */
function misfit({ cells }: TableRow, word: string, layout: TableLayout): string | null {
  const { width, named, openEnd, ragged, headerLine } = layout
  if (layout.delimiterUnknown && hasDelimiter(cells[0] ?? ''))
    return 'the header has one column, and the cell has a character that may be a delimiter; name it with --delimiter'
  const header = `the header in ${word} ${headerLine} has ${counted(named, 'column')}`
  if (ragged || cells.length === width)
    return namedCells(cells) <= named
      ? null
      : `the row has a value in a column without a name; ${header}`
  // A row whose last cell is filled has lost no delimiter before it.
  if (openEnd && cells.length === named && cells[named - 1]?.trim() !== '') return null
  const ends = openEnd ? ', and some rows have a delimiter at their end' : ''
  return `the row has ${counted(cells.length, 'cell')}, but ${header}${ends}`
}

function fileRow(
  row: TableRow,
  names: readonly string[],
  word: LineWord,
  layout: TableLayout,
  given: string | undefined,
): FileRow {
  const { cells } = row
  const record = createDictionary<string>()
  let problem = row.problem ?? given ?? misfit(row, word, layout) ?? undefined
  if (!problem && isFooter(cells, layout))
    problem = 'only one cell has a text, as in a title or a footer'
  for (const [i, cell] of problem ? [] : cells.entries()) {
    if (cell === '') continue
    const name = names[i] ?? `column_${i + 1}`
    const text = cellText(cell)
    if ('problem' in text) problem = `the cell of column "${name}" ${text.problem}`
    else if (text.text.includes('\0')) problem = `the cell of column "${name}" has a NUL character`
    else if (text.text !== '') record[name] = text.text
  }
  return problem
    ? { text: JSON.stringify(cells), at: row.first, problem }
    : { text: JSON.stringify(record), at: row.first }
}

/** Spreadsheets write rows of delimiters below the last one with values. */
function isEmptyRow({ cells, problem }: TableRow): boolean {
  return problem === undefined && namedCells(cells) === 0
}

/** Columns from which on a single text of several words is no record. */
const footerColumnsMin = 3

function isFooter(cells: readonly string[], { named }: TableLayout): boolean {
  if (named < footerColumnsMin || !/\S\s+\S/.test(cells[0] ?? '')) return false
  return namedCells(cells) === 1
}

/**
 * Returns whether a row repeats the header, as in a file that was joined of several. Throws
 * FileError where the joined one has other columns.
 */
function joinedTable(
  { cells, first, marked }: TableRow,
  names: readonly string[],
  named: number,
  word: LineWord,
): boolean {
  if (!marked && !names.includes(cells[0]?.trim() ?? '')) return false
  const own = nameColumns(cells.slice(0, namedCells(cells)))
  const wanted = names.slice(0, named)
  if (own.length === named && own.every((name, i) => name === wanted[i])) return true
  const known = new Set(wanted)
  const alike = own.filter((name) => known.has(name)).length
  if (marked || (alike > 1 && alike * 2 >= named))
    throw new FileError(
      `${word} ${first}: another file begins here, with the columns ${list(own)} instead of ${list(wanted)}; load the files one by one`,
    )
  return false
}

function toRecord(cells: readonly string[], names: readonly string[]): Dictionary<string> {
  const record = createDictionary<string>()
  for (const [i, cell] of cells.entries()) if (cell !== '') record[names[i] ?? ''] = cell
  return record
}

const listedMax = 12

function list(names: readonly string[]): string {
  const shown = names.slice(0, listedMax).map((n) => `"${n.slice(0, 60)}"`)
  return `${shown.join(', ')}${names.length > listedMax ? ` and ${names.length - listedMax} more` : ''}`
}
