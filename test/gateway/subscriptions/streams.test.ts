import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createClient as sseClient } from 'graphql-sse'
import { createClient as wsClient } from 'graphql-ws'
import { WebSocket } from 'ws'
import { composeSupergraph } from '../../../gateway/federation/compose.ts'
import { Drain, graphChanged } from '../../../gateway/http/drain.ts'
import type { Fixture } from '../fixture.ts'
import { testGateway } from '../gateway.ts'
import { until } from '../until.ts'

const QUERY = 'subscription { changes { position detail customer { name invoices { id } } } }'

let it: Awaited<ReturnType<typeof testGateway>>
let world: Fixture
before(async () => {
  it = await testGateway()
  world = it.fixture
})
after(() => it.gateway.close(1_000))

type Result = {
  data?: { changes: { position: string; customer: { name: string } } } | null
  errors?: readonly unknown[]
}
interface Client {
  subscribe(query: string, signal: AbortSignal): AsyncIterableIterator<Result>
}

const clients: Record<string, () => Client> = {
  'graphql-ws': () => ({
    subscribe(query, signal) {
      const client = wsClient({
        url: it.url.replace('http', 'ws'),
        webSocketImpl: WebSocket,
        retryAttempts: 0,
      })
      const iterator = client.iterate<Record<string, unknown>>({
        query,
      }) as AsyncIterableIterator<Result>
      signal.addEventListener('abort', () => void client.dispose())
      return iterator
    },
  }),
  'server-sent events': () => ({
    subscribe(query, signal) {
      const client = sseClient({ url: it.url, retryAttempts: 0 })
      signal.addEventListener('abort', () => client.dispose())
      return client.iterate<Record<string, unknown>>({ query }) as AsyncIterableIterator<Result>
    },
  }),
}

for (const [transport, make] of Object.entries(clients)) {
  test(`an event over ${transport} has its current entity from every subgraph`, async (t) => {
    const disconnect = new AbortController()
    t.after(() => disconnect.abort())
    const events = make().subscribe(QUERY, disconnect.signal)
    const first = events.next()
    await until(() => world.subscribers() === 1)
    world.names.set('c1', 'Old name')
    world.emit({ position: '1', id: 'c1' })
    assert.deepEqual((await first).value.data.changes, {
      position: '1',
      detail: 'fine',
      customer: { name: 'Old name', invoices: [{ id: 'c1-1' }, { id: 'c1-2' }] },
    })
    // The loaders of the first event must not serve the second.
    world.names.set('c1', 'New name')
    world.emit({ position: '2', id: 'c1' })
    assert.equal((await events.next()).value.data.changes.customer.name, 'New name')
    disconnect.abort()
    await until(() => world.subscribers() === 0)
  })

  test(`masks an error in one event over ${transport} and does not repeat it with the next`, async (t) => {
    const disconnect = new AbortController()
    t.after(() => disconnect.abort())
    const events = make().subscribe(QUERY, disconnect.signal)
    const first = events.next()
    await until(() => world.subscribers() === 1)
    world.emit({ position: '1', id: 'c2', fails: true })
    const { value } = await first
    assert.equal(value.errors.length, 1)
    assert.equal(value.errors[0].message, 'Internal error')
    assert.equal(value.data.changes.customer.name, 'Customer 2')
    world.emit({ position: '2', id: 'c2' })
    assert.equal((await events.next()).value.errors, undefined)
    disconnect.abort()
    await until(() => world.subscribers() === 0)
  })

  test(`many subscribers over ${transport} each get every event in order`, async (t) => {
    const disconnect = new AbortController()
    t.after(() => disconnect.abort())
    const many = Array.from({ length: 20 }, () => make().subscribe(QUERY, disconnect.signal))
    const read = many.map(async (events) => {
      const positions: string[] = []
      for await (const { data } of events) {
        if (data) positions.push(data.changes.position)
        if (positions.length === 30) return positions
      }
      return positions
    })
    await until(() => world.subscribers() === 20)
    const sent = Array.from({ length: 30 }, (_, i) => String(i))
    for (const position of sent) world.emit({ position, id: `c${Number(position) % 5}` })
    for (const positions of await Promise.all(read)) assert.deepEqual(positions, sent)
    disconnect.abort()
    await until(() => world.subscribers() === 0)
  })
}

