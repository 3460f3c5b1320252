import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { after, before, beforeEach, describe, test } from 'node:test'
import { createLocalJWKSet, errors, jwtVerify } from 'jose'
import { Events, type MutableResponse, type MutableToken, OAuth2Server } from 'oauth2-mock-server'
import { ConnectionError } from '../../connectors/connection/contract.ts'
import { openConnection } from '../../connectors/connection/openConnection.ts'
import { connect, simple } from '../connectors/connection/fixture.ts'
import { serve, type TestServer } from '../connectors/connection/server.ts'

// Signs in at an OAuth server of others. The system that is asked checks each token by the keys that
// the server publishes, so a token counts until its own end, and not as long as we think.

const settings = `settings:
  base: { is: url }
  login: { is: url }
  key: { is: secret, optional: true }
`
const rest = simple.slice(simple.indexOf('http:'))
const secret = 'very-secret'

describe('a sign-in at an OAuth server', () => {
  const oauth = new OAuth2Server()
  let system: TestServer
  /** The clock of both servers and of ours, in seconds. */
  let now = 0
  /** How long a token counts, and how long the server says that it does. */
  let lifetime = 0
  let stated = 0
  let grants: URLSearchParams[] = []
  let tokens: string[] = []
  let statuses: number[] = []

  before(async () => {
    await oauth.issuer.keys.generate('RS256')
    await oauth.start(0, '127.0.0.1')
    oauth.service.on(Events.BeforeTokenSigning, (token: MutableToken) => {
      Object.assign(token.payload, { iat: now, nbf: now, exp: now + lifetime, jti: tokens.length })
    })
    oauth.service.on(Events.BeforeResponse, (response: MutableResponse, request) => {
      const form = new URLSearchParams(request.body as Record<string, string>)
      grants.push(form)
      if (form.get('client_secret') === 'wrong') {
        response.statusCode = 401
        response.body = { error: 'invalid_client' }
      } else if (response.body !== '') {
        response.body.expires_in = stated
        tokens.push(String(response.body.access_token))
      }
    })
    const keys = createLocalJWKSet({ keys: oauth.issuer.keys.toJSON() })
    system = await serve(async ({ headers, path }) => {
      const token = String(headers.authorization).replace(/^Bearer /, '')
      const status = await jwtVerify(token, keys, { currentDate: new Date(now * 1_000) }).then(
        () => 200,
        (e) => (e instanceof errors.JOSEError ? 401 : 500),
      )
      statuses.push(status)
      return { status, body: path.endsWith('/customers') ? { list: [] } : { id: 'c1' } }
    })
  })
  beforeEach(() => {
    ;[now, lifetime, stated] = [1_790_000_000, 600, 600]
    grants = []
    tokens = []
    statuses = []
  })
  after(async () => {
    system.close()
    await oauth.stop()
  })

  function open(auth: string, key = secret) {
    const source = connect(
      `${settings}auth: ${auth}\n${rest}`,
      `base: ${system.url}\nlogin: ${oauth.issuer.url}\nkey: { env: KEY }\nprivateAddresses: true`,
    )
    const connection = openConnection('crm', source, {
      env: { KEY: key },
      now: () => now * 1_000,
      retry: { msMin: 1, msMax: 2, attemptsMax: 2 },
    })
    return () => connection.read('customer', 'c1', new AbortController().signal)
  }
  const CLIENT =
    '{ oauth2: clientCredentials, token: "{login}/token", clientId: me, clientSecret: "{key}", scope: read }'
  const failure = async (work: Promise<unknown>): Promise<ConnectionError> => {
    const error = await work.then(
      () => null,
      (e: unknown) => e,
    )
    assert.ok(error instanceof ConnectionError, String(error))
    return error
  }

  test('with client credentials gives a token that the system accepts, once for many requests', async () => {
    const read = open(CLIENT)
    await Promise.all(Array.from({ length: 10 }, read))
    assert.deepEqual(
      grants.map((form) => Object.fromEntries(form)),
      [
        {
          ...{ grant_type: 'client_credentials', client_id: 'me' },
          ...{ client_secret: secret, scope: 'read' },
        },
      ],
    )
    assert.deepEqual(new Set(statuses), new Set([200]))
  })

  test('is renewed before the end that the server states, so that no request is refused', async () => {
    const read = open(CLIENT)
    for (let minute = 0; minute < 60; minute++, now += 60) await read()
    assert.ok(
      grants.length >= 6 && grants.length <= 8,
      `${grants.length} tokens of 10 min in an hour`,
    )
    assert.equal(new Set(tokens).size, tokens.length)
    assert.deepEqual(new Set(statuses), new Set([200]))
  })

  test('is made again after a 401, once for all that wait, where a token ends early', async () => {
    lifetime = 60
    const read = open(CLIENT)
    await read()
    now += 61
    await Promise.all(Array.from({ length: 10 }, read))
    assert.equal(grants.length, 2)
    assert.ok(statuses.includes(401), 'the old token was refused')
    assert.equal(statuses.filter((status) => status === 200).length, 11)
  })

  test('that is refused is SIGN_IN without the secret, and works again after the secret was changed', async () => {
    const env = { KEY: 'wrong' }
    const source = connect(
      `${settings}auth: ${CLIENT}\n${rest}`,
      `base: ${system.url}\nlogin: ${oauth.issuer.url}\nkey: { env: KEY }\nprivateAddresses: true`,
    )
    const connection = openConnection('crm', source, { env, now: () => now * 1_000 })
    const read = () => connection.read('customer', 'c1', new AbortController().signal)
    const error = await failure(read())
    assert.deepEqual([error.verdict, error.status], ['SIGN_IN', 401])
    assert.match(error.message, /invalid_client/)
    assert.doesNotMatch(error.message, /wrong/)
    env.KEY = secret
    await read()
    assert.deepEqual(statuses, [200])
  })

  test('with a refresh token uses the one that the server gave last', async () => {
    const read = open(
      '{ oauth2: refreshToken, token: "{login}/token", clientId: me, clientSecret: s, refreshToken: "{key}" }',
    )
    const given: (string | undefined)[] = []
    const note = (response: MutableResponse) => {
      if (response.body !== '') given.push(String(response.body.refresh_token))
    }
    oauth.service.on(Events.BeforeResponse, note)
    for (let n = 0; n < 3; n++, now += 600) await read()
    oauth.service.off(Events.BeforeResponse, note)
    assert.deepEqual(
      grants.map((form) => form.get('refresh_token')),
      [secret, given[0], given[1]],
    )
    assert.deepEqual(new Set(statuses), new Set([200]))
  })

  test('with an assertion gives a token for its subject, and the assertion is signed by our key', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const read = open(
      '{ oauth2: jwtBearer, token: "{login}/token", privateKey: "{key}", claims: { iss: app, sub: user@example.com, aud: "{login}" } }',
      privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    )
    await read()
    const { payload } = await jwtVerify(grants[0]?.get('assertion') ?? '', publicKey, {
      ...{ algorithms: ['RS256'], issuer: 'app', audience: oauth.issuer.url ?? '' },
      currentDate: new Date(now * 1_000),
    })
    assert.equal(payload.sub, 'user@example.com')
    const [, claims = ''] = (tokens[0] ?? '').split('.')
    assert.equal(JSON.parse(Buffer.from(claims, 'base64url').toString()).sub, payload.sub)
    assert.deepEqual(statuses, [200])
  })
})
