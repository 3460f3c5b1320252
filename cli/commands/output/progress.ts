import { visibleText } from '../../../schema/kit/visibleText.ts'

/**
 * Shows the progress of a long command: in place on a terminal, otherwise as an occasional line.
 */
export interface Progress {
  show(text: string): void
  /** Prints a line that stays. */
  line(text: string): void
  end(): void
}

const plainEveryMs = 5_000

export function createProgress(stream: NodeJS.WriteStream = process.stderr): Progress {
  let shown = false
  let lastAt = Date.now()
  const clear = () => {
    if (shown) stream.write('\r\u001b[K')
    shown = false
  }
  return {
    show(progress) {
      const text = visibleText(progress)
      if (stream.isTTY) {
        stream.write(`\r\u001b[K${text.slice(0, Math.max(20, (stream.columns ?? 80) - 1))}`)
        shown = true
      } else if (Date.now() - lastAt >= plainEveryMs) {
        stream.write(`${text}\n`)
        lastAt = Date.now()
      }
    },
    line(text) {
      clear()
      stream.write(`${visibleText(text)}\n`)
    },
    end: clear,
  }
}