test('runs queries and mutations over graphql-ws as well', async (t) => {
  const client = wsClient({ url: it.url.replace('http', 'ws'), webSocketImpl: WebSocket })
  t.after(() => client.dispose())
  const run = async (query: string) => (await client.iterate({ query }).next()).value
  assert.deepEqual(await run('mutation { rename(id: "c7", name: "Seven") { name } }'), {
    data: { rename: { name: 'Seven' } },
  })
  assert.deepEqual(await run('{ customer(id: "c7") { name } }'), {
    data: { customer: { name: 'Seven' } },
  })
  await assert.rejects(run('{ nothing }'), ([error]: { extensions: object }[]) => {
    assert.deepEqual(error?.extensions, { code: 'GRAPHQL_VALIDATION_FAILED' })
    return true
  })
})

test('rejects a WebSocket from a page of another site', async () => {
  const socket = new WebSocket(it.url.replace('http', 'ws'), 'graphql-transport-ws', {
    origin: 'https://evil.example',
  })
  const [error] = await new Promise<[Error]>((resolve) => socket.once('error', (e) => resolve([e])))
  assert.match(error.message, /403/)
})

test('closing the gateway sends subscribers the cursor to resume after, then completes', async () => {
  const local = await testGateway()
  const query = 'subscription { changes { cursor: position customer { name } } }'
  const sse = sseClient({ url: local.url, retryAttempts: 0 }).iterate({ query })
  const socket = wsClient({
    url: local.url.replace('http', 'ws'),
    webSocketImpl: WebSocket,
    retryAttempts: 0,
  })
  const ws = socket.iterate({ query })
  const waiting = [sse.next(), ws.next()]
  await until(() => local.fixture.subscribers() === 2)
  local.fixture.emit({ position: 'p7', id: 'c1' })
  for (const event of await Promise.all(waiting))
    assert.equal(event.value.data.changes.cursor, 'p7')
  const last = [sse.next(), ws.next()]
  await local.gateway.close(1_000)
  for (const end of await Promise.all(last))
    assert.deepEqual(end.value.errors?.[0].extensions, { code: 'SERVER_STOPPING', cursor: 'p7' })
  for (const end of await Promise.all([sse.next(), ws.next()])) assert.equal(end.done, true)
  assert.equal(local.fixture.subscribers(), 0)
})

test('a reload ends all subscriptions, including those that just begin, and serves later ones', async (t) => {
  const local = await testGateway()
  t.after(() => local.gateway.close(0))
  const query = 'subscription { changes { cursor: position customer { name } } }'
  const open = () => [
    sseClient({ url: local.url, retryAttempts: 0 }).iterate({ query }),
    wsClient({
      url: local.url.replace('http', 'ws'),
      webSocketImpl: WebSocket,
      retryAttempts: 0,
    }).iterate({ query }),
  ]
  const before = open()
  const ends = before.map((s) => s.next())
  await until(() => local.fixture.subscribers() === 2)
  await local.gateway.reload(composeSupergraph(local.fixture.subgraphs), [
    ...local.fixture.subgraphs,
  ])
  for (const end of await Promise.all(ends))
    assert.equal(end.value.errors?.[0].extensions.code, 'GRAPH_CHANGED')
  await until(() => local.fixture.subscribers() === 0)
  const later = open().map((s) => s.next())
  await until(() => local.fixture.subscribers() === 2)
  local.fixture.emit({ position: 'p9', id: 'c1' })
  for (const event of await Promise.all(later)) assert.equal(event.value.data.changes.cursor, 'p9')

  const drain = new Drain()
  drain.begin(graphChanged())
  const why = await new Promise<{ code: string }>((resolve) => drain.watch(resolve))
  assert.equal(why.code, 'GRAPH_CHANGED')
})
