import { StringDecoder } from 'node:string_decoder'
import { fileBytes } from '../../../connectors/file/fileBytes.ts'

/**
 * Yields the lines of a file, plain or gzipped, many at a time, and null for one of more than
 * `charsMax` characters, which is not kept in memory. Only a line feed ends a line. The module readline was
 * tried: it also ends one at U+2028 and U+2029, which a text in JSON may contain.
 */
export async function* fileLines(
  file: string,
  charsMax: number,
): AsyncGenerator<(string | null)[]> {
  let line = ''
  let isTooLong = false
  const end = () => {
    const ended = isTooLong ? null : line
    line = ''
    isTooLong = false
    return ended
  }
  const add = (part: string) => {
    line += part
    if (line.length <= charsMax) return
    isTooLong = true
    line = ''
  }
  const decoder = new StringDecoder('utf8')
  for await (const chunk of fileBytes(file)) {
    const [first = '', ...others] = decoder.write(chunk).split('\n')
    add(first)
    const lines: (string | null)[] = []
    for (const part of others) {
      lines.push(end())
      add(part)
    }
    if (lines.length > 0) yield lines
  }
  add(decoder.end())
  if (line !== '' || isTooLong) yield [end()]
}
