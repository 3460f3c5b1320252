import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { dataDirectory } from '../cli/process.ts'
import { testDatabase } from '../database.ts'
import { ask } from '../gateway/gateway.ts'
import { natsServer, withoutNats } from '../mdm/jetstream/natsServer.ts'
import { contents, natsAt } from '../mdm/jetstream/setting.ts'
import { startReceiver } from '../mdm/webhooks/receiver.ts'
import { until } from '../mdm/webhooks/setting.ts'
import { delivery, post } from './deliveries.ts'
import { running } from './running.ts'

interface Span {
  name: string
  traceId: string
  spanId: string
  parentSpanId?: string
}

/** Starts a collector that accepts OTLP over HTTP as JSON. */
async function collector() {
  const bodies: string[] = []
  const server = createServer((req, res) => {
    let body = ''
    req.setEncoding('utf8').on('data', (text) => {
      body += text
    })
    req.on('end', () => {
      bodies.push(body)
      res.writeHead(200, { 'content-type': 'application/json' }).end('{}')
    })
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    bodies,
    spans: (): Span[] =>
      bodies.flatMap((b) =>
        JSON.parse(b).resourceSpans.flatMap((r: { scopeSpans: { spans: Span[] }[] }) =>
          r.scopeSpans.flatMap((s) => s.spans),
        ),
      ),
    async close() {
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    },
  }
}

test('one message has one trace from its source to webhook and stream, in spans, envelopes and headers, without personal data', async (t) => {
  const { dir } = dataDirectory(t)
  const db = await testDatabase({ connectionsMax: 1 })
  const otlp = await collector()
  const receiver = await startReceiver()
  const nats = withoutNats ? null : await natsServer()
  if (withoutNats) t.diagnostic(withoutNats)
  t.after(async () => {
    await receiver.close()
    await otlp.close()
    await nats?.stop()
    await db.drop()
  })
  const it = await running(dir, {
    DATABASE_URL: db.url,
    TOUCHSTONE_OTLP_URL: otlp.url,
    TOUCHSTONE_WEBHOOK_NETWORKS: '127.0.0.1',
    TOUCHSTONE_WEBHOOK_HTTP: 'allowed',
    TOUCHSTONE_WEBHOOK_PORTS: String(receiver.port),
    ...(nats ? { TOUCHSTONE_NATS_URL: nats.url } : {}),
  })
  t.after(() => void it.command.child.kill('SIGKILL'))
  const register = `mutation ($url: String!) { registerWebhook(input: { url: $url, filter: {} }) { __typename } }`
  const { registerWebhook } = await it.query(register, { url: receiver.url })
  assert.equal(registerWebhook.__typename, 'WebhookDone')

  const [traceId, asked] = ['4bf92f3577b34da6a3ce929d0e0e4736', '0af7651916cd43dd8448eb211c80319c']
  const body = JSON.stringify({
    id: 'evt_1',
    object: 'event',
    created: 1_767_225_600,
    type: 'customer.updated',
    data: {
      object: {
        id: 'cus_1',
        object: 'customer',
        name: 'Anna Ölsson GmbH',
        email: 'anna@olsson.example',
      },
    },
  })
  const sent = delivery('stripe', null, body)
  const { body: answer } = await post(it.url, sent, {
    headers: { traceparent: `00-${traceId}-00f067aa0ba902b7-01` },
  })
  await until(() => receiver.received.length > 0)
  const [got] = receiver.received
  assert.ok(got)
  assert.match(got.event.traceparent ?? '', new RegExp(`^00-${traceId}-`))
  assert.match(got.headers.traceparent ?? '', new RegExp(`^00-${traceId}-`))
  assert.equal(got.event.correlationid, answer.correlationId)
  if (nats) {
    await until(async () => (await contents(natsAt(nats.url))).length > 0)
    assert.match(
      (await contents(natsAt(nats.url)))[0]?.event.traceparent ?? '',
      new RegExp(`^00-${traceId}-`),
    )
  }
  await ask(it.url, '{ customers(first: 1) { nodes { id name } } }', {
    headers: { traceparent: `00-${asked}-00f067aa0ba902b7-01` },
  })
  const names = (trace: string) =>
    new Set(otlp.spans().flatMap((s) => (s.traceId === trace ? s.name : [])))
  const missing = (trace: string, wanted: string[]) =>
    wanted.filter((name) => !names(trace).has(name))
  const ofMessage = [
    'ingest',
    'sql with inbox',
    'apply message',
    'golden event',
    'webhook delivery',
  ]
  const ofQuery = ['graphql query', 'subgraph customer']
  const wanted = [...ofMessage, ...(nats ? ['jetstream publish'] : [])]
  await until(() => missing(traceId, wanted).length + missing(asked, ofQuery).length === 0)
  await until(() => [...names(asked)].some((n) => n.startsWith('sql select')))

  const spans = otlp.spans().filter((s) => s.traceId === traceId)
  const ingest = spans.find((s) => s.name === 'ingest')
  assert.equal(ingest?.parentSpanId, '00f067aa0ba902b7', "its parent is the caller's span")
  for (const name of ofMessage.slice(1))
    assert.equal(spans.find((s) => s.name === name)?.parentSpanId, ingest?.spanId, name)
  assert.equal(got.event.traceparent, `00-${traceId}-${ingest?.spanId}-01`)
  assert.ok(otlp.bodies.some((b) => b.includes(answer.correlationId ?? '-')))
  for (const text of otlp.bodies) assert.doesNotMatch(text, /lsson|anna|cus_1/i)
  assert.equal(await it.stop(), 0)
})
