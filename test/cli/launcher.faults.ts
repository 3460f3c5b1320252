import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chownSync, existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { until } from '../gateway/until.ts'
import { dataDirectory, run, runs } from './process.ts'

/** A system Node too old to run TypeScript; undefined if the machine has none. */
const oldNode = ['/usr/bin/node', '/usr/local/bin/node'].find((path) => {
  if (!existsSync(path)) return false
  const major = Number(
    execFileSync(path, ['-p', 'process.versions.node.split(".")[0]'], { encoding: 'utf8' }),
  )
  return major >= 20 && major < 24
})
const skip = oldNode ? false : 'no Node 20 to 23 on this machine'
const root = fileURLToPath(new URL('../..', import.meta.url))
const launcher = join(root, 'bin/touchstone.js')

function launch(args: string[], dataDir: string, as: string[] = []) {
  const { DATABASE_URL: _, ...env } = process.env
  const [program = '', ...rest] = [...as, oldNode ?? '', launcher, ...args]
  return run(program, rest, { ...env, TOUCHSTONE_DATA_DIR: dataDir })
}

test('on an older Node the launcher runs the bundled one and passes on its exit code', {
  skip,
}, async (t) => {
  const { dir } = dataDirectory(t)
  const version = launch(['--version'], dir)
  assert.equal(await version.ended, 0)
  assert.match(version.output(), /^\d+\.\d+\.\d+/)
  const wrong = launch(['start', '--port', 'x'], dir)
  assert.equal(await wrong.ended, 1)
})

test('a signal to the launcher drains and stops everything', { skip }, async (t) => {
  const { dir, postmaster } = dataDirectory(t)
  const start = launch(['start', '--no-demo', '--port', '0'], dir)
  await start.says(/Stop with Ctrl-C/)
  const server = postmaster() ?? 0
  start.child.kill('SIGTERM')
  assert.equal(await start.ended, 0)
  assert.match(start.output(), /Stopped\./)
  assert.ok(!runs(server))
})

test('kill -9 of the launcher leaves no process running', { skip }, async (t) => {
  const { dir, postmaster } = dataDirectory(t)
  const start = launch(['start', '--no-demo', '--port', '0'], dir)
  await start.says(/Stop with Ctrl-C/)
  const server = postmaster() ?? 0
  start.child.kill('SIGKILL')
  await until(() => !runs(server))
})

test('SIGTERM to npm start stops everything, although npm signals only its shell', async (t) => {
  const { dir, postmaster } = dataDirectory(t)
  const { DATABASE_URL: _, ...env } = process.env
  const start = run('npm', ['start', '--', '--no-demo', '--port', '0'], {
    ...env,
    TOUCHSTONE_DATA_DIR: dir,
  })
  await start.says(/Stop with Ctrl-C/)
  const server = postmaster() ?? 0
  start.child.kill('SIGTERM')
  await until(() => !runs(server))
  await start.says(/Stopped\./)
})

const notRoot = process.getuid?.() === 0 ? skip : 'not root: every other test shows it'
test('a user other than root can run it', { skip: notRoot }, async (t) => {
  const { dir, postmaster } = dataDirectory(t)
  chownSync(dir, 65_534, 65_534)
  const start = launch(['start', '--no-demo', '--port', '0'], dir, [
    'setpriv',
    '--reuid=65534',
    '--regid=65534',
    '--clear-groups',
  ])
  await start.says(/Stop with Ctrl-C/)
  const server = postmaster() ?? 0
  start.child.kill('SIGTERM')
  assert.equal(await start.ended, 0)
  assert.ok(!runs(server))
})

test('root can keep the data in a folder that only root may enter', {
  skip: notRoot,
}, async (t) => {
  const { dir } = dataDirectory(t)
  const hidden = join(dir, 'only-root')
  mkdirSync(hidden, { mode: 0o700 })
  const start = launch(['start', '--no-demo', '--port', '0'], join(hidden, 'data'))
  await start.says(/Stop with Ctrl-C/)
  start.child.kill('SIGTERM')
  assert.equal(await start.ended, 0)
})
