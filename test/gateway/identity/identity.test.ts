import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createClient } from 'graphql-ws'
import { WebSocket } from 'ws'
import { readAccess } from '../../../gateway/identity/access.ts'
import { authenticatedCallers } from '../../../gateway/identity/callers.ts'
import { type FoundKey, keyVerifier } from '../../../gateway/identity/keys.ts'
import { remoteKeys } from '../../../gateway/identity/remoteKeys.ts'
import { tokenVerifier } from '../../../gateway/identity/token.ts'
import { ask, testGateway } from '../gateway.ts'
import { AUDIENCE, type Issuer, startIssuer } from '../issuer.ts'
import { until } from '../until.ts'

const KEY = `tsk_0123456789abcdef_${'s'.repeat(43)}`
const access = readAccess('config/access.yaml')
const keys = new Map<string, FoundKey>()
const store = { away: false, lookups: 0 }
let issuer: Issuer
let it: Awaited<ReturnType<typeof testGateway>>

before(async () => {
  issuer = await startIssuer()
  it = await testGateway({
    callers: authenticatedCallers({
      token: tokenVerifier(
        {
          issuer: issuer.url,
          audience: AUDIENCE,
          keys: remoteKeys({ issuer: issuer.url, refetchMsMin: 0 }),
          algorithms: ['ES256', 'RS256'],
          clockSkewSecondsMax: 0,
          rolesClaim: 'realm_access.roles',
        },
        access,
      ),
      key: keyVerifier(
        {
          async find(text) {
            store.lookups++
            if (store.away) throw new Error('connect ECONNREFUSED')
            return keys.get(text) ?? null
          },
          ageMsMax: 50,
        },
        access,
      ),
    }),
    recheckMs: 50,
  })
})
after(async () => {
  await it?.gateway.close(0)
  await issuer?.close()
})

const bearer = (text: string) => ({ authorization: `Bearer ${text}` })
const admin = { realm_access: { roles: ['admin'] } }
const query = '{ head }'
const seconds = (n: number) => Math.floor(Date.now() / 1000) + n

test('rejects callers without credentials over every transport', async () => {
  const { status, body, headers } = await ask(it.url, query)
  assert.equal(status, 401)
  assert.equal(body.errors[0].extensions.code, 'UNAUTHENTICATED')
  assert.match(headers.get('www-authenticate') ?? '', /^Bearer/)
  for (const [path, accept] of [
    ['?query={head}', 'application/json'],
    ['?query={head}', 'text/event-stream'],
    ['', 'text/html'],
  ])
    assert.equal(
      (await fetch(`${it.url}${path}`, { headers: { accept: accept ?? '' } })).status,
      401,
      accept,
    )
  assert.deepEqual(await closing({}), { code: 4401, reason: 'UNAUTHENTICATED' })
})

test('accepts a token of the issuer over every transport', async () => {
  const headers = bearer(await issuer.sign(admin))
  assert.deepEqual((await ask(it.url, query, { headers })).body, { data: { head: '0' } })
  const stream = await fetch(`${it.url}?query={head}`, {
    headers: { ...headers, accept: 'text/event-stream' },
  })
  assert.match(await stream.text(), /event: next\ndata: \{"data":\{"head":"0"\}\}/)
  for (const options of [
    { connectionParams: { Authorization: headers.authorization } },
    { headers },
  ])
    assert.deepEqual(await first(query, options), { data: { head: '0' } })
})

test('accepts an API key in either header and over graphql-ws', async () => {
  keys.set(KEY, { name: 'billing-sync', roles: ['admin'], scopes: [], expiresAt: null })
  for (const headers of [bearer(KEY), { 'x-api-key': KEY }])
    assert.deepEqual((await ask(it.url, query, { headers })).body, { data: { head: '0' } })
  assert.deepEqual(await first(query, { connectionParams: { 'x-api-key': KEY } }), {
    data: { head: '0' },
  })
  keys.clear()
})

test('caches the lookup of a key for a short time, and returns 503 while the key store is unavailable', async () => {
  keys.set(KEY, { name: 'k', roles: ['admin'], scopes: [], expiresAt: null })
  await until(async () => (await ask(it.url, query, { headers: bearer(KEY) })).status === 200)
  store.lookups = 0
  store.away = true
  await until(async () => (await ask(it.url, query, { headers: bearer(KEY) })).status === 503)
  const { body, headers } = await ask(it.url, query, { headers: bearer(KEY) })
  assert.equal(body.errors[0].extensions.code, 'UNAVAILABLE')
  assert.ok(headers.get('retry-after'))
  assert.doesNotMatch(JSON.stringify(body), /ECONN/)
  store.away = false
  assert.equal((await ask(it.url, query, { headers: bearer(KEY) })).status, 200)
  keys.clear()
})

