import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Writable } from 'node:stream'
import { after, before, test } from 'node:test'
import type { GraphQLError } from 'graphql'
import { createClient as wsClient } from 'graphql-ws'
import pino from 'pino'
import { WebSocket } from 'ws'
import {
  type SubgraphService,
  startSubgraphService,
} from '../../../gateway/federation/subgraphService.ts'
import { internalTokens } from '../../../gateway/identity/internal.ts'
import { type Fixture, fixture } from '../fixture.ts'
import { ask, BOUNDS, testGateway } from '../gateway.ts'
import { until } from '../until.ts'

/**
 * Repeats the checks of queries.test.ts, mask.test.ts and streams.test.ts with each subgraph as a
 * separate service.
 */
let it: Awaited<ReturnType<typeof testGateway>>
/**
 * A second gateway over these services with a short timeout, long enough for a query to arrive on a
 * busy machine.
 */
let hasty: typeof it
let world: Fixture
let services: SubgraphService[]
const internal = internalTokens('a secret of gateway and services')
const logged: string[] = []
before(async () => {
  world = fixture()
  const log = pino(
    { level: 'warn' },
    new Writable({
      write(line, _encoding, done) {
        logged.push(String(line))
        done()
      },
    }),
  )
  services = await Promise.all(
    world.subgraphs.map((subgraph) =>
      startSubgraphService({
        subgraph,
        host: '127.0.0.1',
        port: 0,
        bodyBytesMax: 100_000,
        internal,
        log,
      }),
    ),
  )
  const options = {
    fixture: world,
    // No subgraph runs in this process, so every response came over HTTP.
    subgraphs: [],
    internal,
    services: new Map(world.subgraphs.map((s, i) => [s.name, services[i]?.url ?? ''])),
  }
  it = await testGateway(options)
  hasty = await testGateway({ ...options, bounds: { ...BOUNDS, queryMsMax: 1_000 } })
})
after(async () => {
  await Promise.all([it, hasty].map((g) => g.gateway.close(1_000)))
  await Promise.all(services.map((s) => s.close()))
})

test('runs a query over three services, with one batch each and one correlation id', async () => {
  world.batches.length = 0
  const { body, headers } = await ask(
    it.url,
    '{ head customers(first: 2) { name invoices { id } } }',
  )
  assert.deepEqual(body.data, {
    head: '0',
    customers: [
      { name: 'Customer 0', invoices: [{ id: 'c0-1' }, { id: 'c0-2' }] },
      { name: 'Customer 1', invoices: [{ id: 'c1-1' }, { id: 'c1-2' }] },
    ],
  })
  const id = headers.get('x-correlation-id')
  assert.deepEqual(
    world.batches.map((b) => [b.subgraph, b.keys, b.correlationId]),
    [
      ['customer', ['c0', 'c1'], id],
      ['billing', ['c0', 'c1'], id],
    ],
  )
})

test('services mask errors and pass codes', async () => {
  const fails = async (how: string) =>
    (await ask(it.url, `{ fails(how: "${how}") }`)).body.errors[0]
  assert.equal((await fails('CODE')).extensions.code, 'NOT_FOUND')
  assert.equal((await fails('STORE')).extensions.code, 'UNAVAILABLE')
  const hidden = await fails('PLAIN')
  assert.equal(hidden.message, 'Internal error')
  assert.ok(logged.some((l) => l.includes(hidden.extensions.correlationId) && l.includes('secret')))
})

test('an event arrives with its current entity from other services', async (t) => {
  const client = wsClient({
    url: it.url.replace('http', 'ws'),
    webSocketImpl: WebSocket,
    retryAttempts: 0,
  })
  t.after(() => client.dispose())
  const query = 'subscription { changes { position customer { name invoices { id } } } }'
  const events = client.iterate<{ changes: unknown }>({ query })
  const first = events.next()
  await until(() => world.subscribers() === 1)
  for (const name of ['Old', 'New']) {
    world.names.set('c1', name)
    world.emit({ position: name, id: 'c1' })
    const { value } = name === 'Old' ? await first : await events.next()
    assert.deepEqual(value.data.changes, {
      position: name,
      customer: { name, invoices: [{ id: 'c1-1' }, { id: 'c1-2' }] },
    })
  }
  await client.dispose()
  await until(() => world.subscribers() === 0)
})

