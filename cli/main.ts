import { readFileSync } from 'node:fs'
import { enableCompileCache } from 'node:module'
import { Command, CommanderError } from 'commander'
import { packagePath } from './config/packagePath.ts'

// From the second start on nothing is stripped and compiled again: half a second less.
enableCompileCache()
// GraphQL checks less at each step then; before any command is loaded, and so in worker threads too.
process.env.NODE_ENV ??= 'production'

const COMMANDS: Record<string, () => Promise<{ command: Command }>> = {
  start: () => import('./commands/start.ts'),
  serve: () => import('./commands/serve.ts'),
  load: () => import('./commands/load.ts'),
  sources: () => import('./commands/sources.ts'),
  tail: () => import('./commands/tail.ts'),
  world: () => import('./commands/world.ts'),
  subgraph: () => import('./commands/subgraph.ts'),
  keys: () => import('./commands/keys.ts'),
  token: () => import('./commands/token.ts'),
  operations: () => import('./commands/operations.ts'),
  migrate: () => import('./commands/migrate.ts'),
  audit: () => import('./commands/audit.ts'),
  slo: () => import('./commands/slo.ts'),
  quality: () => import('./commands/quality.ts'),
  trace: () => import('./commands/trace.ts'),
  exceptions: () => import('./commands/exceptions.ts'),
  replay: () => import('./commands/replay.ts'),
  remap: () => import('./commands/remap.ts'),
  simulate: () => import('./commands/simulate.ts'),
  publish: () => import('./commands/publish.ts'),
  rebuild: () => import('./commands/rebuild.ts'),
  webhooks: () => import('./commands/webhooks.ts'),
  expire: () => import('./commands/expire.ts'),
  match: () => import('./commands/match.ts'),
  train: () => import('./commands/train.ts'),
  explain: () => import('./commands/explain.ts'),
  generate: () => import('./commands/generate.ts'),
  schema: () => import('./commands/schema.ts'),
}

const { version } = JSON.parse(readFileSync(packagePath('package.json'), 'utf8')) as { version: string }

const program = new Command('touchstone')
  .description('Golden-record master data with a federated GraphQL face.')
  .version(version)
  .showHelpAfterError('(add --help for what there is)')
  .addHelpText(
    'after',
    '\nSettings are flags of the command that uses them, or environment variables; "touchstone start --help" lists them with\ntheir defaults.',
  )
// Only what is asked for is loaded: all of them take a second. Help lists all.
const one = COMMANDS[process.argv[2] ?? '']
for (const load of one ? [one] : Object.values(COMMANDS)) program.addCommand((await load()).command)

const leftoversMsMax = 2_000
try {
  await program.parseAsync()
} catch (e) {
  if (e instanceof CommanderError) throw e
  // What went wrong, for who typed the command; the stack is for who mends it.
  console.error(`touchstone: ${e instanceof Error ? e.message : String(e)}`)
  if (process.env.TOUCHSTONE_LOG_LEVEL === 'debug' && e instanceof Error) console.error(e.stack)
  process.exitCode = 1
}
// What a command leaves behind, as the driver's attempt to reach a database that is away, must not keep the process.
setTimeout(() => process.exit(), leftoversMsMax).unref()
