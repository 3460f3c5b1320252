import type { IncomingMessage } from 'node:http'
import { promisify } from 'node:util'
import { brotliDecompress, constants, gunzip, inflate, zstdDecompress } from 'node:zlib'
import { HttpError } from '../httpError.ts'
import { bodyTooLarge, readBody } from './body.ts'
import type { BodyMemory } from './bodyMemory.ts'

type Decompress = (body: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>

const unzstd = promisify(zstdDecompress)
/** The largest window of the coding zstd, as a power of 2 (RFC 9659): 8 MB of memory. */
const zstdParameters = { [constants.ZSTD_d_windowLogMax]: 23 }

/** Content codings of a body (RFC 9110 §8.4.1), by name. */
const DECODERS: ReadonlyMap<string, Decompress> = new Map<string, Decompress>([
  ['gzip', promisify(gunzip)],
  ['x-gzip', promisify(gunzip)],
  ['deflate', promisify(inflate)],
  ['br', promisify(brotliDecompress)],
  ['zstd', (body, options) => unzstd(body, { ...options, params: zstdParameters })],
])
const CHARSETS = new Set(['utf-8', 'utf8', 'us-ascii'])
/** Skips a byte order mark, which JSON does not have but several programs write. */
const utf8 = new TextDecoder('utf-8', { fatal: true })

/**
 * Reads a body as text: decompressed and decoded from UTF-8. `bytesMax` bounds the body as sent and
 * as decompressed. Throws HttpError 413 if it is larger, 415 if its coding or charset is not
 * supported, 400 if it is damaged.
 */
export async function readBodyText(
  req: IncomingMessage,
  bytesMax: number,
  memory?: BodyMemory,
): Promise<{ text: string; bytes: number }> {
  const decompress = decoderOf(req.headers['content-encoding'])
  requireUtf8(req.headers['content-type'])
  const sent = await readBody(req, bytesMax, memory)
  const body = decompress ? await decompressed(decompress, sent, bytesMax) : sent
  return { text: decodeUtf8(body, 'The body'), bytes: body.length }
}

/** Decodes UTF-8. Throws HttpError 400 if it is not: a replaced character would change values. */
export function decodeUtf8(bytes: Uint8Array, what: string): string {
  try {
    return utf8.decode(bytes)
  } catch {
    throw new HttpError(400, 'NOT_UTF8', `${what} is not UTF-8`)
  }
}

function decoderOf(header: string | undefined): Decompress | null {
  const codings = (header ?? '')
    .split(',')
    .map((c) => c.trim().toLowerCase())
    .filter((c) => c !== '' && c !== 'identity')
  if (codings.length === 0) return null
  const decoder = codings.length === 1 ? DECODERS.get(codings[0] as string) : undefined
  if (decoder) return decoder
  throw new HttpError(
    415,
    'UNSUPPORTED_ENCODING',
    `Send the body as it is, or with one Content-Encoding of ${acceptedEncodings}`,
  )
}

/** For Accept-Encoding of a 415 (RFC 9110 §12.5.3). */
export const acceptedEncodings = 'gzip, deflate, br, zstd'

async function decompressed(
  decompress: Decompress,
  sent: Buffer,
  bytesMax: number,
): Promise<Buffer> {
  try {
    // The bound ends the work as soon as the output exceeds it, so a small body cannot fill memory.
    return await decompress(sent, { maxOutputLength: bytesMax })
  } catch (e) {
    if (e instanceof Error && 'code' in e && e.code === 'ERR_BUFFER_TOO_LARGE')
      throw bodyTooLarge(bytesMax)
    throw new HttpError(400, 'BAD_ENCODING', 'The body does not match its Content-Encoding')
  }
}

function requireUtf8(contentType: string | undefined): void {
  const charset = /;\s*charset\s*=\s*"?([^;"\s]*)/i.exec(contentType ?? '')?.[1]
  if (charset === undefined || CHARSETS.has(charset.toLowerCase())) return
  throw new HttpError(415, 'UNSUPPORTED_CHARSET', 'Send JSON in UTF-8, as RFC 8259 requires')
}
