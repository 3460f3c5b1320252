import assert from 'node:assert/strict'
import { request } from 'node:http'
import { after, before, test } from 'node:test'
import { WebSocket } from 'ws'
import { testGateway } from '../gateway.ts'

const ALLOWED = 'https://app.example'
const FOREIGN = [
  'https://other.example',
  'https://app.example.other.example',
  'https://app.example:8443',
  'http://app.example',
  'https://app.example/',
  'https://sub.app.example',
  'null',
  'https://app.example, https://app.example',
]

let it: Awaited<ReturnType<typeof testGateway>>
let closed: Awaited<ReturnType<typeof testGateway>>
before(async () => {
  it = await testGateway({ originsAllowed: [ALLOWED, 'http://localhost:5173'] })
  closed = await testGateway()
})
after(() => Promise.all([it.gateway.close(0), closed.gateway.close(0)]))

interface Raw {
  method?: string
  path?: string
  headers?: Record<string, string>
  body?: string
}

/** fetch would not send these headers. */
function send(url: string, { method = 'POST', path = '/graphql', headers = {}, body }: Raw) {
  return new Promise<{ status: number; headers: Record<string, unknown>; text: string }>(
    (resolve, reject) => {
      const { hostname, port } = new URL(url)
      const all = { 'content-type': 'application/json', ...headers }
      const req = request({ hostname, port, path, method, headers: all }, async (res) => {
        let text = ''
        for await (const chunk of res) text += chunk
        resolve({ status: res.statusCode ?? 0, headers: res.headers, text })
      })
      req.once('error', reject)
      req.end(body)
    },
  )
}

const preflight = (origin: string, more: Record<string, string> = {}): Raw => ({
  method: 'OPTIONS',
  headers: {
    origin,
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'authorization, content-type, last-event-id',
    ...more,
  },
})
const query = (origin: string, text = '{head}', more: Record<string, string> = {}): Raw => ({
  headers: { origin, ...more },
  body: JSON.stringify({ query: text }),
})

test('a preflight of an allowed origin names the origin, the methods and the headers', async () => {
  const { status, headers } = await send(it.url, preflight(ALLOWED))
  assert.equal(status, 204)
  assert.equal(headers['access-control-allow-origin'], ALLOWED)
  assert.equal(headers['access-control-allow-credentials'], 'true')
  assert.equal(headers['access-control-allow-methods'], 'GET, POST')
  assert.equal(
    headers['access-control-allow-headers'],
    'authorization, content-type, last-event-id',
  )
  assert.equal(headers.vary, 'Origin')
  assert.equal(headers['access-control-allow-private-network'], undefined)
})

test('a preflight from a public page into a private network is answered too', async () => {
  const asked = preflight(ALLOWED, { 'access-control-request-private-network': 'true' })
  const { headers } = await send(it.url, asked)
  assert.equal(headers['access-control-allow-private-network'], 'true')
})

test('results, errors and event streams of an allowed origin can be read by its pages', async () => {
  const requests: [string, Raw][] = [
    ['a result', query(ALLOWED)],
    ['an error', query(ALLOWED, '{nothing}')],
    ['a status', query(ALLOWED, 'subscription { changes { position } }')],
    ['no JSON', { headers: { origin: ALLOWED }, body: '{' }],
    ['a method', { method: 'PUT', headers: { origin: ALLOWED } }],
    ['a stream', query(ALLOWED, '{head}', { accept: 'text/event-stream' })],
    ['a path', { path: '/nothing', headers: { origin: ALLOWED } }],
  ]
  for (const [what, raw] of requests) {
    const { headers } = await send(it.url, raw)
    assert.equal(headers['access-control-allow-origin'], ALLOWED, what)
    assert.match(String(headers['access-control-expose-headers']), /x-correlation-id/, what)
    assert.equal(headers.vary, 'Origin', what)
  }
})

test('other origins are refused, and get no header that lets them read', async () => {
  for (const origin of FOREIGN)
    for (const raw of [preflight(origin), query(origin)]) {
      const { status, headers } = await send(it.url, raw)
      assert.equal(status, 403, origin)
      assert.equal(headers['access-control-allow-origin'], undefined, origin)
      assert.equal(headers['access-control-allow-credentials'], undefined, origin)
    }
})