test('cancels the request to a service when the query times out or its client disconnects', async () => {
  const { body } = await ask(hasty.url, '{ fails(how: "FOREVER") }')
  assert.equal(body.errors[0].extensions.code, 'TIMEOUT')
  await until(() => world.abandoned.length === 1)
  const client = new AbortController()
  const gone = fetch(it.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: '{ fails(how: "FOREVER") }' }),
    signal: client.signal,
  })
  await until(() => world.forever() === 2)
  client.abort()
  await assert.rejects(gone)
  await until(() => world.abandoned.length === 2)
  const socket = wsClient({
    url: it.url.replace('http', 'ws'),
    webSocketImpl: WebSocket,
    retryAttempts: 0,
  })
  const ended = assert.rejects(socket.iterate({ query: '{ fails(how: "FOREVER") }' }).next(), {
    code: 4499,
  })
  await until(() => world.forever() === 3)
  socket.terminate()
  await ended
  await until(() => world.abandoned.length === 3)
  assert.deepEqual(world.abandoned, ['CLIENT_GONE', 'CLIENT_GONE', 'CLIENT_GONE'])
})

test('names a service with a different secret to callers, and both logs state the cause', async (t) => {
  const other = internalTokens('a secret that no service here has')
  const at = new Map(world.subgraphs.map((s, i) => [s.name, services[i]?.url ?? '']))
  const {
    gateway,
    url,
    logged: ours,
  } = await testGateway({ fixture: world, subgraphs: [], internal: other, services: at })
  t.after(() => gateway.close(0))
  logged.length = 0
  const socket = wsClient({
    url: url.replace('http', 'ws'),
    webSocketImpl: WebSocket,
    retryAttempts: 0,
  })
  t.after(() => socket.dispose())
  const ways = [
    ['changes', 'head', async () => (await ask(url, '{ head }')).body],
    [
      'customer',
      'rename',
      async () => (await ask(url, 'mutation { rename(id: "c1", name: "x") { id } }')).body,
    ],
    // This operation is not compiled.
    [
      'customer',
      'customers',
      async () => (await ask(url, '{ customers @include(if: true) { id } }')).body,
    ],
    [
      'changes',
      'changes',
      async () =>
        (await socket.iterate({ query: 'subscription { changes { position } }' }).next()).value,
    ],
  ] as const
  for (const [subgraph, field, run] of ways) {
    const { errors } = await run()
    const reported = errors.map((e: GraphQLError) => [
      e.extensions.code,
      e.extensions.subgraph,
      e.path?.[0],
    ])
    assert.deepEqual(reported, [['UNAVAILABLE', subgraph, field]])
    assert.doesNotMatch(JSON.stringify(errors), /secret/i)
    const logs = JSON.stringify(ours.splice(0))
    assert.match(
      logs,
      new RegExp(`"level":50.*service ${subgraph} .*TOUCHSTONE_INTERNAL_SECRET`),
      field,
    )
  }
  await Promise.all(Array.from({ length: 20 }, () => ask(url, '{ head }')))
  const theirs = logged.filter((l) => l.includes('TOUCHSTONE_INTERNAL_SECRET')).length
  assert.ok(
    theirs >= 2 && theirs < 20,
    `each service logs it once, not for each request: ${theirs}`,
  )
})

test('reports an unavailable service by a code without its address and returns the rest of the data', async () => {
  await services.splice(1, 1)[0]?.close()
  const { body } = await ask(it.url, '{ customers(first: 1) { name invoices { id } } }')
  assert.equal(body.errors[0].extensions.code, 'UNAVAILABLE')
  assert.equal(body.errors[0].extensions.subgraph, 'billing')
  assert.deepEqual(body.errors[0].path?.slice(0, 1), ['customers'])
  assert.doesNotMatch(JSON.stringify(body), /127\.0\.0\.1|ECONN|fetch/)
  assert.deepEqual((await ask(it.url, '{ customers(first: 1) { name } }')).body, {
    data: { customers: [{ name: 'Customer 0' }] },
  })
})

