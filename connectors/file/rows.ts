import { stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { copyOfPipe } from './copyOfPipe.ts'
import { checkCsv } from './csv.ts'
import type { Quotes } from './csvRows.ts'
import {
  decodeText,
  detectEncoding,
  type Encoding,
  InvalidBytes,
  locateInvalid,
} from './encoding.ts'
import { fileBytes } from './fileBytes.ts'
import { FileError, withPath } from './fileError.ts'
import type { FileRow } from './fileRow.ts'
import { foreignFormat, isZip } from './foreign.ts'
import { detectFormat, type FileFormat } from './format.ts'
import type { HasId } from './header.ts'
import { jsonElements, lines } from './json.ts'
import type { CheckedTable } from './table.ts'
import { checkWorkbook } from './workbook/checkWorkbook.ts'

export interface FileOptions {
  /** Detected from the content when left out. */
  format?: FileFormat | undefined
  /** CSV: the character between cells; detected from the first rows when left out. */
  delimiter?: string | undefined
  /** CSV: how quotes are read; `check` when left out. */
  quotes?: Quotes | undefined
  /** Excel: the name of the sheet; the only one with a column for the id when left out. */
  sheet?: string | undefined
  /**
   * JSON: the member of the outer object with the rows, where it is not `records`, `data` or
   * `items`.
   */
  at?: string | undefined
  /** The name of the file in errors, where it is a copy; its path when left out. */
  shownAs?: string | undefined
  /** A label of TextDecoder; by default that of the byte order mark, else utf-8. */
  encoding?: string | undefined
}

/** A file that was read to its end once, so that its rows can be read without a surprise. */
export interface OpenedFile {
  /** Name without the folder. */
  name: string
  /** How it is read, for people: `CSV, delimiter ";", utf-8`. */
  description: string
  /** Notices for people: parts that are read in another way than they are written. */
  notices: string[]
  /** Names of the columns of a table; null for JSON, whose rows have names of their own. */
  columns: readonly string[] | null
  rows(): AsyncGenerator<FileRow>
  /** Removes the copy of a pipe. */
  close(): Promise<void>
}

/** Bytes and characters read to detect encoding and format. */
const headBytesMax = 64 * 1024

/**
 * Reads a CSV, JSON or NDJSON file, plain or gzipped, or an Excel workbook (.xlsx) to its end, and
 * returns it with its rows for a second reading. Throws FileError, with line and reason, for a file
 * that is not what it seems: nothing of it has been yielded then. A file that cannot be read twice
 * is copied first.
 */
export async function openFile(
  path: string,
  options: FileOptions = {},
  hasId: HasId | null = null,
): Promise<OpenedFile> {
  const { path: file, close } = await copyOfPipe(path)
  const name = basename(path)
  const shown = options.shownAs ?? path
  try {
    const before = await changeOf(file)
    const checked = await checkFile(file, name, options, hasId)
    const checkUnchanged = async () => {
      if ((await changeOf(file)) !== before)
        throw new FileError('the file was changed while it was read: load it again')
    }
    return {
      ...checked,
      name,
      rows: () =>
        named(shown, async function* () {
          await checkUnchanged()
          yield* checked.rows()
          await checkUnchanged()
        }),
      close,
    }
  } catch (e) {
    await close()
    throw withPath(shown, e)
  }
}

/** Yields the rows of a file that `openFile` has checked. */
export async function* fileRows(path: string, options: FileOptions = {}): AsyncGenerator<FileRow> {
  const file = await openFile(path, options)
  try {
    yield* file.rows()
  } finally {
    await file.close()
  }
}

async function checkFile(
  path: string,
  name: string,
  options: FileOptions,
  hasId: HasId | null,
): Promise<CheckedTable> {
  const bytes = await firstBytes(path)
  const foreign = foreignFormat(bytes)
  if (foreign) throw new FileError(`the file is ${foreign}`)
  if (isZip(bytes)) return await checkWorkbook(path, options, hasId)
  const encoding = detectEncoding(bytes, options.encoding)
  const open = () => text(path, encoding)
  const head = await firstText(open())
  const format = options.format ?? detectFormat(head.text, name)
  const checked =
    format === 'csv'
      ? await checkCsv(open, head, options, hasId)
      : await checkRows(format === 'ndjson' ? 'NDJSON' : 'JSON', () =>
          format === 'ndjson' ? lines(open()) : jsonElements(open(), options.at ?? null),
        )
  return {
    ...checked,
    description: `${checked.description}, ${encoding.label}${HOW[encoding.because]}`,
  }
}

const HOW: Record<Encoding['because'], string> = {
  GIVEN: ' as given',
  MARK: ' by its byte order mark',
  NUL_BYTES: ' by its NUL bytes, without byte order mark',
  DEFAULT: '',
}

/** Reads all rows once, for the errors of the file. */
async function checkRows(
  description: string,
  rows: () => AsyncGenerator<FileRow>,
): Promise<CheckedTable> {
  for await (const _ of rows());
  return { description, notices: [], columns: null, rows }
}

async function* text(path: string, encoding: Encoding): AsyncGenerator<string> {
  try {
    yield* decodeText(fileBytes(path), encoding)
  } catch (e) {
    if (!(e instanceof InvalidBytes)) throw e
    throw new FileError(await locateInvalid(() => fileBytes(path), encoding))
  }
}

async function firstBytes(path: string): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of fileBytes(path)) {
    chunks.push(chunk)
    length += chunk.length
    if (length >= headBytesMax) break
  }
  return Buffer.concat(chunks).subarray(0, headBytesMax)
}

async function firstText(
  chunks: AsyncIterable<string>,
): Promise<{ text: string; complete: boolean }> {
  let text = ''
  for await (const chunk of chunks) {
    text += chunk
    if (text.length > headBytesMax) return { text: text.slice(0, headBytesMax), complete: false }
  }
  return { text, complete: true }
}

async function changeOf(path: string): Promise<string> {
  const { size, mtimeMs } = await stat(path)
  return `${size} ${mtimeMs}`
}

async function* named(path: string, rows: () => AsyncGenerator<FileRow>): AsyncGenerator<FileRow> {
  try {
    yield* rows()
  } catch (e) {
    throw withPath(path, e)
  }
}
