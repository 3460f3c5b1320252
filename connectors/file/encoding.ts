import { FileError } from './fileError.ts'

export interface Encoding {
  /** A label of TextDecoder. */
  label: string
  /** The sign that the file has this encoding. */
  because: 'GIVEN' | 'MARK' | 'NUL_BYTES' | 'DEFAULT'
}

/** The fewest NUL bytes that show UTF-16: one in twenty of its units. */
const zerosPerUnitMin = 0.05
/** ISO-2022-JP, -KR and -CN switch their character sets with these; their bytes are valid UTF-8. */
const SHIFTS = ['$@', '$B', '$A', '$(', '$)', '$*', '(J', '(I'].map((end) => `\x1b${end}`)

/**
 * Returns the encoding of a file by its byte order mark, else the one given, else UTF-16 where
 * every second byte is NUL, else UTF-8. Throws FileError for an unknown label and for an encoding
 * that cannot be read.
 */
export function detectEncoding(head: Buffer, given: string | undefined): Encoding {
  const mark = head.toString('latin1', 0, 4)
  if (mark === '\xff\xfe\0\0' || mark === '\0\0\xfe\xff')
    throw new FileError('the encoding is UTF-32, which is not read: convert the file to UTF-8')
  if (mark.startsWith('\xef\xbb\xbf')) return { label: 'utf-8', because: 'MARK' }
  if (mark.startsWith('\xff\xfe')) return { label: 'utf-16le', because: 'MARK' }
  if (mark.startsWith('\xfe\xff')) return { label: 'utf-16be', because: 'MARK' }
  if (given !== undefined) return { label: knownLabel(given), because: 'GIVEN' }
  const wide = wideEncoding(head)
  if (wide) return { label: wide, because: 'NUL_BYTES' }
  const text = head.toString('latin1')
  if (SHIFTS.some((shift) => text.includes(shift)))
    throw new FileError(
      'the encoding is of the ISO-2022 family, not UTF-8: name it with --encoding, for example iso-2022-jp',
    )
  return { label: 'utf-8', because: 'DEFAULT' }
}

function knownLabel(label: string): string {
  try {
    return new TextDecoder(label).encoding
  } catch (e) {
    if (!(e instanceof RangeError)) throw e
    throw new FileError(
      `the encoding "${label}" is not known; write a name such as windows-1252, utf-16le or shift_jis`,
    )
  }
}

/** Latin letters, delimiters and line ends have a NUL byte in UTF-16, always on the same side. */
function wideEncoding(head: Buffer): 'utf-16le' | 'utf-16be' | null {
  const zeros = [0, 0]
  for (let i = 0; i < head.length; i++) if (head[i] === 0) zeros[i % 2] = (zeros[i % 2] ?? 0) + 1
  const [even = 0, odd = 0] = zeros
  const enough = (head.length / 2) * zerosPerUnitMin
  if (odd >= enough && odd > 0 && even * 10 <= odd) return 'utf-16le'
  if (even >= enough && even > 0 && odd * 10 <= even) return 'utf-16be'
  return null
}

/**
 * Yields the text of the bytes. Throws InvalidBytes where they are not of the encoding: what cannot
 * be decoded is lost once it is replaced.
 */
export async function* decodeText(
  source: AsyncIterable<Buffer>,
  encoding: Encoding,
): AsyncGenerator<string> {
  const decoder = new TextDecoder(encoding.label, { fatal: true })
  try {
    for await (const chunk of source) yield decoder.decode(chunk, { stream: true })
    const rest = decoder.decode()
    if (rest) yield rest
  } catch (e) {
    if (!isDecodeError(e)) throw e
    throw new InvalidBytes()
  }
}

/** Thrown by `decodeText`; `locateInvalid` finds the line. */
export class InvalidBytes extends Error {
  override name = 'InvalidBytes'
}

function isDecodeError(e: unknown): boolean {
  return e instanceof TypeError && 'code' in e && e.code === 'ERR_ENCODING_INVALID_ENCODED_DATA'
}

/** Bytes decoded at a time where the invalid ones are searched. */
const sliceBytes = 64

/** Returns the message for the first bytes that are not of the encoding, with their line. */
export async function locateInvalid(
  open: () => AsyncIterable<Buffer>,
  encoding: Encoding,
): Promise<string> {
  const invalid = await invalidChunk(open(), encoding)
  const strict = new TextDecoder(encoding.label, { fatal: true })
  const lenient = new TextDecoder(encoding.label)
  const seen = { feeds: 0, returns: 0 }
  const line = () => 1 + (seen.feeds || seen.returns)
  let at = 0
  for await (const chunk of open()) {
    const step = at++ === invalid ? sliceBytes : chunk.length
    for (let i = 0; i < chunk.length; i += step) {
      const slice = chunk.subarray(i, i + step)
      const text = lenient.decode(slice, { stream: true })
      if (decodes(strict, slice)) {
        countLineEnds(text, seen)
        continue
      }
      countLineEnds(text.split('\ufffd', 1)[0] ?? '', seen)
      return `line ${line()}: ${describeInvalid(slice, encoding)}`
    }
  }
  return `line ${line()}: the file ends inside a character of ${encoding.label}: it is incomplete`
}

/** Returns the number of the first chunk with invalid bytes; -1 where only the end is missing. */
async function invalidChunk(source: AsyncIterable<Buffer>, encoding: Encoding): Promise<number> {
  const strict = new TextDecoder(encoding.label, { fatal: true })
  let at = 0
  for await (const chunk of source) {
    if (!decodes(strict, chunk)) return at
    at++
  }
  return -1
}

function decodes(decoder: TextDecoder, bytes: Buffer): boolean {
  try {
    decoder.decode(bytes, { stream: true })
    return true
  } catch (e) {
    if (!isDecodeError(e)) throw e
    return false
  }
}

function countLineEnds(text: string, seen: { feeds: number; returns: number }): void {
  seen.feeds += text.split('\n').length - 1
  seen.returns += text.split('\r').length - 1
}

function describeInvalid(slice: Buffer, { label, because }: Encoding): string {
  if (because === 'GIVEN') return `the bytes are not of the encoding ${label} that was given`
  if (label !== 'utf-8') return `the bytes are not ${label}, as the beginning of the file is`
  const western = new TextDecoder('windows-1252').decode(slice)
  const word = /\S*[\x80-\uffff]\S*/.exec(western)?.[0].slice(0, 40)
  const example = word ? ` (there the text would be "${word}")` : ''
  return `the encoding is not UTF-8. Name it with --encoding, for example windows-1252${example}, windows-1250 or macintosh`
}
