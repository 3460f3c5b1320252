import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createClient as sseClient } from 'graphql-sse'
import { createClient as wsClient } from 'graphql-ws'
import { WebSocket } from 'ws'
import { composeSupergraph } from '../../../gateway/federation/compose.ts'
import { Drain, graphChanged } from '../../../gateway/http/drain.ts'
import { type Fixture, fixture } from '../fixture.ts'
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

const RESUMABLE =
  'subscription ($after: String) { changes(after: $after) { cursor: position customer { name } } }'

/** Clients as their libraries are used, which keep the cursor of the last event. */
const resuming: Record<
  string,
  (url: string, got: string[], variables: { after?: string }) => () => unknown
> = {
  'graphql-ws': (url, got, variables) => {
    const client = wsClient({
      url: url.replace('http', 'ws'),
      webSocketImpl: WebSocket,
      // While the server restarts, its port refuses connections.
      retryAttempts: 500,
      shouldRetry: () => true,
      retryWait: () => sleep(20),
    })
    client.subscribe<{ changes: { cursor: string } }>(
      { query: RESUMABLE, variables },
      {
        next({ data, errors }) {
          assert.equal(errors, undefined)
          variables.after = data?.changes.cursor as string
          got.push(variables.after)
        },
        error: (e) => got.push(`error ${e}`),
        complete: () => got.push('complete'),
      },
    )
    return () => client.dispose()
  },
  'graphql-sse': (url, got, variables) => {
    const client = sseClient({ url, retryAttempts: 500, retry: () => sleep(20) })
    client.subscribe<{ changes: { cursor: string } }>(
      { query: RESUMABLE, variables },
      {
        next({ data, errors }) {
          assert.equal(errors, undefined)
          variables.after = data?.changes.cursor as string
          got.push(variables.after)
        },
        error: (e) => got.push(`error ${e}`),
        complete: () => got.push('complete'),
      },
    )
    return () => client.dispose()
  },
}

for (const [library, subscribe] of Object.entries(resuming))
  test(`${library} resumes by itself after a restart and a reload, and misses nothing`, async (t) => {
    const made = fixture()
    let local = await testGateway({ fixture: made })
    const port = Number(new URL(local.url).port)
    const got: string[] = []
    const variables: { after?: string } = {}
    const dispose = subscribe(local.url, got, variables)
    t.after(async () => {
      await dispose()
      await local.gateway.close(0)
    })
    const emit = (position: string) => made.emit({ position, id: 'c1' })
    await until(() => made.subscribers() === 1)
    emit('p1')
    await until(() => got.length === 1)

    await local.gateway.close(1_000)
    assert.equal(made.subscribers(), 0)
    emit('p2')
    local = await testGateway({ fixture: made, port })
    await until(() => got.length === 2)
    emit('p3')
    await until(() => got.length === 3)

    await local.gateway.reload(composeSupergraph(made.subgraphs), [...made.subgraphs])
    emit('p4')
    await until(() => got.length === 4)
    assert.deepEqual(got, ['p1', 'p2', 'p3', 'p4'])
  })

test('a stop answers the operations in progress before it closes their sockets', async () => {
  const local = await testGateway()
  const client = wsClient({
    url: local.url.replace('http', 'ws'),
    webSocketImpl: WebSocket,
    retryAttempts: 0,
  })
  const closes: { code: number; reason: string }[] = []
  client.on('closed', (e) => closes.push(e as (typeof closes)[number]))
  const slow = client.iterate({ query: '{ fails(how: "WAIT") }' }).next()
  const live = client.iterate({ query: RESUMABLE }).next()
  await until(() => local.fixture.subscribers() === 1)
  const closed = local.gateway.close(2_000)
  assert.deepEqual((await slow).value, { data: { fails: 'waited' } })
  await assert.rejects(live, { code: 1001, reason: 'SERVER_STOPPING' })
  await closed
  assert.equal(closes[0]?.code, 1001)
})

