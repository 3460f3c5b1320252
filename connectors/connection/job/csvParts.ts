import type { Readable } from 'node:stream'
import { type CastingContext, parse } from 'csv-parse'
import type { Refuse } from '../pages/pager.ts'

/** The form of results, for all parsers of them. */
export interface CsvForm {
  /** A column that begins with its name, as `Account.Id`, is a field of its own. */
  object: string
  /** Columns without which rows would be read as others. */
  needed: readonly string[]
}

export type CsvRow = Record<string, string | null>

/** Characters of one row; the rest of a file whose quote is never closed would be one. */
const rowCharsMax = 16 * 1024 * 1024

/**
 * Returns how CSV with a header is parsed; an empty cell is no value. `check` throws where columns are
 * missing: a parser does not catch what its options throw.
 */
export function csvOptions({ object, needed }: CsvForm, refuse: Refuse) {
  const own = `${object.toLowerCase()}.`
  const nameOf = (column: string) =>
    column.toLowerCase().startsWith(own) ? column.slice(own.length) : column
  let missing: string[] = []
  return {
    options: {
      bom: true,
      skip_empty_lines: true,
      max_record_size: rowCharsMax,
      columns(header: string[]) {
        const names = header.map(nameOf)
        missing = needed.filter((name) => !names.includes(name))
        return names
      },
      cast: (value: string, { header }: CastingContext) => (value === '' && !header ? null : value),
    },
    check() {
      if (missing.length > 0)
        refuse('JOB_COLUMN_MISSING', `the results have no column ${missing.join(', ')}`)
    },
  }
}

/**
 * Reads rows of CSV in parts of so many, without those before `skip`. At least one part comes, which
 * may be empty. Throws ConnectionError by `refuse`.
 */
export async function* csvParts(
  source: Readable,
  form: CsvForm,
  { rowsMax, skip }: { rowsMax: number; skip: number },
  refuse: Refuse,
): AsyncGenerator<{ rows: CsvRow[]; isLast: boolean }, void, void> {
  const { options, check } = csvOptions(form, refuse)
  const parser = source.pipe(parse(options))
  source.on('error', (e) => parser.destroy(e))
  try {
    let rows: CsvRow[] = []
    let n = 0
    for await (const row of readRows(parser, refuse)) {
      if (n === 0) check()
      if (n++ < skip) continue
      // One more row shows that the part is not the last.
      if (rows.length === rowsMax) {
        yield { rows, isLast: false }
        rows = []
      }
      rows.push(row)
    }
    check()
    yield { rows, isLast: true }
  } finally {
    source.destroy()
    parser.destroy()
  }
}

async function* readRows(parser: AsyncIterable<CsvRow>, refuse: Refuse): AsyncGenerator<CsvRow> {
  try {
    yield* parser
  } catch (e) {
    refuseCsv(e, refuse)
  }
}

/** Throws what a parser of results has thrown, as a refusal where the text is no CSV. */
export function refuseCsv(e: unknown, refuse: Refuse): never {
  if (e instanceof Error && 'code' in e && String(e.code).startsWith('CSV_'))
    return refuse('ANSWER_NOT_CSV', `the answer is no CSV: ${e.message}`)
  throw e
}
