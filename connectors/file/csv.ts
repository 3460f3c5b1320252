import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { parse } from 'csv-parse'
import { bounds } from '../bounds.ts'
import type { FileRow } from './fileRow.ts'

export interface Dialect {
  delimiter: string
  quote: string
}

const DELIMITERS = [',', ';', '\t', '|', '`']

/**
 * Takes the most frequent delimiter of the header line, outside quotes, and the quote used there
 * (default ").
 */
export function detectDialect(head: string, delimiter?: string): Dialect {
  const header = head.trimStart().split(/\r?\n/, 1)[0] ?? ''
  const quote = !header.includes('"') && /(^|[,;\t|])'[^']*'([,;\t|]|$)/.test(header) ? "'" : '"'
  if (delimiter) return { delimiter: delimiter === '\\t' ? '\t' : delimiter, quote }
  const bare = header.replaceAll(new RegExp(`${quote}[^${quote}]*${quote}`, 'g'), '')
  const count = (d: string) => bare.split(d).length - 1
  const best = DELIMITERS.reduce((a, b) => (count(b) > count(a) ? b : a))
  return { delimiter: best, quote }
}

/**
 * Yields rows as JSON objects with the names of the header line; empty cells are left out. A row
 * whose number of cells differs from the header is yielded as a list of its cells: under names its
 * values could be wrong, so it becomes an exception.
 */
export async function* csvRows(
  text: AsyncIterable<string>,
  dialect: Dialect,
): AsyncGenerator<FileRow> {
  const parser = parse({
    bom: true,
    delimiter: dialect.delimiter,
    quote: dialect.quote,
    escape: dialect.quote,
    info: true,
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
    max_record_size: bounds.messageCharsMax,
  })
  // An error at either end destroys `parser`, so the loop below throws it; here it only must not go
  // unhandled.
  pipeline(Readable.from(text), parser).catch(() => {})
  let header: string[] | null = null
  for await (const { record, info } of parser as AsyncIterable<{
    record: string[]
    info: { lines: number }
  }>) {
    if (header === null) {
      header = nameColumns(record)
      continue
    }
    if (record.length !== header.length) {
      yield { text: JSON.stringify(record), at: info.lines }
      continue
    }
    const row: [string, string][] = []
    for (const [i, cell] of record.entries()) if (cell !== '') row.push([header[i] ?? '', cell])
    yield { text: JSON.stringify(Object.fromEntries(row)), at: info.lines }
  }
}

/**
 * Names a column without a name after its position, and numbers the second and later ones of the
 * same name.
 */
function nameColumns(cells: string[]): string[] {
  const seen = new Map<string, number>()
  return cells.map((cell, i) => {
    const name = cell.trim() || `column_${i + 1}`
    const times = (seen.get(name) ?? 0) + 1
    seen.set(name, times)
    return times === 1 ? name : `${name}_${times}`
  })
}
