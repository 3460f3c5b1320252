import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createClient } from 'graphql-ws'
import { WebSocket } from 'ws'
import type { Caller } from '../../../gateway/identity/caller.ts'
import { authenticatedCallers } from '../../../gateway/identity/callers.ts'
import { CallerBounds, operationsOfBytes } from '../../../gateway/limits/callerBounds.ts'
import { ask, BOUNDS, testGateway } from '../gateway.ts'
import { until } from '../until.ts'

const caller = (actor: string, via: Caller['via'] = 'TOKEN'): Caller => ({
  actor,
  via,
  roles: new Set(),
  scopes: new Set(['*']),
  expiresAt: null,
})
const limits = { callerOperationsPerMinuteMax: 60, callerOperationsMax: 3, callerStreamsMax: 2 }
const code = (work: () => unknown) => {
  try {
    work()
    return null
  } catch (e) {
    return (e as { code: string }).code
  }
}

test('limits operations per minute for each caller, with a burst of a tenth', () => {
  const clock = { ms: 0 }
  const bounds = new CallerBounds(limits, () => clock.ms)
  const once = (actor = 'ada') => bounds.begin(caller(actor))()
  for (let i = 0; i < 6; i++) once()
  assert.equal(code(once), 'RATE_LIMITED')
  once('bob')
  clock.ms += 999
  assert.equal(code(once), 'RATE_LIMITED')
  clock.ms += 1
  once()
  assert.equal(code(once), 'RATE_LIMITED')
  clock.ms += 3_600_000
  for (let i = 0; i < 6; i++) once()
  assert.equal(code(once), 'RATE_LIMITED')
})

test('a large request counts as several operations, at most as a full burst, for its caller only', () => {
  const clock = { ms: 0 }
  const bounds = new CallerBounds(limits, () => clock.ms)
  const once = (actor = 'ada') => bounds.begin(caller(actor))()
  const weigh = (bytes: number) => bounds.charge(caller('ada'), operationsOfBytes(bytes))
  weigh(4_096)
  for (let i = 0; i < 3; i++) once()
  weigh(4_096 + 2 * 1_024)
  once()
  assert.equal(code(once), 'RATE_LIMITED')
  clock.ms += 3_600_000
  once()
  weigh(1_000_000)
  assert.equal(
    code(() => weigh(5_000)),
    'RATE_LIMITED',
    'the operation had begun, but the remaining allowance is used up',
  )
  clock.ms += 6_999
  assert.equal(code(once), 'RATE_LIMITED')
  once('bob')
  clock.ms += 2
  once()
})

test('limits concurrent operations for each caller and releases each only once', () => {
  const bounds = new CallerBounds({ ...limits, callerOperationsPerMinuteMax: 6_000 })
  const begin = () => bounds.begin(caller('ada'))
  const ends = [begin(), begin(), begin()]
  assert.equal(code(begin), 'TOO_MANY_OPERATIONS')
  ends[0]?.()
  ends[0]?.()
  begin()
  assert.equal(code(begin), 'TOO_MANY_OPERATIONS')
})

test('does not count the development caller', () => {
  const bounds = new CallerBounds({
    callerOperationsPerMinuteMax: 1,
    callerOperationsMax: 1,
    callerStreamsMax: 1,
  })
  for (let i = 0; i < 10; i++) {
    bounds.begin(caller('development', 'DEVELOPMENT'))
    bounds.acquire(caller('development', 'DEVELOPMENT'), 'streams')
  }
})

test('limits streams separately from operations for each caller', () => {
  const bounds = new CallerBounds(limits)
  const hold = (actor = 'ada') => bounds.acquire(caller(actor), 'streams')
  const end = hold()
  hold()
  assert.equal(code(hold), 'TOO_MANY_STREAMS')
  hold('bob')
  bounds.begin(caller('ada'))
  end()
  end()
  hold()
  assert.equal(code(hold), 'TOO_MANY_STREAMS')
})

test('a rate-limited caller gets status 429 with Retry-After over HTTP, and nothing stays counted', async (t) => {
  const { gateway, url, fixture } = await testGateway({
    callers: authenticatedCallers({ token: async (token) => caller(token) }),
    bounds: { ...BOUNDS, callerOperationsPerMinuteMax: 100, callerOperationsMax: 1 },
  })
  t.after(() => gateway.close(0))
  const as = (actor: string) => ({ headers: { authorization: `Bearer ${actor}` } })
  const [one, two] = await Promise.all(
    ['{ fails(how: "WAIT") }', '{ fails(how: "WAIT") }'].map((q) => ask(url, q, as('ada'))),
  )
  assert.deepEqual([one?.status, two?.status].sort(), [200, 429])
  for (let i = 0; i < 5; i++) assert.equal((await ask(url, '{ head }', as('ada'))).status, 200)
  let over = one
  await until(async () => {
    over = await ask(url, '{ head }', as('ada'))
    return over.status === 429
  })
  assert.ok(over)
  assert.equal(over.body.errors[0].extensions.code, 'RATE_LIMITED')
  assert.match(over.headers.get('retry-after') ?? '', /^\d+$/)
  assert.equal((await ask(url, '{ head }', as('bob'))).status, 200)
  assert.equal(fixture.subscribers(), 0)
})

