import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createClient } from 'graphql-ws'
import { WebSocket } from 'ws'
import { ask, BOUNDS, testGateway } from '../gateway.ts'
import { until } from '../until.ts'

test('rejects operations over the concurrency limit with Retry-After and completes those in progress', async (t) => {
  const it = await testGateway({ bounds: { ...BOUNDS, operationsMax: 3 } })
  t.after(() => it.gateway.close(500))
  const responses = await Promise.all(
    Array.from({ length: 8 }, () => ask(it.url, '{ fails(how: "WAIT") }')),
  )
  assert.deepEqual(responses.map((a) => a.status).sort(), [200, 200, 200, 503, 503, 503, 503, 503])
  const refused = responses.find((a) => a.status === 503)
  assert.equal(refused?.body.errors[0].extensions.code, 'BUSY')
  assert.equal(refused?.headers.get('retry-after'), '1')
  assert.equal((await ask(it.url, '{ head }')).status, 200)
})

test('limits streams separately from operations', async (t) => {
  const it = await testGateway({ bounds: { ...BOUNDS, streamsMax: 1, operationsMax: 1 } })
  t.after(() => it.gateway.close(500))
  const stream = (signal?: AbortSignal) =>
    fetch(`${it.url}?query=${encodeURIComponent('subscription { changes { position } }')}`, {
      headers: { accept: 'text/event-stream' },
      signal: signal ?? null,
    })
  const disconnect = new AbortController()
  assert.equal((await stream(disconnect.signal)).status, 200)
  assert.equal((await stream()).status, 503)
  assert.equal(
    (await ask(it.url, '{ head }')).status,
    200,
    'a stream does not count as an operation',
  )
  disconnect.abort()
  await until(() => it.fixture.subscribers() === 0)
  // A query requested as a stream counts as an operation while it executes, before any data flows.
  const send = () =>
    fetch(`${it.url}?query=${encodeURIComponent('{ fails(how: "WAIT") }')}`, {
      headers: { accept: 'text/event-stream' },
    })
  const both = await Promise.all([send(), send()])
  assert.deepEqual(both.map((r) => r.status).sort(), [200, 503])
  await Promise.all(both.map((r) => r.text()))
  await until(async () => {
    const again = new AbortController()
    const { status } = await stream(again.signal)
    again.abort()
    return status === 200
  })

  await until(() => it.fixture.subscribers() === 0)
  const url = it.url.replace('http', 'ws')
  const first = createClient({ url, webSocketImpl: WebSocket, retryAttempts: 0 })
  t.after(() => first.dispose())
  const events = first.iterate({ query: 'subscription { changes { position } }' })
  const next = events.next()
  await until(() => it.fixture.subscribers() === 1)
  const second = new WebSocket(url, 'graphql-transport-ws')
  const error = await new Promise<Error>((resolve) => second.once('error', resolve))
  assert.match(error.message, /503/)
  it.fixture.emit({ position: '1', id: 'c1' })
  assert.deepEqual((await next).value, { data: { changes: { position: '1' } } })
})

test('a client that disconnects during its operation affects no other client', async (t) => {
  const it = await testGateway()
  t.after(() => it.gateway.close(500))
  const disconnect = new AbortController()
  const body = JSON.stringify({ query: '{ fails(how: "WAIT") }' })
  const request = fetch(it.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
    signal: disconnect.signal,
  })
  setTimeout(() => disconnect.abort(), 50)
  await assert.rejects(request)
  assert.equal((await ask(it.url, '{ fails(how: "WAIT") }')).body.data.fails, 'waited')
  assert.deepEqual(it.logged, [])
})
