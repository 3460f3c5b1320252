import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ask } from '../../gateway/gateway.ts'
import { until } from '../../gateway/until.ts'
import { dataDirectory, runs, touchstone } from '../process.ts'

const START = ['start', '--port', '0', '--companies', '30']
const READY = /GraphQL {6}(\S+)/
const LOADED = /Demo world: ([\d,]+) messages/

async function feedOf(url: string) {
  return (await ask(url, '{ feed { id head } customers(first: 1) { totalCount } }')).body.data
}

test('after kill -9 the next start takes over the database, resumes the demo world and stops the database at the end', async (t) => {
  const { dir, postmaster } = dataDirectory(t)
  const killed = touchstone(START, dir)
  await killed.says(READY)
  const orphan = postmaster()
  killed.child.kill('SIGKILL')
  await killed.ended
  assert.ok(orphan && runs(orphan), 'the database outlives its parent')

  const next = touchstone(START, dir)
  await next.says(/Stop with Ctrl-C/)
  assert.equal(postmaster(), orphan)
  assert.match(next.output(), LOADED)
  next.child.kill('SIGTERM')
  assert.equal(await next.ended, 0)
  assert.ok(!runs(orphan))
})

test('after kill -9 of the database too, its stale lock does not block the next start', async (t) => {
  const { dir, postmaster } = dataDirectory(t)
  const killed = touchstone([...START, '--no-demo'], dir)
  await killed.says(READY)
  const server = postmaster() ?? 0
  killed.child.kill('SIGKILL')
  process.kill(server, 'SIGKILL')
  await until(() => !runs(server))
  assert.equal(postmaster(), server, 'the stale lock file remains')

  const next = touchstone([...START, '--no-demo'], dir)
  const [, url = ''] = await next.says(READY)
  assert.equal((await feedOf(url)).customers.totalCount, 0)
  next.child.kill('SIGTERM')
  assert.equal(await next.ended, 0)
})

test('a command run beside a running start uses its database and leaves it running', async (t) => {
  const { dir, postmaster } = dataDirectory(t)
  const start = touchstone([...START, '--no-demo'], dir)
  const [, url = ''] = await start.says(READY)
  const server = postmaster()
  const migrate = touchstone(['migrate'], dir)
  assert.equal(await migrate.ended, 0)
  assert.match(migrate.output(), /the database is at migration \d{4}_/)
  assert.equal(postmaster(), server)
  assert.equal((await feedOf(url)).customers.totalCount, 0)

  const wipe = touchstone([...START, '--fresh'], dir)
  assert.equal(await wipe.ended, 1)
  assert.match(wipe.output(), /is in use: process \d+/)
  start.child.kill('SIGTERM')
  assert.equal(await start.ended, 0)
})
