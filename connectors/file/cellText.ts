import { unicodeForm } from '../../schema/kit/unicodeForm.ts'
import { unguardedText } from './guardedText.ts'

const QUOTED_FORMULA = /^=\s*"((?:[^"]|"")*)"$/
const HYPERLINK = /^=\s*HYPERLINK\(\s*"((?:[^"]|"")*)"\s*(?:[,;]\s*"((?:[^"]|"")*)"\s*)?\)$/i
/** A function, a reference to a cell or a calculation; not a text such as "=> see note". */
const FORMULA =
  /^=\s*[-+(]*(?:[A-Z_][A-Z0-9_.]*\s*\(|(?:'?[^'!]{1,80}'?!)?\$?[A-Z]{1,3}\$?\d{1,7}(?![\w])|\d+(?:\.\d+)?\s*[-+*/&^])/i

export type CellText = { text: string; changed: boolean } | { problem: string }

/**
 * Returns the text that a spreadsheet shows for a cell: `="00123"` and `'00123` are spellings of
 * 00123 that keep its zeros, and a link is its name. The result of any other formula is not in the
 * file.
 */
export function cellText(cell: string): CellText {
  const first = cell.charCodeAt(0)
  if (first === APOSTROPHE) {
    const text = unguardedText(cell)
    return { text, changed: text !== cell }
  }
  if (first !== EQUALS) return { text: cell, changed: false }
  const text = cell.trimEnd()
  const quoted = QUOTED_FORMULA.exec(text) ?? HYPERLINK.exec(text)
  if (quoted) return { text: (quoted[2] ?? quoted[1] ?? '').replaceAll('""', '"'), changed: true }
  if (FORMULA.test(text) || /^=\s*"/.test(text))
    return { problem: 'is a formula; save the file with its values' }
  return { text: cell, changed: false }
}

const EQUALS = 61
const APOSTROPHE = 39

/**
 * Names the columns: blanks and line breaks within a name become one blank, a column without a name
 * is named after its position, and the second and later ones of a name get a number that no other
 * column has.
 */
export function nameColumns(cells: readonly string[]): string[] {
  const given = new Set(cells.map(cleanName))
  const taken = new Set<string>()
  /** The next number of each name, so that the work grows with the number of columns alone. */
  const next = new Map<string, number>()
  return cells.map((cell, i) => {
    const name = cleanName(cell) || `column_${i + 1}`
    let unique = name
    let n = next.get(name) ?? 2
    while (taken.has(unique) || (unique !== name && given.has(unique))) unique = `${name}_${n++}`
    if (unique !== name) next.set(name, n)
    taken.add(unique)
    return unique
  })
}

function cleanName(cell: string): string {
  const text = cellText(cell)
  const name = ('text' in text ? text.text : cell).replaceAll('\ufeff', '').replace(/\s+/g, ' ')
  return unicodeForm(name.trim(), 'NFC')
}
