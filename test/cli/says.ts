import { mock } from 'node:test'
import type { Command } from 'commander'

/** What a command says. It runs in this process: a start of its own would take most of the time, and others test that. */
export async function says(command: Command, ...args: string[]): Promise<string> {
  const said: string[] = []
  const note = (text: string) => said.push(text) > 0
  const line = (text: string) => note(`${text}\n`)
  const mocks = [
    mock.method(console, 'log', line),
    mock.method(console, 'error', line),
    mock.method(process.stderr, 'write', note),
  ]
  try {
    await command.parseAsync(args, { from: 'user' })
  } finally {
    for (const m of mocks) m.mock.restore()
  }
  return said.join('')
}
