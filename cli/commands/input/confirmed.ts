import { createInterface } from 'node:readline/promises'
import { visibleText } from '../../../schema/kit/visibleText.ts'
import { printError } from '../../terminal/print.ts'

/**
 * Asks on the terminal and returns true for yes. Without a terminal nothing is asked: the answer is
 * no, and the error output names --yes.
 */
export async function confirmed(question: string): Promise<boolean> {
  if (!process.stdin.isTTY) {
    printError(`${question} Not done: there is no terminal to ask on; confirm with --yes`)
    return false
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  try {
    const answer = await terminal.question(`${visibleText(question)} [y/N] `)
    if (/^y(es)?$/i.test(answer.trim())) return true
    printError('Not done.')
    return false
  } finally {
    terminal.close()
  }
}
