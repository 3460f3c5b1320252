import { mock } from 'node:test'
import { type Command, CommanderError } from 'commander'
import { ownValue, setOwn } from '../../schema/kit/dictionary.ts'

export interface CommandResult {
  code: number
  /** Standard output and standard error, in the order in which they were written. */
  output: string
  stdout: string
}

/**
 * Runs a command in this process and returns its exit code and output. Run one at a time: it
 * replaces the console and sets these variables. Starting a process takes most of the time of such
 * a test; other tests start processes.
 */
export async function runCommand(
  command: Command,
  args: string[],
  env: Readonly<Record<string, string>> = {},
): Promise<CommandResult> {
  let output = ''
  let stdout = ''
  const errorLine = (text: string) => {
    output += text
    return true
  }
  const outputLine = (text: string) => {
    output += text
    stdout += text
  }
  const mocks = [
    mock.method(console, 'log', (line: string) => outputLine(`${line}\n`)),
    mock.method(console, 'error', (line: string) => errorLine(`${line}\n`)),
    mock.method(process.stderr, 'write', errorLine),
  ]
  for (const one of [command, ...command.commands]) one.exitOverride()
  const exitCode = process.exitCode
  const before = Object.keys(env).map((name) => [name, ownValue(process.env, name)] as const)
  Object.assign(process.env, env)
  process.exitCode = 0
  try {
    await command.parseAsync(args, { from: 'user' })
    return { code: Number(process.exitCode), output, stdout }
  } catch (e) {
    if (!(e instanceof CommanderError)) errorLine(e instanceof Error ? e.message : String(e))
    return { code: 1, output, stdout }
  } finally {
    process.exitCode = exitCode
    for (const [name, value] of before)
      if (value === undefined) Reflect.deleteProperty(process.env, name)
      else setOwn(process.env, name, value)
    for (const m of mocks) m.mock.restore()
  }
}
