import { spawn } from 'node:child_process'
import { globSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { temporaryServer } from './database.ts'

/**
 * `npm test [-- FILE...]` runs the tests of parts on one Postgres: that of DATABASE_URL, or an
 * embedded one that is removed afterwards. A file may be a pattern; `npm run test:e2e` gives that
 * of the tests that start the whole program.
 */
const root = fileURLToPath(new URL('..', import.meta.url))
/** A file that takes longer is ended. Long runs on a busy machine need more than the default. */
const fileSecondsMax = Number(process.env.TOUCHSTONE_TEST_SECONDS_MAX ?? 900)
if (!(fileSecondsMax > 0))
  throw new Error('TOUCHSTONE_TEST_SECONDS_MAX is a number of seconds above 0')
/** Several files share a process: one each would take a third more time, to load the same modules. */
const filesPerProcess = 5
/** The tests that need no database take longest: one process alone would end after all others. */
const pureProcesses = 2
/** Fewer files than these each have their own process, so that they run side by side. */
const groupedFilesMin = 12
const given = process.argv.slice(2)
const lost = given.find((pattern) => globSync(pattern, { cwd: root }).length === 0)
if (lost !== undefined) {
  process.stderr.write(`no test file matches ${lost}\n`)
  process.exit(1)
}
/** `npm run test:connections` runs what asks source systems. */
const ownRun =
  /^test\/(connections|demo\/systems|connectors\/connection|mdm\/connections|mdm\/writeback)\//
/** They look at what a process has done so far, so no other file may share it. */
const alone = new Set(['test/subgraphs/statements.pg.test.ts'])
/**
 * They take more than a minute, much of it waiting, and begin first: Node takes files by their names,
 * and one of these near the end would run alone while the other processors rest. Shares take them in
 * turn.
 */
const longest = [
  ...['test/cli/embeddedPostgres/server.e2e.test.ts', 'test/hostile/hostile.e2e.test.ts'],
  ...['test/cli/commands/systems.e2e.test.ts', 'test/cli/commands/start.e2e.test.ts'],
  ...['test/mdm/writeback/kill.faults.ts', 'test/invariants/I9.kill.faults.ts'],
  ...['test/cli/install.faults.ts', 'test/mdm/connections/files.faults.ts'],
  ...['test/access/localUser.faults.ts', 'test/cli/commands/startAgain.faults.ts'],
  'test/e2e/start.faults.ts',
]
/** Each has a server of its own and a browser that paints by the processor. */
const browsersMax = 2
const isPart = (file: string) => /(?<!\.e2e)\.test\.ts$/.test(file)
const isLong = (file: string) => /\.long\./.test(file)
const found = inShare(
  globSync(given.length > 0 ? given : 'test/**/*.test.ts', { cwd: root })
    .filter((file) => given.length > 0 || !(ownRun.test(file) || isLong(file)))
    .sort(),
)
const parts = found.filter(isPart)
const others = given.length > 0 ? found.filter((f) => !isPart(f)) : []
const groups = mkdtempSync(join(tmpdir(), 'touchstone-test-groups-'))
process.once('exit', () => rmSync(groups, { recursive: true, force: true }))
const grouped = parts.filter((f) => !alone.has(f))
const files =
  parts.length < groupedFilesMin
    ? [...parts, ...inOrder(others)]
    : [...inGroups(), ...parts.filter((f) => alone.has(f)), ...inOrder(others)]

/** Returns the files of the groups: first the tests that need no database, as they take longest. */
function inGroups(): string[] {
  const withDatabase = grouped.filter((f) => f.endsWith('.pg.test.ts'))
  const pure = grouped.filter((f) => !f.endsWith('.pg.test.ts'))
  const count = Math.ceil(withDatabase.length / filesPerProcess)
  // Each group takes every nth file: neighbours take about the same time.
  const split = (list: readonly string[], into: number) =>
    Array.from({ length: into }, (_, n) => list.filter((_, i) => i % into === n))
  const all = [...split(pure, pureProcesses), ...split(withDatabase, count)]
  const filled = all.filter((group) => group.length > 0)
  const together = new URL('together.ts', import.meta.url)
  return filled.map((group, n) =>
    numbered(
      n,
      `import { together } from '${together}'\ntogether(${JSON.stringify(group.map(urlOf))})\n`,
    ),
  )
}

/**
 * TOUCHSTONE_SHARE=2/3 takes the second third: every third file, and the longest ones apart.
 * Without it all are taken.
 */
function inShare(list: readonly string[]): string[] {
  const share = process.env.TOUCHSTONE_SHARE
  if (!share) return [...list]
  const [, which, of] = (/^(\d+)\/(\d+)$/.exec(share) ?? []).map(Number)
  if (!which || !of || which > of)
    throw new Error(`TOUCHSTONE_SHARE is "${share}": for example 2/3, the second of three shares`)
  const mine = byLength(list).filter((_, n) => n % of === which - 1)
  process.stdout.write(`share ${share}: ${mine.length} of ${list.length} files\n`)
  return mine
}

/** Returns the files with the longest ones first. */
function byLength(list: readonly string[]): string[] {
  const place = (file: string) => (longest.includes(file) ? longest.indexOf(file) : longest.length)
  return list.toSorted((a, b) => place(a) - place(b))
}

/** Returns files that each have their own process, in the order in which they begin. */
function inOrder(list: readonly string[]): string[] {
  return byLength(list).map((file, n) => numbered(n, `import '${urlOf(file)}'\n`, 'own'))
}

function urlOf(file: string): string {
  return new URL(`../${file}`, import.meta.url).href
}

function numbered(n: number, text: string, kind = 'group'): string {
  const path = join(groups, `${kind}${String(n).padStart(3, '0')}.test.mjs`)
  writeFileSync(path, text)
  return path
}

const server = process.env.DATABASE_URL ? null : await temporaryServer()
const child = spawn(
  process.execPath,
  [
    '--test',
    `--test-concurrency=${files.length > 0 && found.every((f) => f.endsWith('.browser.ts')) ? browsersMax : 4}`,
    `--test-timeout=${fileSecondsMax * 1_000}`,
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