test('without the setting every origin is refused', async () => {
  for (const origin of [ALLOWED, 'null'])
    for (const raw of [preflight(origin), query(origin)]) {
      const { status, headers } = await send(closed.url, raw)
      assert.deepEqual([status, headers['access-control-allow-origin']], [403, undefined])
      assert.equal(headers.vary, undefined)
    }
})

test('requests without an origin and of its own host are answered as before', async () => {
  const { host } = new URL(it.url)
  const own: Record<string, string>[] = [{}, { origin: `http://${host}` }]
  for (const headers of own) {
    const answer = await send(it.url, { headers, body: '{"query":"{head}"}' })
    assert.equal(answer.status, 200)
    assert.equal(answer.headers['access-control-allow-origin'], undefined)
  }
  assert.equal((await send(it.url, { method: 'OPTIONS' })).status, 405)
})

test('deliveries of source systems are no requests of pages', async () => {
  const { status } = await send(it.url, { ...preflight(ALLOWED), path: '/ingest/stripe' })
  assert.equal(status, 405)
})

test('WebSockets open for an allowed origin alone', async () => {
  const open = (url: string, origin: string) =>
    new Promise<string>((resolve) => {
      const socket = new WebSocket(url.replace('http', 'ws'), 'graphql-transport-ws', { origin })
      socket.once('open', () => {
        socket.close()
        resolve('open')
      })
      socket.once('error', (e) => resolve(e.message))
    })
  assert.equal(await open(it.url, ALLOWED), 'open')
  assert.equal(await open(it.url, 'http://localhost:5173'), 'open')
  for (const origin of FOREIGN) assert.match(await open(it.url, origin), /403/, origin)
  assert.match(await open(closed.url, ALLOWED), /403/)
})

test('pages of an allowed origin may embed GraphiQL', async () => {
  const policy = async (url: string) => {
    const { headers } = await send(url, { method: 'GET', headers: { accept: 'text/html' } })
    return String(headers['content-security-policy'])
  }
  assert.match(
    await policy(it.url),
    /frame-ancestors https:\/\/app\.example http:\/\/localhost:5173$/,
  )
  assert.match(await policy(closed.url), /frame-ancestors 'none'$/)
})

test('pages of other sites and other ports run nothing without an origin', async () => {
  const path = '/graphql?query=%7Bhead%7D'
  const get = async (headers: Record<string, string>, at = path) =>
    (await send(it.url, { method: 'GET', path: at, headers })).status
  for (const site of ['cross-site', 'same-site']) {
    for (const mode of ['no-cors', 'navigate', 'cors', 'websocket'])
      for (const dest of ['image', 'script', 'document', 'iframe', 'empty', 'style']) {
        const headers = { 'sec-fetch-site': site, 'sec-fetch-mode': mode, 'sec-fetch-dest': dest }
        assert.equal(await get(headers), 403, `${site} ${mode} ${dest}`)
        assert.equal(await get({ ...headers, accept: 'text/event-stream' }), 403)
        assert.equal(await get({ ...headers, accept: 'text/html' }), 403)
      }
    const form = { 'sec-fetch-site': site, 'sec-fetch-mode': 'navigate' }
    assert.equal((await send(it.url, { headers: form, body: '{"query":"{head}"}' })).status, 403)
    assert.equal(
      await get({ 'sec-fetch-site': site, 'sec-fetch-mode': 'no-cors' }, '/metrics'),
      403,
    )
    // A link to GraphiQL opens it: the page runs nothing by itself.
    assert.equal(await get({ ...form, accept: 'text/html' }, '/graphql'), 200)
  }
  for (const site of ['same-origin', 'none'])
    assert.equal(await get({ 'sec-fetch-site': site, 'sec-fetch-mode': 'cors' }), 200, site)
})

test('simple requests of a form are refused', async () => {
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data']) {
    const headers = { 'content-type': type }
    assert.equal((await send(it.url, { headers, body: '{"query":"{head}"}' })).status, 415, type)
  }
})
