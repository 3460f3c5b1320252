import { createReadStream } from 'node:fs'
import { STANDARD_INPUT } from '../../../mdm/audit/verifyHeads.ts'

/** Characters of a line; more than any line that is written here. */
const lineCharsMax = 1_048_576

/**
 * Reads lines of files one after the other; "-" is the standard input. `at` is file:line. Holds one
 * chunk and one line. Throws if a file cannot be read or a line is too long.
 */
export async function* readLines(
  files: readonly string[],
): AsyncGenerator<{ at: string; text: string }> {
  for (const file of files) {
    const name = file === '-' ? STANDARD_INPUT : file
    const input = file === '-' ? process.stdin : createReadStream(file)
    input.setEncoding('utf8')
    let number = 0
    let rest = ''
    for await (const chunk of input) {
      const lines = (rest + String(chunk)).split('\n')
      rest = lines.pop() ?? ''
      for (const text of lines) yield { at: `${name}:${++number}`, text }
      if (rest.length > lineCharsMax)
        throw new Error(`${name}:${number + 1} is longer than ${lineCharsMax} characters`)
    }
    if (rest !== '') yield { at: `${name}:${++number}`, text: rest }
  }
}
