import { createInterface } from 'node:readline/promises'
import { type Readable, Writable } from 'node:stream'
import { visibleText } from '../../../schema/kit/visibleText.ts'
import { printError } from '../../terminal/print.ts'

/** Questions to a person. */
export interface Dialog {
  say(...lines: string[]): void
  /** Returns the next line of the input without spaces around it. Throws InputEnded. */
  ask(question: string): Promise<string>
  /** As `ask`; a terminal does not show what is typed. For secrets, and what may become one. */
  askHidden(question: string): Promise<string>
  close(): void
}

/** The input ended before a question was answered. */
export class InputEnded extends Error {
  override name = 'InputEnded'
}

/** Shows what is typed, unless it is hidden. The terminal itself shows nothing: readline does. */
class Screen extends Writable {
  isHidden = false
  readonly #terminal = [process.stderr, process.stdout].find((stream) => stream.isTTY)

  get columns(): number | undefined {
    return this.#terminal?.columns
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    if (!this.isHidden) this.#terminal?.write(chunk)
    done()
  }
}

/** Asks on the standard error, and reads answers from a terminal, a file or a pipe. */
export function openDialog(input: Readable = process.stdin): Dialog {
  const isTerminal = input === process.stdin && process.stdin.isTTY
  const output = new Screen()
  // An earlier answer that the key Up brings back may be a secret.
  const terminal = createInterface({ input, output, terminal: isTerminal, historySize: 0 })
  // Ctrl-C on a terminal that is read line by line is no signal.
  terminal.on('SIGINT', () => {
    printError('', 'stopped')
    process.exit(130)
  })
  // From the begin on: lines of a pipe that arrive between two questions would be lost.
  const lines = terminal[Symbol.asyncIterator]()
  const ask = async (question: string, isHidden: boolean) => {
    if (isTerminal) {
      terminal.setPrompt(`${visibleText(question)} `)
      terminal.prompt()
    } else printError(question)
    output.isHidden = isHidden
    const { value, done } = await lines.next()
    output.isHidden = false
    // The line feed was hidden too.
    if (isTerminal && isHidden) output.write('\n')
    if (done) throw new InputEnded('the input ended before the last question')
    return String(value).trim()
  }
  return {
    say: (...text) => {
      if (text.length > 0) printError(...text)
    },
    ask: (question) => ask(question, false),
    askHidden: (question) => ask(question, true),
    close: () => terminal.close(),
  }
}

/** Asks until an answer fits. */
export async function askUntil<T>(
  dialog: Dialog,
  question: string,
  read: (answer: string) => { value: T } | { problem: string },
): Promise<T> {
  for (;;) {
    const result = read(await dialog.ask(question))
    if ('value' in result) return result.value
    dialog.say(`  ${result.problem}`)
  }
}

/** Returns true for yes; no is the default. */
export async function askYes(dialog: Dialog, question: string): Promise<boolean> {
  return /^y(es)?$/i.test(await dialog.ask(`${question} [y/N]`))
}
