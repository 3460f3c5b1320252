import type { Readable } from 'node:stream'
import { bounds } from '../../bounds.ts'
import { FileError } from '../fileError.ts'
import type { TableRow } from '../fileRow.ts'
import { type CellFormat, numberText } from './cellFormat.ts'
import { parseXml } from './xml.ts'

/** Parts of a workbook to which the cells of all sheets refer. */
export interface WorkbookParts {
  strings: readonly string[]
  /** By the number of the style. */
  formats: readonly CellFormat[]
  since1904: boolean
}

/** Facts of a sheet that are known after its last row. */
export interface SheetFacts {
  hiddenRows: number
  /** Merged cells: first and last row. */
  merged: { range: string; from: number; to: number }[]
}

/** Columns of a sheet; Excel has no more. */
const columnsMax = 16_384
/** Characters of a cell; Excel has 32,767, other programs write more. */
export const cellCharsMax = 1_000_000
export const longText = `a cell has more than ${cellCharsMax} characters`
/** Merged ranges of a sheet. */
const mergedMax = 100_000

/**
 * Yields the rows of a sheet, without blank ones; cells at the end that are empty are left out. A
 * formula counts as the result that was stored with it.
 */
export async function* sheetRows(
  source: Readable,
  parts: WorkbookParts,
  facts: SheetFacts,
): AsyncGenerator<TableRow[]> {
  const reader = new SheetReader(parts, facts)
  for await (const _ of parseXml(source, reader)) {
    const rows = reader.take()
    if (rows.length > 0) yield rows
  }
  yield reader.take()
}

class SheetReader {
  private readonly parts: WorkbookParts
  private readonly facts: SheetFacts
  private rows: TableRow[] = []
  private row: TableRow = { cells: [], first: 0, last: 0 }
  private column = 0
  /** Characters of the row so far: a shared text is short in the sheet, and long in the row. */
  private chars = 0
  private type = ''
  private style = 0
  private formula = false
  private value: string | null = null
  /** Inside `v` or `t`, whose text is the value. */
  private inValue = false
  private inPhonetic = false

  constructor(parts: WorkbookParts, facts: SheetFacts) {
    this.parts = parts
    this.facts = facts
  }

  take(): TableRow[] {
    const rows = this.rows
    this.rows = []
    return rows
  }

  open(name: string, at: Readonly<Record<string, string>>): void {
    if (name === 'row') {
      const number = Number(at.r ?? this.row.first + 1)
      this.row = { cells: [], first: number, last: number }
      this.column = 0
      this.chars = 0
      if (at.hidden === '1' || at.hidden === 'true') this.facts.hiddenRows++
    } else if (name === 'c') {
      this.column = at.r ? columnOf(at.r) : this.column + 1
      if (this.column < 1 || this.column > columnsMax)
        throw new FileError(
          `row ${this.row.first}: ${at.r ?? `cell ${this.column}`} is not in a column from A to XFD`,
        )
      this.type = at.t ?? 'n'
      this.style = Number(at.s ?? 0)
      this.formula = false
      this.value = null
    } else if (name === 'f') this.formula = true
    else if (name === 'rPh') this.inPhonetic = true
    else if ((name === 'v' || name === 't') && !this.inPhonetic) {
      this.inValue = true
      this.value ??= ''
    } else if (name === 'mergeCell') this.merged(at.ref ?? '')
  }

  text(text: string): void {
    if (!this.inValue) return
    this.value = (this.value ?? '') + text
    if (this.value.length > cellCharsMax) throw new FileError(`row ${this.row.first}: ${longText}`)
  }

  close(name: string): void {
    if (name === 'v' || name === 't') this.inValue = false
    else if (name === 'rPh') this.inPhonetic = false
    else if (name === 'c') this.endCell()
    else if (name === 'row') this.endRow()
  }

  private endCell(): void {
    const text = this.cellText()
    if (text === '') return
    this.chars += text.length
    if (this.chars > bounds.messageCharsMax)
      throw new FileError(
        `row ${this.row.first} has more than ${bounds.messageCharsMax} characters`,
      )
    const { cells } = this.row
    while (cells.length < this.column - 1) cells.push('')
    cells[this.column - 1] = text
  }

  private cellText(): string {
    const { value, parts, type } = this
    if (value === null || (value === '' && type === 'n')) {
      if (this.formula)
        this.row.problem ??= `column ${this.column} has a formula without its result`
      return ''
    }
    if (type === 's') {
      const text = parts.strings[Number(value)]
      if (text === undefined) throw new FileError(`row ${this.row.first}: a text is missing`)
      return text
    }
    if (type === 'b') return value === '1' ? 'true' : 'false'
    if (type !== 'n') return unescapeText(value)
    const format = parts.formats[this.style] ?? { kind: 'NUMBER' }
    return numberText(value, format, parts.since1904) ?? value
  }

  private endRow(): void {
    if (this.row.cells.some((c) => c.trim() !== '')) this.rows.push(this.row)
  }

  private merged(range: string): void {
    if (this.facts.merged.length === mergedMax)
      throw new FileError(`the sheet has more than ${mergedMax} merged cells`)
    const rows = [...range.matchAll(/\d+/g)].map(Number)
    const from = rows[0] ?? 0
    this.facts.merged.push({ range, from, to: rows[1] ?? from })
    if (this.facts.merged.length > mergedMax)
      throw new FileError(`the sheet has more than ${mergedMax} merged cells; unmerge them`)
  }
}

/** Returns 2 for B7. */
function columnOf(reference: string): number {
  let n = 0
  for (const c of reference) {
    const letter = c.charCodeAt(0) - 64
    if (letter < 1 || letter > 26) break
    n = n * 26 + letter
  }
  return n
}

/** Workbooks write characters that XML cannot hold as `_x000D_`. */
export function unescapeText(text: string): string {
  return text.includes('_x')
    ? text.replace(/_x([0-9A-Fa-f]{4})_/g, (_, hex: string) =>
        String.fromCharCode(parseInt(hex, 16)),
      )
    : text
}
