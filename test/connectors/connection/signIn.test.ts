import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { after, describe, test } from 'node:test'
import { jwtVerify } from 'jose'
import { ConnectionError } from '../../../connectors/connection/contract.ts'
import { openRequester } from '../../../connectors/connection/openRequester.ts'
import { connect, simple } from './fixture.ts'
import { type Reply, serve, type TestServer } from './server.ts'

const servers: TestServer[] = []
after(() => {
  for (const server of servers) server.close()
})

const settings = `settings:
  base: { is: url }
  client: { is: text, optional: true }
  key: { is: secret, optional: true }
  refresh: { is: secret, optional: true }
`
const rest = simple.slice(simple.indexOf('http:'))

interface Session {
  /** Tokens that the server accepts. */
  valid: Set<string>
  forms: URLSearchParams[]
}

async function start(
  auth: string,
  token: (form: URLSearchParams, n: number, headers: NodeJS.Dict<string | string[]>) => Reply,
  env: Record<string, string> = {},
  now?: () => number,
) {
  const session: Session = { valid: new Set(), forms: [] }
  const server = await serve(async ({ path, body, headers }) => {
    if (path === '/token') {
      const form = new URLSearchParams(body)
      session.forms.push(form)
      await new Promise((resolve) => setTimeout(resolve, 10))
      return token(form, session.forms.length, headers)
    }
    const given = String(headers.authorization ?? headers['x-token']).replace('Bearer ', '')
    return session.valid.has(given) ? { body: { path } } : { status: 401 }
  })
  servers.push(server)
  const connection = connect(
    `${settings}auth: ${auth}\n${rest}`,
    `base: ${server.url}\nclient: me\nkey: { env: KEY }\nrefresh: { env: REFRESH }\nprivateAddresses: true`,
  )
  const { requester } = openRequester('crm', connection, {
    env: { KEY: 'very-secret', REFRESH: 'refresh-1', ...env },
    retry: { msMin: 2, msMax: 5 },
    ...(now ? { now } : {}),
  })
  const template = connection.definition.objects.get('customer')?.full.request
  assert.ok(template)
  const ask = () =>
    requester.ask(
      {
        object: 'customer',
        template,
        values: { get: () => undefined, times: { text: 'iso', zone: 'UTC' } },
      },
      new AbortController().signal,
    )
  return { ask, session, server }
}

/** Accepts `token-1`, `token-2` … as they are given out, each alone. */
function giving(session: () => Session, more: Record<string, unknown> = {}) {
  return (_: URLSearchParams, n: number): Reply => {
    session().valid.clear()
    session().valid.add(`token-${n}`)
    return { body: { access_token: `token-${n}`, ...more } }
  }
}

const client = `{ oauth2: clientCredentials, token: "{base}/token", clientId: "{client}", clientSecret: "{key}", scope: read }`

describe('a sign-in with client credentials', () => {
  test('is made once, however many requests wait, and again after a 401', async () => {
    const it = await start(client, (f, n) => giving(() => it.session)(f, n))
    await Promise.all(Array.from({ length: 20 }, () => it.ask()))
    assert.equal(it.session.forms.length, 1)
    assert.equal(
      it.session.forms[0]?.toString(),
      'grant_type=client_credentials&client_id=me&client_secret=very-secret&scope=read',
    )
    it.session.valid.clear()
    await Promise.all(Array.from({ length: 20 }, () => it.ask()))
    assert.equal(it.session.forms.length, 2)
  })

  test('is renewed before the end of the token', async () => {
    let now = 1_000_000
    const it = await start(
      client,
      (f, n) => giving(() => it.session, { expires_in: 600 })(f, n),
      {},
      () => now,
    )
    await it.ask()
    now += 530_000
    await it.ask()
    assert.equal(it.session.forms.length, 1)
    now += 20_000
    await it.ask()
    assert.equal(it.session.forms.length, 2, 'within the last minute of 600 s')
  })

  test('may send the client in the header, and the token in another one', async () => {
    const it = await start(
      client.replace('scope: read', 'clientIn: basic, use: { header: X-Token }'),
      (_f, _n, headers) => {
        assert.equal(headers.authorization, `Basic ${btoa('me:very-secret')}`)
        it.session.valid.add('t')
        return { body: { access_token: 't' } }
      },
    )
    await it.ask()
    assert.equal(it.session.forms[0]?.has('client_secret'), false)
    assert.equal(it.server.received.at(-1)?.headers['x-token'], 't')
  })

  test('that is refused says so, without the secret; it is not repeated', async () => {
    const it = await start(client, () => ({
      status: 400,
      body: { error: 'invalid_client', error_description: 'very-secret is wrong' },
    }))
    const error = await it.ask().then(
      () => null,
      (e: unknown) => e,
    )
    assert.ok(error instanceof ConnectionError)
    assert.equal(error.verdict, 'SIGN_IN')
    assert.match(
      error.message,
      /^crm: sign-in: POST \/token: status 400 \(invalid_client: \*\*\* is wrong\); check the credential/,
    )
    assert.equal(it.session.forms.length, 1)
  })

  test('is tried again where the endpoint fails', async () => {
    const it = await start(client, (f, n) =>
      n < 3
        ? ([{ status: 503 }, { body: '{"access_to' }][n - 1] ?? {})
        : giving(() => it.session)(f, n),
    )
    await it.ask()
    assert.equal(it.session.forms.length, 3)
  })

  test('gives values to requests', async () => {
    const take = client.replace('scope: read', 'take: { path: where }')
    const it = await start(take, (f, n) => giving(() => it.session, { where: 'x' })(f, n))
    await it.ask()
    const without = await start(take, (f, n) => giving(() => without.session)(f, n))
    await assert.rejects(without.ask(), /the answer of the token endpoint has no where/)
  })
})

