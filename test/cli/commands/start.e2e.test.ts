import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { EXAMPLES } from '../../../gateway/http/examples.ts'
import { ask } from '../../gateway/gateway.ts'
import { dataDirectory, runs, touchstone } from '../process.ts'

const START = ['start', '--port', '0', '--companies', '30']
const READY = /GraphQL {6}(\S+)/
const LOADED = /Demo world: ([\d,]+) messages/

async function feedOf(url: string) {
  return (await ask(url, '{ feed { id head } customers(first: 1) { totalCount } }')).body.data
}

/** Returns the paths of lists without items and of missing values. */
function emptyLists(value: unknown, path = ''): string[] {
  if (value === null || (Array.isArray(value) && value.length === 0)) return [path]
  if (typeof value !== 'object') return []
  return Object.entries(value).flatMap(([key, below]) => emptyLists(below, `${path}.${key}`))
}

test('the first start loads the demo world, the second keeps it, --fresh starts over', async (t) => {
  const { dir, postmaster } = dataDirectory(t)
  const first = touchstone(START, dir)
  const [, url = ''] = await first.says(READY)
  await first.says(/Stop with Ctrl-C/)
  assert.match(first.output(), LOADED)
  for (const [n, { title, query }] of EXAMPLES.entries()) {
    if (query.startsWith('subscription')) continue
    const { body } = await ask(url, query)
    assert.equal(body.errors, undefined, title)
    if (n === 0)
      assert.deepEqual([body.data.customers.nodes.length, emptyLists(body.data)], [3, []])
  }
  const loaded = await feedOf(url)
  assert.ok(loaded.customers.totalCount > 20)
  const server = postmaster()
  first.child.kill('SIGTERM')
  assert.equal(await first.ended, 0)
  assert.ok(server && !runs(server))

  const second = touchstone(START, dir)
  const [, again = ''] = await second.says(READY)
  await second.says(/Stop with Ctrl-C/)
  assert.doesNotMatch(second.output(), LOADED)
  assert.deepEqual(await feedOf(again), loaded)
  second.child.kill('SIGINT')
  assert.equal(await second.ended, 0)

  const fresh = touchstone([...START, '--fresh', '--no-demo'], dir)
  const [, freshUrl = ''] = await fresh.says(READY)
  const empty = await feedOf(freshUrl)
  assert.notEqual(empty.feed.id, loaded.feed.id)
  assert.equal(empty.customers.totalCount, 0)
  fresh.child.kill('SIGTERM')
  assert.equal(await fresh.ended, 0)
})

test('reports a port in use and leaves no process running', async (t) => {
  const { dir, postmaster } = dataDirectory(t)
  const other = createServer()
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  t.after(() => void other.close())
  const address = other.address()
  const port = typeof address === 'object' && address ? address.port : 0
  const start = touchstone(['start', '--no-demo', '--port', String(port)], dir)
  assert.equal(await start.ended, 1)
  assert.match(
    start.output(),
    new RegExp(`port ${port} on 127\\.0\\.0\\.1 is in use.*TOUCHSTONE_PORT`),
  )
  assert.equal(postmaster(), null)
})

test('refuses to start with wrong settings and names the allowed values', async (t) => {
  const { dir, postmaster } = dataDirectory(t)
  const cases: [Record<string, string>, RegExp][] = [
    [{ TOUCHSTONE_PORT: '70000' }, /TOUCHSTONE_PORT.*whole number from 0 to 65535/s],
    [{ TOUCHSTONE_HOST: '0.0.0.0' }, /without authentication/],
    [{ TOUCHSTONE_SOURCES: '/nowhere/sources.yaml' }, /\/nowhere\/sources\.yaml/],
    [
      { TOUCHSTONE_SUBGRAPHS: 'nothing=http://127.0.0.1:1/graphql' },
      /no subgraph "nothing"; there are/,
    ],
  ]
  for (const [env, message] of cases) {
    const start = touchstone(
      ['start', '--no-demo', ...(env.TOUCHSTONE_PORT ? [] : ['--port', '0'])],
      dir,
      env,
    )
    assert.equal(await start.ended, 1)
    assert.match(start.output(), message)
  }
  assert.equal(postmaster(), null)
})

test('waits for a database that does not respond, then names it', async (t) => {
  const { dir } = dataDirectory(t)
  const start = touchstone(['start', '--port', '0'], dir, {
    DATABASE_URL: 'postgres://someone:secret@127.0.0.1:1/x',
    TOUCHSTONE_DATABASE_WAIT_SECONDS_MAX: '1',
  })
  assert.equal(await start.ended, 1)
  assert.match(start.output(), /waiting for the database at 127\.0\.0\.1:1/)
  assert.match(start.output(), /does not respond \(ECONNREFUSED\).*DATABASE_URL/)
  assert.doesNotMatch(start.output(), /secret/)
})
