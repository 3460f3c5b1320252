import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { createServer, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Connector } from '../../../connectors/contract.ts'
import { openConnectors } from '../../../connectors/openConnectors.ts'
import { sign } from '../../../connectors/signature.ts'
import { HttpError } from '../../../gateway/httpError.ts'
import { createIngest, type IngestOptions } from '../../../gateway/ingest/deliveries.ts'
import { DeliveryBounds } from '../../../gateway/ingest/deliveryBounds.ts'
import { connectors, inFolder, policy } from '../../connectors/fixture.ts'

const now = Date.UTC(2026, 2, 1, 9, 30)
const correlationId = '6f2d6c0e-8f7c-4a63-9a55-0d7a2b1c9e11'
const stripeSecret = connectors.get('stripe')?.system.secrets[0] ?? ''
const secret = 'tsd_of-the-start'
const shopSecret = connectors.get('webshop')?.system.secrets[0] ?? ''

/** Opens a system of the kind generic whose mapping defines its events. */
function defined(events: string): Connector {
  return inFolder((dir) => {
    const objects = 'objects: { customers: { as: Customer, id: id, fields: { name: name } } }'
    writeFileSync(join(dir, 'm.yaml'), `events:\n${events}\n${objects}\n`)
    writeFileSync(
      join(dir, 'sources.yaml'),
      'sources: [{ name: own, kind: generic, role: CRM, trust: 1, mapping: m.yaml, secret: { env: OWN } }]',
    )
    const made = openConnectors(join(dir, 'sources.yaml'), policy, { OWN: 'shop-secret' })
    return made.get('own') as Connector
  })
}
const topics = defined(`
  verify: { hmac: sha256, header: X-Signature, as: base64, over: [body] }
  object: { from: $.header.X-Topic, extract: "^(.+)/" }
  operation: { from: $.header.X-Topic, extract: "/(.+)$", map: { update: upsert, delete: delete } }`)
const basic = defined('  verify: { basic: { user: us } }')

let stored: Parameters<IngestOptions['accept']>[0]
let acceptBehaviour: () => Promise<void>
let reported: unknown[]
let server: Server

