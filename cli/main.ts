import { readFileSync } from 'node:fs'
import { enableCompileCache } from 'node:module'
import { Command, CommanderError } from 'commander'
import { ownValue } from '../schema/kit/dictionary.ts'
import { compileCacheFolder, packagePath } from './config/packagePath.ts'
import { configureCommander } from './terminal/commanderOutput.ts'
import { printError, printFailure } from './terminal/print.ts'

// Files are for their owner alone: they hold personal data, secrets or both. `generate` and `console`
// write source code and pages, which the folder's other users read too.
if (!['generate', 'console'].includes(process.argv[2] ?? '')) process.umask(process.umask() | 0o077)
// Saves half a second from the second start on: modules are not stripped and compiled again. Beside
// the code, where only who may change the code can write; Node's own place, a fixed name in /tmp,
// is anybody's, and its content is executed.
enableCompileCache(compileCacheFolder)
// Makes GraphQL check less at each step. Set before any command is loaded, so that worker threads
// inherit it.
process.env.NODE_ENV ??= 'production'

const COMMANDS: Record<string, () => Promise<{ command: Command }>> = {
  start: () => import('./commands/start.ts'),
  serve: () => import('./commands/serve.ts'),
  load: () => import('./commands/load.ts'),
  sources: () => import('./commands/sources.ts'),
  connect: () => import('./commands/connect.ts'),
  sync: () => import('./commands/sync.ts'),
  systems: () => import('./commands/systems.ts'),
  tail: () => import('./commands/tail.ts'),
  mcp: () => import('./commands/mcp.ts'),
  world: () => import('./commands/world.ts'),
  subgraph: () => import('./commands/subgraph.ts'),
  keys: () => import('./commands/keys.ts'),
  token: () => import('./commands/token.ts'),
  link: () => import('./commands/link.ts'),
  console: () => import('./commands/console.ts'),
  operations: () => import('./commands/operations.ts'),
  migrate: () => import('./commands/migrate.ts'),
  audit: () => import('./commands/audit.ts'),
  slo: () => import('./commands/slo.ts'),
  reconcile: () => import('./commands/reconcile.ts'),
  quality: () => import('./commands/quality.ts'),
  trace: () => import('./commands/trace.ts'),
  exceptions: () => import('./commands/exceptions.ts'),
  replay: () => import('./commands/replay.ts'),
  remap: () => import('./commands/remap.ts'),
  simulate: () => import('./commands/simulate.ts'),
  publish: () => import('./commands/publish.ts'),
  rebuild: () => import('./commands/rebuild.ts'),
  webhooks: () => import('./commands/webhooks.ts'),
  feed: () => import('./commands/feed.ts'),
  expire: () => import('./commands/expire.ts'),
  match: () => import('./commands/match.ts'),
  train: () => import('./commands/train.ts'),
  explain: () => import('./commands/explain.ts'),
  generate: () => import('./commands/generate.ts'),
  schema: () => import('./commands/schema.ts'),
}

const { version } = JSON.parse(readFileSync(packagePath('package.json'), 'utf8')) as {
  version: string
}

const program = new Command('touchstone')
  .description('Golden-record master data with a federated GraphQL face.')
  .version(version)
  .showHelpAfterError('(--help lists the options)')
  .addHelpText(
    'after',
    `
Settings are flags of the command that uses them, or environment variables. "touchstone start --help" lists them with
their defaults. Commands that use the database name it on the standard error.

Exit codes: 0 success; 1 an error, a refusal or a failed check; 130 stopped before the end.

Examples:
  npx touchstone start
  npx touchstone exceptions list --help`,
  )
// Loads only the command that is called, because loading all takes a second. Help lists all.
const one = ownValue(COMMANDS, process.argv[2] ?? '')
for (const load of one ? [one] : Object.values(COMMANDS)) program.addCommand((await load()).command)

configureCommander(program)
// Node would print the message of an error that nobody catches as it is.
process.on('uncaughtException', (e) => {
  printFailure(e instanceof Error ? (e.stack ?? e.message) : String(e))
  process.exit(1)
})

// The console drops what it cannot write. A result that was cut short is an error; a reader who has
// seen enough (`| head`) is none.
let isOutputLost = false
process.stdout.on('error', (e: NodeJS.ErrnoException) => {
  if (e.code === 'EPIPE' || isOutputLost) return
  isOutputLost = true
  printFailure(`the output could not be written: ${e.message}`)
  process.once('exit', (code) => {
    if (code === 0) process.exitCode = 1
  })
})

const leftoversMsMax = 2_000
try {
  await program.parseAsync()
} catch (e) {
  // Commander has printed its own errors, help and version. The process is not ended at once, so
  // that the listener above learns of output that cannot be written.
  if (!(e instanceof CommanderError)) {
    // The message is for the user of the command, the stack for the developer.
    printFailure(e instanceof Error ? e.message : String(e))
    if (process.env.TOUCHSTONE_LOG_LEVEL === 'debug' && e instanceof Error)
      printError(...(e.stack ?? '').split('\n').map((line) => `| ${line}`))
  }
  process.exitCode = e instanceof CommanderError ? e.exitCode : 1
}
// Open resources of a command, such as the driver's attempt to reconnect, must not keep the process
// alive.
setTimeout(() => process.exit(), leftoversMsMax).unref()
