import { closeSync, existsSync, openSync, readFileSync, truncateSync, writeSync } from 'node:fs'

/**
 * A file of JSON lines that survives kill -9 of its writer: each line reaches the kernel before the
 * next step.
 */
export class Notes {
  readonly #fd: number

  /** Continues an existing file. The partial line of a killed process is cut off. */
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
  // The text after the last line end is a partial line or empty.
  return lines.slice(0, -1).map((line) => JSON.parse(line))
}
