import { readFileSync } from 'node:fs'
import { enableCompileCache } from 'node:module'
import { Command, CommanderError } from 'commander'
import { ours } from './root.ts'

// From the second start on nothing is stripped and compiled again: half a second less.
enableCompileCache()
// GraphQL checks less at each step then; before any command is loaded, and so in worker threads too.
process.env.NODE_ENV ??= 'production'

const COMMANDS: Record<string, () => Promise<{ command: Command }>> = {
  start: () => import('./start.ts'),
  serve: () => import('./serve.ts'),
  load: () => import('./load.ts'),
  sources: () => import('./sources.ts'),
  tail: () => import('./tail.ts'),
  world: () => import('./world.ts'),
  subgraph: () => import('./subgraph.ts'),
  keys: () => import('./keys.ts'),
  token: () => import('./token.ts'),
  operations: () => import('./operations.ts'),
  migrate: () => import('./migrate.ts'),
  audit: () => import('./audit.ts'),
  slo: () => import('./slo.ts'),
  quality: () => import('./quality.ts'),
  trace: () => import('./trace.ts'),
  exceptions: () => import('./exceptions.ts'),
  replay: () => import('./replay.ts'),
  remap: () => import('./remap.ts'),
  simulate: () => import('./simulate.ts'),
  publish: () => import('./publish.ts'),
  rebuild: () => import('./rebuild.ts'),
  webhooks: () => import('./webhooks.ts'),
  expire: () => import('./expire.ts'),
  match: () => import('./match.ts'),
  train: () => import('./train.ts'),
  explain: () => import('./explain.ts'),
  generate: () => import('./generate.ts'),
  schema: () => import('./schema.ts'),
}

const { version } = JSON.parse(readFileSync(ours('package.json'), 'utf8')) as { version: string }

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