test('an event stream has ids, and resumes after Last-Event-ID', async () => {
  for (const position of ['r1', 'r2', 'r3']) world.emit({ position, id: 'c1' })
  for (const query of [
    'subscription { changes { cursor: position } }',
    'subscription { changes(after: "r3") { cursor: position } }',
    'subscription ($after: String) { changes(after: $after) { cursor: position } }',
  ]) {
    const stop = new AbortController()
    const res = await fetch(`${it.url}?query=${encodeURIComponent(query)}`, {
      headers: { accept: 'text/event-stream', 'last-event-id': 'r1' },
      signal: stop.signal,
    })
    let text = ''
    for await (const chunk of res.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += chunk
      if (text.includes('id: r3')) break
    }
    stop.abort()
    assert.deepEqual(text.match(/^id: .*$/gm), ['id: r2', 'id: r3'], query)
  }
  await until(() => world.subscribers() === 0)
})

test('an outage of every requested subgraph leaves null root fields, and is no client error', async () => {
  const cases = [
    ['{ invoice(id: "x") { id } }', { invoice: null }],
    ['{ a: invoice(id: "x") { id } b: invoice(id: "y") { id } }', { a: null, b: null }],
    ['{ invoice(id: "x") { id } head }', { invoice: null, head: '0' }],
    // The library executes operations with directives, and mutations.
    ['{ invoice(id: "x") @include(if: true) { id } }', { invoice: null }],
    [
      '{ a: invoice(id: "x") @skip(if: false) { id } b: invoice(id: "y") { id } }',
      { a: null, b: null },
    ],
    ['{ invoice(id: "x") @include(if: true) { id } head @skip(if: true) }', { invoice: null }],
    ['mutation { rename(id: "c1", name: "x") { id } }', { rename: null }],
    ['mutation { a: rename(id: "c1", name: "x") { kind: __typename } }', { a: null }],
    ['{ customers { id } }', null],
  ] as const
  await services.splice(0, 1)[0]?.close()
  for (const [query, data] of cases)
    for (const accept of ['application/json', 'application/graphql-response+json']) {
      const { status, body } = await ask(it.url, query, { headers: { accept } })
      assert.deepEqual([status, body.data], [200, data], query)
      assert.ok(body.errors.length > 0, query)
      for (const { path, extensions } of body.errors) {
        assert.equal(extensions.code, 'UNAVAILABLE', query)
        assert.equal(typeof path[0], 'string', query)
      }
    }
  const wrong = await ask(it.url, 'mutation { rename(id: $id, name: "x") { id } }', {
    headers: { accept: 'application/graphql-response+json' },
  })
  assert.equal(wrong.status, 400)
  const variable = await ask(it.url, 'mutation ($id: ID!) { rename(id: $id, name: "x") { id } }', {
    headers: { accept: 'application/graphql-response+json' },
  })
  assert.deepEqual([variable.status, 'data' in variable.body], [400, false])
})

test('a service that answers without an end is unavailable, and little of it is read', async (t) => {
  let bytesSent = 0
  const endless = createServer((_req, res) => {
    res.writeHead(200, { 'content-type': 'application/json' }).write('{"data":{"head":"')
    const chunk = 'x'.repeat(1_000_000)
    const send = () => {
      while (!res.destroyed) {
        bytesSent += chunk.length
        if (!res.write(chunk)) return void res.once('drain', send)
      }
    }
    send()
  })
  await new Promise<void>((resolve) => endless.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(endless.address() as AddressInfo).port}/graphql`
  const attacked = await testGateway({
    fixture: world,
    subgraphs: [],
    internal,
    services: new Map(world.subgraphs.map((s) => [s.name, url])),
  })
  t.after(async () => {
    endless.closeAllConnections()
    endless.close()
    await attacked.gateway.close(100)
  })
  const [error] = (await ask(attacked.url, '{ head }')).body.errors
  assert.equal(error.extensions.code, 'UNAVAILABLE')
  assert.ok(bytesSent < 120_000_000, `${bytesSent} bytes were taken`)
})
