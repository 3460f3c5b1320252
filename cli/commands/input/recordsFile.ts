import { basename } from 'node:path'
import { copyOfPipe } from '../../../connectors/file/copyOfPipe.ts'
import { fileBytes } from '../../../connectors/file/fileBytes.ts'
import { FileError } from '../../../connectors/file/fileError.ts'
import { isZip } from '../../../connectors/file/foreign.ts'
import { detectFormat } from '../../../connectors/file/format.ts'
import { isParquet } from '../../../connectors/file/parquet/parquetFile.ts'
import type { MatchRecord } from '../../../mdm/match/engine.ts'
import { FieldNames } from '../../../mdm/match/fieldNames.ts'
import { POSTINGS_RECORDS_MAX } from '../../../mdm/match/postings.ts'
import { count, counted } from '../../../schema/kit/numberText.ts'
import { ndjsonRecords, shapeOf } from './ndjsonRecords.ts'
import type { ReadRecord } from './readRecord.ts'
import {
  parquetRecords,
  type TableContext,
  type TableOptions,
  textRecords,
} from './tableRecords.ts'

/** Maximum number of invalid lines that are reported one by one. */
const BAD_LINES_SHOWN_MAX = 5
/** Characters of a file that show its format. */
const HEAD_CHARS_MAX = 64 * 1024
const SHAPE =
  'match reads NDJSON, one record a line: {"source":"crm","id":"17","fields":{"name":"Anna Lindqvist"}}; and CSV, Excel or Parquet with a name for each column'

const ENDING = /(?<=.)\.(?:csv|tsv|txt|xlsx|parquet)(?:\.gz)?$/i

export interface RecordsOptions extends TableOptions {
  /** The fields that tables are read for; all if not given. */
  fields?: readonly string[] | undefined
}

export interface ReadRecords {
  records: MatchRecord[]
  /** The names of fields, in the order in which they appear. */
  names: FieldNames
}

/**
 * Reads the records of NDJSON, CSV, Excel and Parquet files. `report` receives what is assumed and
 * the lines that were left out. If two records have the same source and id, each is a separate
 * record, and the later one gets a number behind its key. Throws if a file holds no record at all.
 */
export async function readRecordFiles(
  files: readonly string[],
  options: RecordsOptions,
  report: (line: string) => void,
): Promise<ReadRecords> {
  const records: MatchRecord[] = []
  const times = new Map<string, number>()
  const names = new FieldNames()
  const wanted = options.fields ? new Set(options.fields) : null
  for (const file of files) {
    let [lines, bad] = [0, 0]
    const before = records.length
    let shape = ''
    const copy = await copyOfPipe(file)
    try {
      const opened = await openRecords(copy.path, file, options, {
        name: file,
        source: sourceOf(file, files),
        names,
        wanted,
        report,
      })
      for await (const some of opened.records)
        for (const read of some) {
          lines = read.at
          if ('problem' in read) {
            if (bad++ < BAD_LINES_SHOWN_MAX)
              report(`${file}:${read.at}: ${read.problem}; the line is left out`)
            continue
          }
          const key = `${read.source}\u0001${read.id}`
          const repeats = times.get(key) ?? 0
          times.set(key, repeats + 1)
          records.push({
            key: repeats === 0 ? key : `${key}\u0000${repeats}`,
            source: read.source,
            fields: read.fields,
          })
          if (records.length > POSTINGS_RECORDS_MAX)
            throw new Error(
              `${file}: more than ${counted(POSTINGS_RECORDS_MAX, 'record')}; split them by country or region`,
            )
        }
      shape = opened.shape()
    } finally {
      await copy.close()
    }
    if (records.length === before) throw new Error(`${file} holds no record: ${shape}. ${SHAPE}`)
    if (bad > 0) report(`${file}: ${count(bad)} of ${counted(lines, 'line')} left out`)
  }
  if (times.size < records.length)
    report(
      `note: ${counted(records.length - times.size, 'line repeats', 'lines repeat')} a source and id; each is a separate record, and is written under that id`,
    )
  return { records, names }
}

interface OpenedRecords {
  /** Many at a time. */
  records: AsyncIterable<ReadRecord[]>
  /** Describes the file if it has no record. */
  shape(): string
}

/** @param path the file, or the copy of the pipe `file` */
async function openRecords(
  path: string,
  file: string,
  options: TableOptions,
  context: TableContext,
): Promise<OpenedRecords> {
  const kind = await kindOf(path, file)
  if (kind !== 'NDJSON') {
    const read = kind === 'PARQUET' ? parquetRecords : textRecords
    const format = kind === 'CSV' ? { format: 'csv' as const } : {}
    return {
      records: withName(read(path, { ...options, ...format }, context), path, file),
      shape: () => 'it has no row below the names of its columns',
    }
  }
  for (const option of ['source', 'id'] as const)
    if (options[option] !== undefined)
      throw new FileError(`${file}: --${option} names a column; the file is NDJSON and has none`)
  let first: string | undefined
  return {
    records: named(
      ndjsonRecords(path, (line) => {
        first = line
      }),
      context,
    ),
    shape: () => shapeOf(first),
  }
}

/** Names the file that was given in errors about the copy of a pipe. */
async function* withName(
  records: AsyncIterable<ReadRecord[]>,
  path: string,
  file: string,
): AsyncGenerator<ReadRecord[]> {
  try {
    yield* records
  } catch (e) {
    if (!(e instanceof FileError) || path === file) throw e
    throw new FileError(e.message.replace(path, () => file))
  }
}

/** Names the fields of records as models name them; valid names stay. */
async function* named(
  records: AsyncIterable<ReadRecord[]>,
  { names }: TableContext,
): AsyncGenerator<ReadRecord[]> {
  for await (const some of records)
    yield some.map((read) => {
      if ('problem' in read || names.stay(Object.keys(read.fields))) return read
      const entries = Object.entries(read.fields)
      const fields = names.fieldsOf(entries.map(([name]) => name))
      return { ...read, fields: Object.fromEntries(entries.map(([, v], i) => [fields[i], v])) }
    })
}

/** Returns how a file is read: by its content, and NDJSON by its name too. */
async function kindOf(
  path: string,
  file: string,
): Promise<'NDJSON' | 'CSV' | 'WORKBOOK' | 'PARQUET'> {
  let head = Buffer.alloc(0)
  for await (const chunk of fileBytes(path)) {
    head = Buffer.concat([head, chunk])
    if (head.length >= HEAD_CHARS_MAX) break
  }
  if (isParquet(head)) return 'PARQUET'
  if (isZip(head)) return 'WORKBOOK'
  const text = head.toString('utf8').replace(/^\ufeff/, '')
  if (text.trim() === '' || /\.(?:nd)?jsonl?(?:\.gz)?$/i.test(file)) return 'NDJSON'
  return detectFormat(text, '') === 'csv' ? 'CSV' : 'NDJSON'
}

/** Returns the source of a file's records: its name without endings, or its path if two have it. */
function sourceOf(file: string, files: readonly string[]): string {
  const bare = (path: string) => basename(path).replace(ENDING, '')
  return files.filter((other) => bare(other) === bare(file)).length > 1 ? file : bare(file)
}