test('fetches a new key of the issuer on first use; tokens with known keys fetch nothing', async () => {
  await ask(it.url, query, { headers: bearer(await issuer.sign(admin)) })
  const before = issuer.fetches()
  for (let i = 0; i < 5; i++)
    assert.equal(
      (await ask(it.url, query, { headers: bearer(await issuer.sign({ ...admin, jti: `${i}` })) }))
        .status,
      200,
    )
  assert.equal(issuer.fetches(), before)
  const rotated = await issuer.newKey('RS256')
  issuer.keys.unshift(rotated)
  assert.equal(
    (await ask(it.url, query, { headers: bearer(await issuer.sign(admin)) })).status,
    200,
  )
  assert.equal(issuer.fetches(), before + 1)
})

test('a socket closes with 4403 when its token expires, and graphql-ws resumes with a new one', async (t) => {
  let exp = 2
  const client = createClient({
    url: it.url.replace('http', 'ws'),
    webSocketImpl: WebSocket,
    connectionParams: async () => bearer(await issuer.sign({ ...admin, exp: seconds(exp) })),
    retryWait: async () => {},
  })
  t.after(() => client.dispose())
  const codes: unknown[] = []
  client.on('closed', (e) => codes.push((e as CloseEvent).code))
  const variables: { after?: string } = {}
  const got: unknown[] = []
  client.subscribe<{ changes: { position: string } }>(
    {
      query: 'subscription ($after: String) { changes(after: $after) { position } }',
      variables,
    },
    {
      next({ data }) {
        variables.after = data?.changes.position as string
        got.push(variables.after)
      },
      error: (e) => got.push(e),
      complete: () => got.push('complete'),
    },
  )
  await until(() => it.fixture.subscribers() === 1)
  it.fixture.emit({ position: '7', id: 'c1' })
  await until(() => got.length === 1)
  exp = 60
  await until(() => codes.length === 1)
  it.fixture.emit({ position: '8', id: 'c1' })
  await until(() => got.length === 2)
  assert.deepEqual(codes, [4403])
  assert.deepEqual(got, ['7', '8'])
})

test('an event stream ends without complete when its token expires, so that clients connect again', async () => {
  const token = await issuer.sign({ ...admin, exp: seconds(2) })
  const res = await fetch(
    `${it.url}?query=${encodeURIComponent('subscription { changes { position } }')}`,
    {
      headers: { ...bearer(token), accept: 'text/event-stream' },
    },
  )
  assert.match(await res.text(), /^: TOKEN_EXPIRED: .*\n\n$/)
})

test('a socket closes with 4403 soon after its API key was revoked, and cannot connect again', async () => {
  keys.set(KEY, { name: 'k', roles: ['admin'], scopes: [], expiresAt: null })
  const results = wsClient({ connectionParams: { 'x-api-key': KEY } }).iterate({
    query: 'subscription { changes { position } }',
  })
  const one = results.next()
  await until(() => it.fixture.subscribers() === 1)
  store.away = true
  await new Promise((r) => setTimeout(r, 200))
  assert.equal(it.fixture.subscribers(), 1, 'a short outage of the key store ends nothing')
  store.away = false
  keys.clear()
  await assert.rejects(one, { code: 4403, reason: 'UNAUTHENTICATED' })
  assert.deepEqual(await closing({ connectionParams: { 'x-api-key': KEY } }), {
    code: 4401,
    reason: 'UNAUTHENTICATED',
  })
})

test('the header of the development caller authenticates nobody', async () => {
  const headers = { 'x-touchstone-actor': 'root', 'x-touchstone-roles': 'admin' }
  assert.equal((await ask(it.url, query, { headers })).status, 401)
})

test('while the issuer is unavailable, tokens with known keys stay valid and others get 503', async (t) => {
  const known = await issuer.sign({ ...admin, jti: 'known' })
  issuer.broken = true
  t.after(() => {
    issuer.broken = false
  })
  const foreign = await issuer.newKey()
  const unknown = await issuer.sign(admin, {}, foreign)
  const { status, body } = await ask(it.url, query, { headers: bearer(unknown) })
  assert.deepEqual([status, body.errors[0].extensions.code], [503, 'UNAVAILABLE'])
  assert.equal((await ask(it.url, query, { headers: bearer(known) })).status, 200)
})

interface CloseEvent {
  code: number
  reason: string
}

function wsClient(options: {
  connectionParams?: Record<string, unknown>
  headers?: Record<string, string>
  /** With false, the socket stays open while no operation runs over it. */
  lazy?: boolean
}) {
  const { headers } = options
  class WithHeaders extends WebSocket {
    constructor(url: string, protocols: string) {
      super(url, protocols, { headers })
    }
  }
  return createClient({
    url: it.url.replace('http', 'ws'),
    webSocketImpl: WithHeaders,
    retryAttempts: 0,
    lazy: options.lazy ?? true,
    onNonLazyError: () => {},
    connectionParams: options.connectionParams,
  })
}

async function first(text: string, options: Parameters<typeof wsClient>[0]): Promise<unknown> {
  const client = wsClient(options)
  const { value } = await client.iterate({ query: text }).next()
  await client.dispose()
  return value
}

async function closing(options: Parameters<typeof wsClient>[0]): Promise<CloseEvent | null> {
  const client = wsClient(options)
  try {
    await client.iterate({ query }).next()
    return null
  } catch (e) {
    const { code, reason } = e as CloseEvent
    return { code, reason }
  }
}
