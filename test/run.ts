import { spawn } from 'node:child_process'
import { globSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { temporaryServer } from './database.ts'

/**
 * `npm test [-- FILE...]` runs the tests of parts on one Postgres: that of DATABASE_URL, or an embedded
 * one that is removed afterwards. A file may be a pattern; `npm run test:e2e` gives that of the tests
 * that start the whole program.
 */
const root = fileURLToPath(new URL('..', import.meta.url))
const fileMsMax = 900_000
const given = process.argv.slice(2)
const files =
  given.length > 0
    ? globSync(given, { cwd: root }).sort()
    : ['test/together.ts', ...globSync('test/**/*.pg.test.ts', { cwd: root }).sort()]

const server = process.env.DATABASE_URL ? null : await temporaryServer()
const child = spawn(
  process.execPath,
  [
    '--test',
    '--test-concurrency=4',
    `--test-timeout=${fileMsMax}`,
    // A handle that a failed test left open must not block the run.
    '--test-force-exit',
    '--test-reporter=spec',
    ...files,
  ],
  {
    cwd: root,
    stdio: 'inherit',
    env: {
      ...process.env,
      DATABASE_URL: server?.url('postgres') ?? process.env.DATABASE_URL,
      // Each file is a process; without a cache each would strip and compile the same thousand
      // modules.
      NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? join(tmpdir(), 'node-compile-cache'),
    },
  },
)
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.prependListener(signal, () => child.kill(signal))
process.on('disconnect', () => child.kill('SIGTERM'))
const code = await new Promise<number>((resolve) =>
  child.once('exit', (c, signal) => resolve(signal ? 1 : (c ?? 1))),
)
await server?.stop()
process.exit(code)