test('the size and cost of a request count over HTTP, in chunked bodies and over WebSockets', async (t) => {
  const { gateway, url } = await testGateway({
    callers: authenticatedCallers({ token: async (token) => caller(token) }),
    bounds: { ...BOUNDS, callerOperationsPerMinuteMax: 100 },
  })
  t.after(() => gateway.close(0))
  const large = JSON.stringify({ query: '{ head }', variables: { pad: 'x'.repeat(15_000) } })
  const ways: [string, BodyInit | null][] = [
    ['whole', large],
    ['chunked', new Blob([large]).stream()],
    ['costly', JSON.stringify({ query: '{ customers(first: 4000) { id name a: id b: name } }' })],
  ]
  for (const [actor, body] of ways) {
    const headers = { authorization: `Bearer ${actor}`, 'content-type': 'application/json' }
    const sent = await fetch(url, { method: 'POST', headers, body, duplex: 'half' } as RequestInit)
    assert.equal(sent.status, 200)
    assert.equal((await ask(url, '{ head }', { headers })).status, 429, actor)
  }
  const client = createClient({
    url: url.replace('http', 'ws'),
    webSocketImpl: WebSocket,
    retryAttempts: 0,
    connectionParams: { authorization: 'Bearer socket' },
  })
  t.after(() => client.dispose())
  const over = async (variables: object) =>
    (await client.iterate({ query: '{ head }', variables: { ...variables } }).next()).value
  assert.deepEqual((await over({ pad: 'x'.repeat(15_000) }))?.errors, undefined)
  await assert.rejects(over({}), (e) => JSON.stringify(e).includes('RATE_LIMITED'))
})

const tokens = authenticatedCallers({ token: async (token) => caller(token) })

test('a query that accepts event streams still counts as an operation of its caller', async (t) => {
  const { gateway, url } = await testGateway({
    callers: tokens,
    bounds: { ...BOUNDS, callerOperationsMax: 1, callerStreamsMax: 10 },
  })
  t.after(() => gateway.close(0))
  const headers = { authorization: 'Bearer ada', accept: 'text/event-stream' }
  const send = () =>
    fetch(`${url}?query=${encodeURIComponent('{ fails(how: "WAIT") }')}`, { headers })
  const both = await Promise.all([send(), send()])
  assert.deepEqual(both.map((r) => r.status).sort(), [200, 429])
  await Promise.all(both.map((r) => r.text()))
  assert.deepEqual(gateway.inProgress(), { operations: 0, streams: 0, sockets: 0 })
  assert.equal((await send()).status, 200)
})

test('one caller cannot use up all streams and WebSockets', async (t) => {
  const { gateway, url, fixture } = await testGateway({
    callers: tokens,
    bounds: { ...BOUNDS, streamsMax: 10, callerStreamsMax: 2 },
  })
  t.after(() => gateway.close(0))
  const query = 'subscription { changes { position } }'
  const stream = (actor: string) =>
    fetch(`${url}?query=${encodeURIComponent(query)}`, {
      headers: { authorization: `Bearer ${actor}`, accept: 'text/event-stream' },
    })
  assert.equal((await stream('ada')).status, 200)
  const open = (actor: string) => {
    const client = createClient({
      url: url.replace('http', 'ws'),
      webSocketImpl: WebSocket,
      retryAttempts: 0,
      connectionParams: { authorization: `Bearer ${actor}` },
    })
    t.after(() => client.dispose())
    return client.iterate({ query }).next()
  }
  const first = open('ada')
  await until(() => fixture.subscribers() === 2)
  assert.equal((await stream('ada')).status, 429)
  await assert.rejects(open('ada'), (e) => (e as { reason: string }).reason === 'TOO_MANY_STREAMS')
  assert.equal((await stream('bob')).status, 200)
  fixture.emit({ position: '1', id: 'c1' })
  assert.deepEqual((await first).value, { data: { changes: { position: '1' } } })
})

test('unauthenticated WebSockets give way to authenticated callers', async (t) => {
  const { gateway, url } = await testGateway({
    callers: tokens,
    bounds: { ...BOUNDS, streamsMax: 2 },
  })
  t.after(() => gateway.close(0))
  const address = url.replace('http', 'ws')
  const silent = [1, 2].map(() => new WebSocket(address, 'graphql-transport-ws'))
  await Promise.all(silent.map((ws) => new Promise((resolve) => ws.once('open', resolve))))
  const closed = new Promise((resolve) => silent[0]?.once('close', resolve))
  const client = createClient({
    url: address,
    webSocketImpl: WebSocket,
    retryAttempts: 0,
    connectionParams: { authorization: 'Bearer ada' },
  })
  t.after(() => client.dispose())
  assert.deepEqual((await client.iterate({ query: '{ head }' }).next()).value?.errors, undefined)
  await closed
  assert.equal(silent[1]?.readyState, WebSocket.OPEN, 'the socket that waited longest made room')
})
