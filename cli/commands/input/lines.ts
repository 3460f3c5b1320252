import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'

/** Reads lines of files one after the other; "-" is the standard input. `at` is file:line. */
export async function* readLines(
  files: readonly string[],
): AsyncGenerator<{ at: string; text: string }> {
  for (const file of files) {
    const input = file === '-' ? process.stdin : createReadStream(file)
    let number = 0
    // The interface does not pass an error of its input on.
    const failed = new Promise<never>((_, reject) => input.once('error', reject))
    failed.catch(() => {})
    const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })[
      Symbol.asyncIterator
    ]()
    for (;;) {
      const next = await Promise.race([lines.next(), failed])
      if (next.done) break
      number++
      yield { at: `${file === '-' ? 'standard input' : file}:${number}`, text: next.value }
    }
  }
}