test('a refresh token that the system replaces is used from then on', async () => {
  const it = await start(
    '{ oauth2: refreshToken, token: "{base}/token", clientId: "{client}", clientSecret: "{key}", refreshToken: "{refresh}" }',
    (f, n) => giving(() => it.session, { refresh_token: `refresh-${n + 1}` })(f, n),
  )
  await it.ask()
  it.session.valid.clear()
  await it.ask()
  assert.deepEqual(
    it.session.forms.map((f) => f.get('refresh_token')),
    ['refresh-1', 'refresh-2'],
  )
})

describe('a signed assertion', () => {
  const keys = {
    rsa: generateKeyPairSync('rsa', { modulusLength: 2048 }),
    ec: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  }
  const pem = (key: keyof typeof keys) =>
    keys[key].privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  const claims = 'claims: { iss: "{client}", sub: user@example.com, aud: "{base}/token" }'

  for (const [grant, algorithm, key, field] of [
    ['jwtBearer', 'RS256', 'rsa', 'assertion'],
    ['privateKeyJwt', 'PS256', 'rsa', 'client_assertion'],
    ['privateKeyJwt', 'ES256', 'ec', 'client_assertion'],
  ] as const)
    test(`of ${grant} with ${algorithm} is right, lasts minutes and is used once`, async () => {
      const it = await start(
        `{ oauth2: ${grant}, token: "{base}/token", privateKey: "{key}", keyId: "{client}", algorithm: ${algorithm}, ${claims} }`,
        (f, n) => giving(() => it.session)(f, n),
        { KEY: pem(key) },
      )
      await it.ask()
      it.session.valid.clear()
      await it.ask()
      const ids = new Set<unknown>()
      for (const form of it.session.forms) {
        const { payload, protectedHeader } = await jwtVerify(
          form.get(field) ?? '',
          keys[key].publicKey,
          { algorithms: [algorithm], audience: `${it.server.url}/token`, issuer: 'me' },
        )
        assert.equal(protectedHeader.kid, 'me')
        assert.equal((payload.exp ?? 0) - (payload.iat ?? 0), 180)
        ids.add(payload.jti)
      }
      assert.equal(ids.size, 2)
      assert.match(it.session.forms[0]?.get('grant_type') ?? '', /jwt-bearer$|client_credentials/)
    })

  test('with a wrong key is an error that says nothing of the key', async () => {
    const it = await start(
      `{ oauth2: jwtBearer, token: "{base}/token", privateKey: "{key}", ${claims} }`,
      () => ({ body: {} }),
      { KEY: 'not-a-key-at-all' },
    )
    await assert.rejects(it.ask(), (e: unknown) => {
      assert.ok(e instanceof ConnectionError)
      assert.deepEqual([e.verdict, e.code], ['SIGN_IN', 'INVALID_KEY'])
      assert.doesNotMatch(e.message, /not-a-key/)
      return true
    })
    assert.equal(it.session.forms.length, 0)
  })
})
