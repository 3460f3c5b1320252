import { bounds } from '../bounds.ts'
import { FileError } from './fileError.ts'

/** A line of a file without its end, and that end; it is empty for the last line. */
export interface TextLine {
  text: string
  end: '\n' | '\r\n' | '\r' | ''
}

/**
 * Yields the lines of a text, many at a time. A line ends at a line feed, a carriage return or
 * both: files that were joined have several kinds. Throws FileError for a line longer than a
 * message may be.
 */
export async function* textLines(text: AsyncIterable<string>): AsyncGenerator<TextLine[]> {
  let rest = ''
  let count = 0
  for await (const chunk of text) {
    const { lines, left } = splitLines(rest + chunk, false)
    rest = left
    count += lines.length
    if (rest.length > bounds.messageCharsMax)
      throw new FileError(`line ${count + 1} has more than ${bounds.messageCharsMax} characters`)
    if (lines.length > 0) yield lines
  }
  const { lines } = splitLines(rest, true)
  if (lines.length > 0) yield lines
}

/** Splits a text into its lines; `left` is what may go on after the text, unless it is the end. */
export function splitLines(text: string, atEnd: boolean): { lines: TextLine[]; left: string } {
  const lines: TextLine[] = []
  let from = 0
  let feed = text.indexOf('\n')
  let back = text.indexOf('\r')
  for (;;) {
    if (back >= 0 && (feed < 0 || back < feed)) {
      // A carriage return at the end may be half of a line end.
      if (back === text.length - 1 && !atEnd) break
      const both = feed === back + 1
      lines.push({ text: text.slice(from, back), end: both ? '\r\n' : '\r' })
      from = back + (both ? 2 : 1)
    } else if (feed >= 0) {
      lines.push({ text: text.slice(from, feed), end: '\n' })
      from = feed + 1
    } else break
    if (feed >= 0 && feed < from) feed = text.indexOf('\n', from)
    if (back >= 0 && back < from) back = text.indexOf('\r', from)
  }
  if (!atEnd) return { lines, left: text.slice(from) }
  if (from < text.length) lines.push({ text: text.slice(from), end: '' })
  return { lines, left: '' }
}
