import type { Command } from 'commander'
import { visibleText } from '../../schema/kit/visibleText.ts'

/** Matches a suggestion, which Commander adds to an error on lines of its own. */
const SUGGESTION = /\n(?=\(Did you mean )/

/**
 * Makes Commander's own messages harmless, in all commands: it repeats arguments in them. Help is
 * our own text, but for defaults that the environment gives. Where Commander would end the process
 * it throws CommanderError: written output may still fail by then.
 */
export function configureCommander(command: Command): void {
  command.exitOverride()
  command.configureOutput({
    writeOut: (help) => void process.stdout.write(harmless(help)),
    writeErr: (help) => void process.stderr.write(harmless(help)),
    outputError: (message, write) =>
      write(`${message.trimEnd().split(SUGGESTION).map(visibleText).join('\n')}\n`),
  })
  for (const sub of command.commands) configureCommander(sub)
}

function harmless(help: string): string {
  return help.split('\n').map(visibleText).join('\n')
}
