import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib'
import {
  asyncBufferFromFile,
  type Compressors,
  parquetMetadataAsync,
  parquetRead,
  snappyUncompress,
} from 'hyparquet'
import { createDictionary, type Dictionary } from '../../../schema/kit/dictionary.ts'
import { count, counted } from '../../../schema/kit/numberText.ts'
import { FileError } from '../fileError.ts'
import { type ParquetNode, readColumns } from './parquetSchema.ts'
import { PARSERS, type ParquetValue, plainValue, UnreadableValue } from './parquetValue.ts'

/** One row of a Parquet file; `at` is its number, from 1. Columns without a value are absent. */
export interface ParquetRow {
  at: number
  values: Dictionary<ParquetValue>
}

export interface ParquetFile {
  /** The columns that can be read; a structure has members. */
  columns: { name: string; isStructure: boolean }[]
  rows: number
  /** Columns that cannot be read, for people. */
  notices: string[]
  /**
   * Yields the rows with the values of these columns. `leftOut` has afterwards the number of values
   * that could not be read, by column and reason.
   */
  read(columns: readonly string[], leftOut: Map<string, number>): AsyncGenerator<ParquetRow>
}

/** Decoded bytes of the columns of one row group; beyond it they fill the memory. */
const groupBytesMax = 2 ** 31
/** Bytes of one page after it is unpacked; writers use about one megabyte. */
const pageBytesMax = 2 ** 29
const columnsMax = 16_384

const MAGIC = 'PAR1'

/** Returns whether the bytes begin a Parquet file. */
export function isParquet(head: Buffer): boolean {
  return head.toString('latin1', 0, MAGIC.length) === MAGIC
}

/**
 * Opens a Parquet file. Throws FileError for one that is damaged, encrypted, packed in a way that
 * is not read or larger than the bounds.
 */
export async function openParquet(path: string, rowsMax: number): Promise<ParquetFile> {
  const { columns, leftOut, metadata, file } = await readable(path, async () => {
    const file = await asyncBufferFromFile(path)
    const given = await parquetMetadataAsync(file, { parsers: PARSERS, geoparquet: false })
    return { ...readColumns(given), file }
  })
  const rows = Number(metadata.num_rows)
  if (!(rows <= rowsMax))
    throw new FileError(
      `${path}: ${counted(rows, 'row')}; one run takes at most ${count(rowsMax)}: split them by country or region`,
    )
  const groups = metadata.row_groups.map((group) => Number(group.num_rows))
  if (groups.some((n) => !(n >= 0)) || groups.reduce((x, y) => x + y, 0) !== rows)
    throw new FileError(
      `${path}: its row groups do not have the ${counted(rows, 'row')} that it states`,
    )
  checkNames(path, [...columns.map((c) => c.name), ...leftOut.map((c) => c.name)])
  return {
    columns: columns.map((c) => ({ name: c.name, isStructure: isStructure(c) })),
    rows,
    notices: leftOut.map(({ name, reason }) => `column "${name}" is not read: ${reason}`),
    async *read(names, unread) {
      const wanted = columns.filter((c) => names.includes(c.name))
      if (wanted.length === 0) return
      let start = 0
      for (const [index, count] of groups.entries()) {
        checkSize(path, index + 1, metadata.row_groups[index]?.columns ?? [], wanted)
        const table = await readable(path, () =>
          readRows({
            file,
            metadata,
            columns: wanted.map((c) => c.name),
            rowStart: start,
            rowEnd: start + count,
          }),
        )
        for (const [i, cells] of table.entries())
          yield { at: start + i + 1, values: rowOf(cells, wanted, unread) }
        start += count
      }
    },
  }
}

function isStructure({ kind, children }: ParquetNode): boolean {
  return kind === 'STRUCTURE' || (kind === 'LIST' && children.some(isStructure))
}

async function readRows(
  range: Pick<
    Parameters<typeof parquetRead>[0],
    'file' | 'metadata' | 'columns' | 'rowStart' | 'rowEnd'
  >,
): Promise<unknown[][]> {
  let rows: unknown[][] = []
  await parquetRead({
    ...range,
    // Rows as lists: as objects a column named __proto__ would set their prototype.
    rowFormat: 'array',
    parsers: PARSERS,
    compressors: COMPRESSORS,
    onComplete: (read) => {
      rows = read as unknown[][]
    },
  })
  return rows
}

function rowOf(
  cells: readonly unknown[],
  columns: readonly ParquetNode[],
  unread: Map<string, number>,
): Dictionary<ParquetValue> {
  const values = createDictionary<ParquetValue>()
  for (const [i, column] of columns.entries()) {
    const value = plainValue(cells[i], column)
    if (value instanceof UnreadableValue) {
      const key = `column "${column.name}": ${value.reason}`
      unread.set(key, (unread.get(key) ?? 0) + 1)
    } else if (value !== null) values[column.name] = value
  }
  return values
}

function checkNames(path: string, names: readonly string[]): void {
  if (names.length > columnsMax)
    throw new FileError(
      `${path}: ${counted(names.length, 'column')}; at most ${count(columnsMax)} are read`,
    )
  const seen = new Set<string>()
  for (const name of names) {
    if (seen.has(name)) throw new FileError(`${path}: two columns are named "${name}"`)
    seen.add(name)
  }
}

function checkSize(
  path: string,
  group: number,
  chunks: readonly { meta_data?: { path_in_schema: string[]; total_uncompressed_size: bigint } }[],
  wanted: readonly ParquetNode[],
): void {
  const names = new Set(wanted.map((c) => c.name))
  let bytes = 0
  for (const { meta_data: chunk } of chunks)
    if (chunk && names.has(chunk.path_in_schema[0] ?? ''))
      bytes += Number(chunk.total_uncompressed_size)
  if (bytes > groupBytesMax)
    throw new FileError(
      `${path}: row group ${group} has ${counted(bytes, 'byte')} in the columns that are read, more than ${count(groupBytesMax)}; write the file with smaller row groups`,
    )
}

/** Node's own, with a bound: a page states how long it is, and a packed one may be much longer. */
const COMPRESSORS: Compressors = {
  SNAPPY: (input, length) => {
    const page = new Uint8Array(pageLength(length))
    snappyUncompress(input, page)
    return page
  },
  GZIP: (input, length) => gunzipSync(input, { maxOutputLength: pageLength(length) }),
  BROTLI: (input, length) => brotliDecompressSync(input, { maxOutputLength: pageLength(length) }),
  ZSTD: (input, length) => zstdDecompressSync(input, { maxOutputLength: pageLength(length) }),
  ...refused('LZ4', 'LZ4_RAW'),
}

function refused(...codecs: readonly (keyof Compressors)[]): Compressors {
  const refuse = (codec: string) => () => {
    throw new FileError(`it is packed with ${codec}; write it with SNAPPY, ZSTD, GZIP or BROTLI`)
  }
  return Object.fromEntries(codecs.map((codec) => [codec, refuse(codec)]))
}

function pageLength(bytes: number): number {
  if (!(bytes >= 0 && bytes <= pageBytesMax))
    throw new FileError(`a page has ${counted(bytes, 'byte')}, more than ${count(pageBytesMax)}`)
  // zlib takes no bound of 0.
  return Math.max(1, bytes)
}

/** Runs work of the library. Its errors are of all kinds and say what is wrong with the file. */
async function readable<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (e) {
    const reason = e instanceof Error ? e.message : String(e)
    throw new FileError(`${path}: the Parquet file cannot be read: ${reason}`)
  }
}
