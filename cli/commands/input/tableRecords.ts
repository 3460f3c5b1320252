import { FileError } from '../../../connectors/file/fileError.ts'
import { openParquet } from '../../../connectors/file/parquet/parquetFile.ts'
import type { ParquetValue } from '../../../connectors/file/parquet/parquetValue.ts'
import { type FileOptions, openFile } from '../../../connectors/file/rows.ts'
import type { FieldNames } from '../../../mdm/match/fieldNames.ts'
import { POSTINGS_RECORDS_MAX } from '../../../mdm/match/postings.ts'
import { counted } from '../../../schema/kit/numberText.ts'
import { flatFields } from './flatFields.ts'
import type { ReadRecord } from './readRecord.ts'

/** How the columns of a table are read. */
export interface TableOptions extends FileOptions {
  /** Names of the columns with the source and the id; by default those that are called so. */
  source?: string | undefined
  id?: string | undefined
}

/** Parts that the records of a table need beside its rows. */
export interface TableContext {
  /** The name of the file in messages. */
  name: string
  /** The source of all rows if no column names it. */
  source: string
  names: FieldNames
  /** The fields that are read; null for all. */
  wanted: ReadonlySet<string> | null
  report: (line: string) => void
}

interface Row {
  at: number
  values: Readonly<Record<string, ParquetValue>>
  problem?: string | undefined
}

/** A record at a time takes several times as long. */
const RECORDS_AT_ONCE = 1000

/** Names that a column with the id has, in lower case without signs. */
const ID_NAMES = ['id', 'recordid', 'recid']
const SOURCE_NAMES = ['source']

/** Yields the records of a CSV file or an Excel workbook, many at a time. Throws FileError for an unclear one. */
export async function* textRecords(
  path: string,
  options: TableOptions,
  context: TableContext,
): AsyncGenerator<ReadRecord[]> {
  const { id } = options
  const hasId = id === undefined ? null : (row: object) => Object.hasOwn(row, id)
  const file = await openFile(path, options, hasId)
  try {
    for (const notice of file.notices) context.report(`${context.name}: ${notice}`)
    const columns = chooseColumns(file.columns ?? [], options, context)
    yield* records(rowsOf(file.rows()), columns, context)
  } finally {
    await file.close()
  }
}

async function* rowsOf(
  rows: AsyncIterable<{ text: string; at: number; problem?: string }>,
): AsyncGenerator<Row> {
  for await (const { text, at, problem } of rows)
    yield {
      at,
      values: problem === undefined ? (JSON.parse(text) as Row['values']) : {},
      problem,
    }
}

/** Yields the records of a Parquet file, many at a time. Throws FileError for a damaged one. */
export async function* parquetRecords(
  path: string,
  options: TableOptions,
  context: TableContext,
): AsyncGenerator<ReadRecord[]> {
  const { name, names, wanted, report } = context
  const file = await openParquet(path, POSTINGS_RECORDS_MAX)
  for (const notice of file.notices) report(`${name}: ${notice}`)
  const columns = chooseColumns(
    file.columns.map((c) => c.name),
    options,
    context,
  )
  const read = file.columns.filter(
    (c) =>
      c.isStructure ||
      c.name === columns.source ||
      c.name === columns.id ||
      (wanted?.has(names.fieldOf(c.name)) ?? true),
  )
  // Rows without any column that is read have their numbers still.
  const some = read.length > 0 ? read : file.columns.slice(0, 1)
  const leftOut = new Map<string, number>()
  yield* records(
    file.read(
      some.map((c) => c.name),
      leftOut,
    ),
    columns,
    context,
  )
  for (const [where, values] of leftOut)
    report(`${name}: ${where}, in ${counted(values, 'row')}; these values are left out`)
}

async function* records(
  rows: AsyncIterable<Row>,
  columns: Columns,
  context: TableContext,
): AsyncGenerator<ReadRecord[]> {
  let some: ReadRecord[] = []
  for await (const row of rows) {
    some.push(recordOf(row, columns, context))
    if (some.length < RECORDS_AT_ONCE) continue
    yield some
    some = []
  }
  yield some
}

function recordOf(
  { at, values, problem }: Row,
  columns: Columns,
  { source, names, wanted }: TableContext,
): ReadRecord {
  const cells = new Map(Object.entries(values))
  const own = columns.source === null ? source : textOf(cells.get(columns.source))
  const id = columns.id === null ? String(at) : textOf(cells.get(columns.id))
  const missing = own === '' ? columns.source : id === '' ? columns.id : null
  if (problem !== undefined) return { at, problem }
  if (missing !== null) return { at, problem: `the column "${missing}" has no value` }
  for (const name of [columns.source, columns.id]) if (name !== null) cells.delete(name)
  return { at, source: own, id, fields: flatFields(cells, names, wanted) }
}

function textOf(value: ParquetValue | undefined): string {
  return value === undefined || typeof value === 'object' ? '' : String(value).trim()
}

/** The columns with the source and the id; null where the table has none. */
interface Columns {
  source: string | null
  id: string | null
}

/** Chooses the columns, reports what is assumed, and names the fields of the others in order. */
function chooseColumns(
  all: readonly string[],
  { source, id }: TableOptions,
  { name, source: otherwise, names, report }: TableContext,
): Columns {
  const columns = {
    source: chooseColumn(all, source, SOURCE_NAMES, name, '--source'),
    id: chooseColumn(all, id, ID_NAMES, name, '--id'),
  }
  if (all.length > 0 && columns.source === null)
    report(`note: ${name} has no column "source": the source of its records is "${otherwise}"`)
  if (all.length > 0 && columns.id === null)
    report(
      `note: ${name} has no column "id": the id of a record is its line or row; --id names a column`,
    )
  names.fieldsOf(all.filter((column) => column !== columns.source && column !== columns.id))
  return columns
}

function chooseColumn(
  all: readonly string[],
  given: string | undefined,
  usual: readonly string[],
  file: string,
  option: string,
): string | null {
  if (given === undefined)
    return (
      all.find((name) => usual.includes(name.toLowerCase().replaceAll(/[^a-z0-9]/g, ''))) ?? null
    )
  if (all.includes(given)) return given
  throw new FileError(
    `${file}: no column "${given}" for ${option}; its columns are ${all.slice(0, 20).join(', ')}`,
  )
}
