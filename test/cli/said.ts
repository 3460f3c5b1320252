import { mock } from 'node:test'
import { type Command, CommanderError } from 'commander'

/**
 * What a command says, and its exit code. It runs in this process, one at a time: a start of its own would take most of the
 * time, and others test that.
 */
export async function said(command: Command, args: string[]): Promise<{ code: number; text: string }> {
  const lines: string[] = []
  const note = (text: string) => lines.push(text) > 0
  const mocks = [
    mock.method(console, 'log', (line: string) => note(`${line}\n`)),
    mock.method(console, 'error', (line: string) => note(`${line}\n`)),
    mock.method(process.stderr, 'write', note),
  ]
  for (const one of [command, ...command.commands]) one.exitOverride()
  const before = process.exitCode
  process.exitCode = 0
  try {
    await command.parseAsync(args, { from: 'user' })
    return { code: Number(process.exitCode), text: lines.join('') }
  } catch (e) {
    if (!(e instanceof CommanderError)) note(e instanceof Error ? e.message : String(e))
    return { code: 1, text: lines.join('') }
  } finally {
    process.exitCode = before
    for (const m of mocks) m.mock.restore()
  }
}
