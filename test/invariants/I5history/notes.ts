import { closeSync, existsSync, openSync, readFileSync, truncateSync, writeSync } from 'node:fs'

/**
 * A file of JSON lines that outlives kill -9 of its writer: each line is in the kernel's hands
 * before the next step.
 */
export class Notes {
  readonly #fd: number

  /** Goes on in the file that is there; half a line that a killed process left is cut off. */
  constructor(path: string) {
    if (existsSync(path)) {
      const text = readFileSync(path)
      truncateSync(path, text.lastIndexOf(10) + 1)
    }
    this.#fd = openSync(path, 'a')
  }

  add(note: unknown): void {
    writeSync(this.#fd, `${JSON.stringify(note)}\n`)
  }

  close(): void {
    closeSync(this.#fd)
  }
}

export function readNotes<T>(path: string): T[] {
  if (!existsSync(path)) return []
  const lines = readFileSync(path, 'utf8').split('\n')
  // What follows the last line end is half a line, or nothing.
  return lines.slice(0, -1).map((line) => JSON.parse(line))
}