before(async () => {
  const seen = new Set<string>()
  const ingest = createIngest({
    sources: new Map([...connectors, ['topics', topics], ['basic', basic]]),
    async accept(messages) {
      await acceptBehaviour()
      const fresh = messages.filter((m) => !seen.has(m.messageId) && seen.add(m.messageId))
      stored.push(...fresh)
      // The response must not contain these internal values.
      return {
        accepted: fresh.length,
        duplicates: messages.length - fresh.length,
        firstId: 1,
        lastId: 2,
      }
    },
    isSecret: (text) => text === secret,
    now: () => now,
    report: (e) => reported.push(e),
    bodyBytesMax: 100_000,
    bodyMsMax: 300,
    acceptMsMax: 300,
    limits: { deliveriesMax: 3 },
  })
  server = createServer((req, res) => {
    // The developer's requests, unless they say otherwise.
    if (!req.url?.includes('basic')) req.headers.authorization ??= `Bearer ${secret}`
    ingest(req, res, { source: (req.url ?? '').slice('/ingest/'.length), correlationId }).catch(
      (e: unknown) => {
        reported.push(e)
        res.writeHead(500).end()
      },
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})
after(() => {
  server.closeAllConnections()
  server.close()
})

function reset() {
  stored = []
  reported = []
  acceptBehaviour = async () => {}
}

async function post(
  path: string,
  body: string | Uint8Array,
  headers: Record<string, string>,
  type = 'application/json',
) {
  const { port } = server.address() as AddressInfo
  const response = await fetch(`http://127.0.0.1:${port}/ingest/${path}`, {
    method: 'POST',
    body: typeof body === 'string' ? body : Buffer.from(body),
    headers: { 'content-type': type, ...headers },
  })
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as Record<string, unknown>,
  }
}

const stripeHeaders = (body: string | Uint8Array, at = now) =>
  sign('STRIPE', stripeSecret, body, at, '')
const event = (id: string) =>
  JSON.stringify({
    id,
    object: 'event',
    created: 1,
    type: 'customer.updated',
    data: { object: { id: 'cus_1', object: 'customer' } },
  })

test('acknowledges a signed delivery once it is stored, and a repeated one without storing it again', async () => {
  reset()
  const body = event('evt_ok')
  const first = await post('stripe', body, stripeHeaders(body))
  assert.deepEqual([first.status, first.body], [202, { accepted: 1, duplicates: 0, correlationId }])
  assert.deepEqual(stored, [
    {
      source: 'stripe',
      messageId: 'evt_ok',
      object: 'customer',
      format: 'event',
      body,
      correlationId,
      traceparent: null,
    },
  ])
  const second = await post('stripe', body, stripeHeaders(body))
  assert.deepEqual(
    [second.status, second.body],
    [200, { accepted: 0, duplicates: 1, correlationId }],
  )
})

test('stores the body byte for byte', async () => {
  reset()
  const body = ` ${event('evt_bytes').replace('"cus_1"', '"cus_1" , "name":"Jürgen 😀"')}\n`
  assert.equal((await post('stripe', body, stripeHeaders(body))).status, 202)
  assert.equal(stored[0]?.body, body)
})

test('passes the headers of a delivery on, for events whose object a header names', async () => {
  reset()
  const body = '{"id":5,"name":"A"}'
  const signature = createHmac('sha256', 'shop-secret').update(body).digest('base64')
  const response = await post('topics', body, {
    'x-signature': signature,
    'x-topic': 'customers/delete',
  })
  assert.deepEqual([response.status, stored[0]?.object], [202, 'customers'])
  const read = topics.read('event', stored[0]?.body ?? '', null)
  assert.deepEqual(
    read.map((c) => [c.object, c.sourceId, c.deleted]),
    [['customers', '5', true]],
  )
  assert.equal((await post('topics', body, {})).body.code, 'NO_SIGNATURE')
  const other = await post('topics', body, { 'x-signature': 'AAAA' })
  assert.equal(other.body.code, 'WRONG_SIGNATURE')
})

test('asks a sender that waits for it for Basic credentials', async () => {
  reset()
  const asked = await post('basic', '{"id":5,"name":"A"}', {})
  assert.deepEqual([asked.status, asked.body.code], [401, 'NO_SIGNATURE'])
  assert.equal(asked.headers.get('www-authenticate'), 'Basic realm="touchstone"')
  const authorization = `Basic ${Buffer.from('us:shop-secret').toString('base64')}`
  const sent = await post('basic/customers', '{"id":5,"name":"A"}', { authorization })
  assert.deepEqual([sent.status, stored[0]?.object], [202, 'customers'])
})

test('stores several records of one body as separate messages', async () => {
  reset()
  const body = JSON.stringify([{ shop_customer_id: '1' }, { shop_customer_id: '2' }])
  const response = await post(
    'webshop/customers',
    body,
    sign('STANDARD_WEBHOOKS', shopSecret, body, now, 'msg_batch'),
  )
  assert.deepEqual(response.body, { accepted: 2, duplicates: 0, correlationId })
  assert.deepEqual(
    stored.map((m) => [m.messageId, m.object]),
    [
      ['msg_batch/0', 'customers'],
      ['msg_batch/1', 'customers'],
    ],
  )
})

test('acknowledges an object without a mapping: it becomes an exception, and nothing is lost', async () => {
  reset()
  const body = '{"a":1}'
  const response = await post(
    'webshop/custmers',
    body,
    sign('STANDARD_WEBHOOKS', shopSecret, body, now, 'msg_unknown'),
  )
  assert.equal(response.status, 202)
  assert.equal(stored[0]?.object, 'custmers')
})

test('rejects each bad delivery with its status and code, and stores nothing of it', async () => {
  reset()
  const body = event('evt_bad')
  const good = stripeHeaders(body)
  const utf8 = Buffer.from([0x7b, 0xff, 0x7d])
  const large = JSON.stringify({ x: 'y'.repeat(200_000) })
  const many = JSON.stringify({ items: Array(10_000).fill(1) })
  const cases: [string, number, string, () => ReturnType<typeof post>][] = [
    ['unknown source', 404, 'UNKNOWN_SOURCE', () => post('strip', body, good)],
    ['no source', 404, 'UNKNOWN_SOURCE', () => post('', body, good)],
    ['path too long', 404, 'UNKNOWN_SOURCE', () => post('stripe/customer/x', body, good)],
    ['no signature', 401, 'NO_SIGNATURE', () => post('stripe', body, {})],
    ['wrong signature', 401, 'WRONG_SIGNATURE', () => post('stripe', `${body} `, good)],
    ['another system’s signature', 401, 'NO_SIGNATURE', () => post('netsuite', body, good)],
    [
      'replayed',
      401,
      'STALE_TIMESTAMP',
      () => post('stripe', body, stripeHeaders(body, now - 301_000)),
    ],
    [
      'future',
      401,
      'FUTURE_TIMESTAMP',
      () => post('stripe', body, stripeHeaders(body, now + 301_000)),
    ],
    ['broken JSON', 400, 'BROKEN_JSON', () => post('stripe', '{"a":', stripeHeaders('{"a":'))],
    ['empty body', 400, 'BROKEN_JSON', () => post('stripe', '', stripeHeaders(''))],
    ['no UTF-8', 400, 'NOT_UTF8', () => post('stripe', utf8, stripeHeaders(utf8))],
    ['too large', 413, 'BODY_TOO_LARGE', () => post('stripe', large, stripeHeaders(large))],
    ['10,000 elements', 413, 'TOO_MANY_ELEMENTS', () => post('stripe', many, stripeHeaders(many))],
    [
      'form',
      415,
      'UNSUPPORTED_TYPE',
      () => post('stripe', body, good, 'application/x-www-form-urlencoded'),
    ],
    [
      'gzip',
      415,
      'UNSUPPORTED_ENCODING',
      () => post('stripe', body, { ...good, 'content-encoding': 'gzip' }),
    ],
  ]
  for (const [what, status, code, send] of cases) {
    const response = await send()
    assert.deepEqual(
      [response.status, response.body.code],
      [status, code],
      `${what}: ${JSON.stringify(response.body)}`,
    )
    assert.equal(response.body.correlationId, correlationId)
    assert.ok(String(response.body.message).length > 10, what)
  }
  assert.deepEqual(stored, [])
  assert.deepEqual(reported, [])
})

test('rejects a body without a content length that grows beyond the limit', async () => {
  reset()
  const { port } = server.address() as AddressInfo
  const status = await new Promise<number>((resolve, reject) => {
    const req = request(
      {
        port,
        path: '/ingest/stripe',
        method: 'POST',
        headers: { 'content-type': 'application/json', ...stripeHeaders('') },
      },
      (res) => {
        res.resume()
        resolve(res.statusCode ?? 0)
      },
    )
    req.on('error', reject)
    for (let i = 0; i < 20; i++) req.write('x'.repeat(10_000))
    req.end()
  })
  assert.equal(status, 413)
})

test('does not wait for a body that never arrives', async () => {
  reset()
  const { port } = server.address() as AddressInfo
  const [status, text] = await new Promise<[number, string]>((resolve, reject) => {
    const req = request(
      {
        port,
        path: '/ingest/stripe',
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'content-length': '1000',
          ...stripeHeaders(''),
        },
      },
      (res) => {
        let text = ''
        res.on('data', (chunk: Buffer) => (text += chunk))
        res.on('end', () => {
          resolve([res.statusCode ?? 0, text])
          req.destroy()
        })
      },
    )
    req.on('error', reject)
    req.write('{')
  })
  assert.equal(status, 408)
  assert.equal(JSON.parse(text).code, 'BODY_TIMEOUT')
})

test('asks the sender to retry while the database is unavailable or does not respond, then accepts the same delivery', async () => {
  reset()
  const body = event('evt_later')
  for (const broken of [
    () => Promise.reject(new Error('ECONNREFUSED 10.0.0.1:5432')),
    () => new Promise<void>(() => {}),
  ]) {
    acceptBehaviour = broken
    const response = await post('stripe', body, stripeHeaders(body))
    assert.deepEqual([response.status, response.body.code], [503, 'NOT_STORED'])
    assert.ok(Number(response.headers.get('retry-after')) > 0)
    assert.ok(
      !JSON.stringify(response.body).includes('10.0.0.1'),
      'the response has no internal details',
    )
  }
  assert.equal(reported.length, 2)
  acceptBehaviour = async () => {}
  assert.equal((await post('stripe', body, stripeHeaders(body))).status, 202)
})

test('asks senders to retry when there are more concurrent deliveries than the limit', async () => {
  reset()
  let release = () => {}
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  acceptBehaviour = () => held
  const bodies = ['evt_a', 'evt_b', 'evt_c', 'evt_d'].map(event)
  const responses = bodies.map((body) => post('stripe', body, stripeHeaders(body)))
  const first = await Promise.race(responses)
  assert.deepEqual([first.status, first.body.code], [429, 'BUSY'])
  release()
  const all = await Promise.all(responses)
  assert.deepEqual(all.map((a) => a.status).sort(), [202, 202, 202, 429])
})

test('a source system without a secret accepts no deliveries', async () => {
  const shop = connectors.get('webshop')
  assert.ok(shop)
  assert.equal(shop.verify({}, Buffer.from('{}'), now).ok, false)
})

test('accepts the publicly known development secret only under a host name of this machine', async () => {
  reset()
  assert.equal(connectors.get('stripe')?.system.developmentSecret, true)
  const body = JSON.stringify({
    id: 'evt_tunnel',
    object: 'event',
    type: 'customer.updated',
    data: {},
  })
  const { port } = server.address() as AddressInfo
  const ask = (headers: Record<string, string>) =>
    new Promise<number | undefined>((resolve, reject) => {
      const sent = request(
        { port, host: '127.0.0.1', path: '/ingest/stripe', method: 'POST' },
        (res) => {
          res.resume()
          resolve(res.statusCode)
        },
      )
      sent.once('error', reject)
      const all = { 'content-type': 'application/json', ...stripeHeaders(body), ...headers }
      for (const [name, value] of Object.entries(all)) sent.setHeader(name, value)
      sent.end(body)
    })
  assert.equal(await ask({ host: 'hooks.example.com' }), 401)
  assert.equal(await ask({ host: `localhost:${port}`, origin: 'https://elsewhere.example' }), 401)
  assert.deepEqual(stored, [])
  assert.equal(await ask({ host: 'localhost:4000' }), 401, 'a proxy on another port')
  assert.equal(await ask({ 'x-acme-sender': '198.51.100.7' }), 401)
  assert.deepEqual(stored, [])
  // Another user of this machine knows the public secret too.
  for (const authorization of [
    'Bearer tsd_another',
    'Bearer tsd_',
    `Bearer ${secret}x`,
    `${secret}`,
  ])
    assert.equal(await ask({ authorization }), 401, authorization)
  assert.deepEqual(stored, [])
  assert.equal(await ask({ host: `localhost:${port}` }), 202)
})

test('rejects a delivery without a signature before its body arrives', async () => {
  reset()
  const { port } = server.address() as AddressInfo
  const status = await new Promise<number | undefined>((resolve, reject) => {
    const req = request({
      port,
      path: '/ingest/stripe',
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-length': '1000' },
    })
    req.once('response', (res) => {
      resolve(res.statusCode)
      req.destroy()
    })
    req.once('error', reject)
    req.write('{')
  })
  assert.equal(status, 401)
  assert.deepEqual(stored, [])
})

test('one source system cannot use the slots or memory of others, nor exceed its rate', () => {
  let now = 0
  const limits = {
    deliveriesMax: 10,
    sourceDeliveriesMax: 2,
    bytesMax: 1_000,
    sourcePerMinuteMax: 60,
  }
  const room = new DeliveryBounds(limits, () => now)
  const refused = (work: () => unknown, code: string) =>
    assert.throws(
      work,
      (e) =>
        e instanceof HttpError && e.status === 429 && e.code === code && (e.retrySeconds ?? 0) > 0,
    )
  const ends = [room.begin('slow', 10), room.begin('slow', 10)]
  refused(() => room.begin('slow', 10), 'TOO_MANY_DELIVERIES')
  room.begin('quick', 10)()
  refused(() => room.begin('quick', 981), 'BUSY')
  const whole = room.begin('quick', 980)
  refused(() => room.begin('third', 1), 'BUSY')
  for (const end of [...ends, ...ends, whole]) end()
  room.begin('slow', 1_000)()
  // A burst may use a tenth of the rate per minute; after that, time refills it.
  for (let i = 0; i < 6; i++) room.count('slow')
  refused(() => room.count('slow'), 'RATE_LIMITED')
  room.count('quick')
  now += 1_000
  room.count('slow')
  refused(() => room.count('slow'), 'RATE_LIMITED')
})

test('a stalled sender uses slots of its own source system only, until its timeout', async () => {
  reset()
  const { port } = server.address() as AddressInfo
  const slow = Array.from({ length: 3 }, () => {
    const sent = request({
      port,
      host: '127.0.0.1',
      path: '/ingest/stripe',
      method: 'POST',
      headers: {
        ...stripeHeaders('x'),
        'content-type': 'application/json',
        'content-length': '50',
      },
    })
    sent.on('error', () => {})
    sent.write('{')
    return new Promise<number | undefined>((resolve) =>
      sent.on('response', (res) => {
        res.resume()
        resolve(res.statusCode)
      }),
    )
  })
  assert.deepEqual(await Promise.all(slow), [408, 408, 408])
  const body = event('evt_after')
  assert.equal((await post('stripe', body, stripeHeaders(body))).status, 202)
})
