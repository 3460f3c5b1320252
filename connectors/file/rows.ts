import { createReadStream } from 'node:fs'
import { extname } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { csvRows, detectDialect } from './csv.ts'
import type { FileRow } from './fileRow.ts'
import { jsonElements, lines } from './json.ts'

export type FileFormat = 'csv' | 'json' | 'ndjson'

export interface FileOptions {
  /** Detected from the content when left out. */
  format?: FileFormat | undefined
  /** CSV: the character between cells; detected from the header line when left out. */
  delimiter?: string | undefined
  /**
   * JSON: the member of the outer object with the rows, where it is not `records`, `data` or
   * `items`.
   */
  at?: string | undefined
  /** A label of TextDecoder; by default that of the byte order mark, else utf-8. */
  encoding?: string | undefined
}

/** Thrown for a file that cannot be read further; the rows before that point have been yielded. */
export class FileError extends Error {
  override name = 'FileError'
}

/** Characters read to detect the format. */
const sniffedCharsMax = 64 * 1024

/**
 * Yields the rows of a CSV, JSON or NDJSON file, plain or gzipped, in constant memory; it reads on
 * only as rows are taken. A malformed row is yielded as it is, so that it can become an exception.
 * Throws FileError for a file that cannot be read or ends inside a value.
 */
export async function* fileRows(path: string, options: FileOptions = {}): AsyncGenerator<FileRow> {
  const chunks = textChunks(bytes(path), options.encoding)[Symbol.asyncIterator]()
  let head = ''
  for (;;) {
    const next = await chunks.next()
    if (next.done) break
    head += next.value
    if (head.length >= sniffedCharsMax) break
  }
  const text = rejoin(head, chunks)
  const format = options.format ?? detectFormat(head, path)
  try {
    if (format === 'csv') yield* csvRows(text, detectDialect(head, options.delimiter))
    else if (format === 'ndjson') yield* lines(text)
    else yield* jsonElements(text, options.at ?? null)
  } catch (e) {
    throw e instanceof FileError
      ? e
      : new FileError(`${path}: ${e instanceof Error ? e.message : String(e)}`)
  }
}

/**
 * Returns NDJSON by the file name, or when the first line is a whole object and another one
 * follows; else JSON or CSV by the first character.
 */
function detectFormat(head: string, path: string): FileFormat {
  const name = path.replace(/\.gz$/i, '')
  if (['.ndjson', '.jsonl'].includes(extname(name).toLowerCase())) return 'ndjson'
  const text = head.trimStart()
  if (!text.startsWith('{') && !text.startsWith('[')) return 'csv'
  const end = text.indexOf('\n')
  if (
    text.startsWith('{') &&
    end > 0 &&
    text.slice(end).trimStart().startsWith('{') &&
    isJson(text.slice(0, end))
  )
    return 'ndjson'
  return 'json'
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** Yields the file's bytes, unpacked where they begin with the signature of gzip. */
async function* bytes(path: string): AsyncGenerator<Buffer> {
  const file = createReadStream(path, { highWaterMark: 256 * 1024 })
  try {
    const iterator = file[Symbol.asyncIterator]() as AsyncIterator<Buffer>
    const first = await iterator.next()
    if (first.done) return
    const rest = rejoin(first.value, iterator)
    yield* first.value[0] === 0x1f && first.value[1] === 0x8b ? gunzip(rest) : rest
  } catch (e) {
    throw e instanceof FileError
      ? e
      : new FileError(`${path}: ${e instanceof Error ? e.message : String(e)}`)
  } finally {
    file.destroy()
  }
}

async function* gunzip(packed: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const unpacked = createGunzip()
  // An error at either end destroys `unpacked`, so the loop below throws it; here it only must not
  // go unhandled.
  pipeline(Readable.from(packed), unpacked).catch(() => {})
  try {
    yield* unpacked as AsyncIterable<Buffer>
  } finally {
    unpacked.destroy()
  }
}

/** Invalid bytes become U+FFFD, which the mapping reports as an issue of the value. */
async function* textChunks(
  source: AsyncIterable<Buffer>,
  encoding: string | undefined,
): AsyncGenerator<string> {
  let decoder: TextDecoder | null = null
  for await (const chunk of source) {
    decoder ??= new TextDecoder(encoding ?? encodingOf(chunk))
    yield decoder.decode(chunk, { stream: true })
  }
  const rest = decoder?.decode()
  if (rest) yield rest
}

function encodingOf(chunk: Buffer): string {
  if (chunk[0] === 0xff && chunk[1] === 0xfe) return 'utf-16le'
  return chunk[0] === 0xfe && chunk[1] === 0xff ? 'utf-16be' : 'utf-8'
}

async function* rejoin<T>(first: T, rest: AsyncIterator<T>): AsyncGenerator<T> {
  try {
    yield first
    for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value
  } finally {
    await rest.return?.()
  }
}
