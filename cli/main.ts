import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { command as generate } from './generate.ts'
import { command as load } from './load.ts'
import { command as migrate } from './migrate.ts'
import { ours } from './root.ts'
import { command as serve } from './serve.ts'
import { command as sources } from './sources.ts'
import { command as start } from './start.ts'
import { command as subgraph } from './subgraph.ts'
import { command as tail } from './tail.ts'
import { command as world } from './world.ts'

const { version } = JSON.parse(readFileSync(ours('package.json'), 'utf8')) as { version: string }

const program = new Command('touchstone')
  .description('Golden-record master data with a federated GraphQL face.')
  .version(version)
  .showHelpAfterError('(add --help for what there is)')
  .addHelpText(
    'after',
    '\nSettings are flags of the command that uses them, or environment variables; "touchstone start --help" lists them with\ntheir defaults.',
  )
for (const command of [start, serve, load, sources, tail, world, subgraph, migrate, generate])
  program.addCommand(command)

try {
  await program.parseAsync()
} catch (e) {
  if (e instanceof CommanderError) throw e
  // What went wrong, for who typed the command; the stack is for who mends it.
  console.error(`touchstone: ${e instanceof Error ? e.message : String(e)}`)
  if (process.env.TOUCHSTONE_LOG_LEVEL === 'debug' && e instanceof Error) console.error(e.stack)
  process.exitCode = 1
}