test('a reload ends all subscriptions, including those that just begin, and serves later ones', async (t) => {
  const local = await testGateway()
  t.after(() => local.gateway.close(0))
  const open = () => [
    sseClient({ url: local.url, retryAttempts: 0 }).iterate({ query: RESUMABLE }),
    wsClient({
      url: local.url.replace('http', 'ws'),
      webSocketImpl: WebSocket,
      retryAttempts: 0,
    }).iterate({ query: RESUMABLE }),
  ]
  const [sse, ws] = open().map((s) => s.next())
  await until(() => local.fixture.subscribers() === 2)
  await local.gateway.reload(composeSupergraph(local.fixture.subgraphs), [
    ...local.fixture.subgraphs,
  ])
  await assert.rejects(sse as Promise<unknown>, /Connection closed while having active streams/)
  await assert.rejects(ws as Promise<unknown>, { code: 1012, reason: 'GRAPH_CHANGED' })
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

/** Reads an event stream as text until it holds `count` events. */
async function readEvents(query: string, count: number, headers: Record<string, string> = {}) {
  const stop = new AbortController()
  const res = await fetch(`${it.url}?query=${encodeURIComponent(query)}`, {
    headers: { accept: 'text/event-stream', ...headers },
    signal: stop.signal,
  })
  let text = ''
  const read = async () => {
    for await (const chunk of res.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += chunk
      if (text.split('event: next').length > count) return stop.abort()
    }
  }
  return {
    events: read().then(
      () => text,
      () => text,
    ),
  }
}

for (const [name, query] of [
  ['bare', 'subscription { changes { detail } }'],
  ['literal', 'subscription { changes(after: "literal1") { detail } }'],
  ['spread', 'subscription { ...F } fragment F on Subscription { all: changes { position } }'],
] as const)
  test(`an event stream has ids, and resumes after Last-Event-ID: ${query}`, async () => {
    for (const n of [1, 2, 3]) world.emit({ position: name + n, id: 'c1' })
    const text = await (await readEvents(query, 2, { 'last-event-id': `${name}1` })).events
    assert.deepEqual(text.match(/^id: .*$/gm), [`id: ${name}2`, `id: ${name}3`])
    await until(() => world.subscribers() === 0)
  })

test('an id that is used again at once has its own operation', async () => {
  const socket = new WebSocket(it.url.replace('http', 'ws'), 'graphql-transport-ws')
  const messages: { id?: string; type: string; payload?: unknown }[] = []
  socket.on('message', (data) => messages.push(JSON.parse(String(data))))
  await new Promise((resolve) => socket.once('open', resolve))
  const send = (message: object) => socket.send(JSON.stringify(message))
  send({ type: 'connection_init' })
  await until(() => messages.length === 1)
  const subscribe = (query: string) => send({ id: '1', type: 'subscribe', payload: { query } })
  subscribe('subscription { changes { position } }')
  await until(() => world.subscribers() === 1)
  for (let n = 0; n < 3; n++) {
    send({ id: '1', type: 'complete' })
    subscribe('subscription { changes { position } }')
  }
  send({ id: '1', type: 'complete' })
  subscribe('{ head }')
  await until(() => messages.length === 3)
  assert.deepEqual(messages.slice(1), [
    { id: '1', type: 'next', payload: { data: { head: '0' } } },
    { id: '1', type: 'complete' },
  ])
  await until(() => world.subscribers() === 0)
  // The operation before it is abandoned: the next one does not wait for its response.
  const forever = world.forever()
  subscribe('{ fails(how: "FOREVER") }')
  await until(() => world.forever() === forever + 1)
  send({ id: '1', type: 'complete' })
  subscribe('{ head }')
  await until(() => messages.length === 5)
  socket.terminate()
})

test('a binary message that is not UTF-8 closes the socket', async () => {
  const socket = new WebSocket(it.url.replace('http', 'ws'), 'graphql-transport-ws')
  await new Promise((resolve) => socket.once('open', resolve))
  socket.send(Buffer.from('{"type":"connection_init","payload":{"x":"\u00fc"}}', 'latin1'))
  assert.equal(await new Promise((resolve) => socket.once('close', resolve)), 1007)
})
