import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { after, before, test } from 'node:test'
import { type JWTPayload, SignJWT } from 'jose'
import pino from 'pino'
import {
  type SubgraphService,
  startSubgraphService,
} from '../../gateway/federation/subgraphService.ts'
import { internalTokens } from '../../gateway/identity/internal.ts'
import { fixture } from '../gateway/fixture.ts'
import { issuerKey } from '../gateway/issuer.ts'
import { type AttackResult, over, overSocket } from './attack.ts'

/** These tests call a subgraph that runs as a service directly, without its gateway. */
const SECRET = 'a secret of gateway and services'
const world = fixture()
let service: SubgraphService
before(async () => {
  const [subgraph] = world.subgraphs
  assert.ok(subgraph)
  const internal = internalTokens(SECRET)
  const log = pino({ level: 'silent' })
  service = await startSubgraphService({
    subgraph,
    host: '127.0.0.1',
    port: 0,
    bodyBytesMax: 10_000,
    internal,
    log,
  })
})
after(() => service?.close())

const query = '{ customers { id } }'
const now = () => Math.floor(Date.now() / 1000)
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

function claims(more: object = {}): JWTPayload {
  const life = { iat: now(), exp: now() + 30 }
  return {
    iss: 'touchstone-gateway',
    aud: 'touchstone-subgraph',
    sub: 'x',
    roles: ['*'],
    scopes: ['*'],
    ...life,
    ...more,
  }
}

function sign(more: object = {}, header: object = {}, secret = SECRET): Promise<string> {
  return new SignJWT(claims(more))
    .setProtectedHeader({ alg: 'HS256', typ: 'touchstone-internal+jwt', ...header })
    .sign(new TextEncoder().encode(secret))
}

test('accepts the gateway’s token over HTTP and over a socket', async () => {
  const token = await internalTokens(SECRET).sign({
    correlationId: '',
    actor: 'ada',
    scopes: new Set(['golden:read']),
  })
  for (const good of [token, await sign()]) {
    assert.match((await over(service.url, { query, headers: bearer(good) })).text, /"customers":\[/)
    assert.match((await overSocket(service.url, query, bearer(good))).text, /"customers":\[/)
  }
})

test('rejects everything else', async () => {
  const key = await issuerKey('RS256')
  const without = (...names: string[]) => sign(Object.fromEntries(names.map((n) => [n, undefined])))
  const hs = (alg: string) => {
    const text = `${encode({ alg, typ: 'touchstone-internal+jwt' })}.${encode(claims())}`
    return `${text}.${createHmac(alg.replace('HS', 'sha'), SECRET).update(text).digest('base64url')}`
  }
  const good = await sign()
  const [head, , signature] = good.split('.')
  const tokens: [string, string | Promise<string>][] = [
    ['alg none', `${encode({ alg: 'none', typ: 'touchstone-internal+jwt' })}.${encode(claims())}.`],
    ['alg none with a signature', `${encode({ alg: 'none' })}.${encode(claims())}.${signature}`],
    ['HS384', hs('HS384')],
    ['HS512', hs('HS512')],
    ['another secret', sign({}, {}, 'another secret of thirty-two bytes')],
    ['the secret in capitals', sign({}, {}, SECRET.toUpperCase())],
    [
      'an asymmetric key',
      new SignJWT(claims()).setProtectedHeader({ alg: 'RS256' }).sign(key.privateKey),
    ],
    ['another payload', `${head}.${encode(claims({ sub: 'root' }))}.${signature}`],
    ['no signature', good.slice(0, good.lastIndexOf('.') + 1)],
    ['expired', sign({ iat: now() - 120, exp: now() - 60 })],
    ['valid for a year, issued long ago', sign({ iat: now() - 3_600, exp: now() + 31_536_000 })],
    ['issued in the future', sign({ iat: now() + 3_600, exp: now() + 7_200 })],
    ['no end', without('exp')],
    ['no beginning', without('iat')],
    ['no subject', without('sub')],
    ['no roles', without('roles')],
    ['no scopes', without('scopes')],
    ['wrong issuer', sign({ iss: 'touchstone' })],
    ['wrong audience', sign({ aud: 'touchstone-gateway' })],
    ['no audience', without('aud')],
    ['not valid yet', sign({ nbf: now() + 600 })],
    ['another type of token', sign({}, { typ: 'JWT' })],
    ['no type', sign({}, { typ: undefined })],
    [
      'an unknown critical header',
      `${encode({ alg: 'HS256', crit: ['x'], x: 1 })}.${encode(claims())}.${signature}`,
    ],
    ['no token at all', 'x'],
  ]
  const attempts: [string, () => Promise<AttackResult>][] = []
  for (const [name, t] of tokens) {
    const token = await t
    attempts.push([name, () => over(service.url, { query, headers: bearer(token) })])
    attempts.push([`${name}, over a socket`, () => overSocket(service.url, query, bearer(token))])
  }
  attempts.push(
    ['no credentials', () => over(service.url, { query })],
    ['no credentials, over a socket', () => overSocket(service.url, query)],
    ['a header of the socket', () => overSocket(service.url, query, {}, bearer(good))],
    [
      'in the address',
      () => over(service.url, { method: 'GET', search: `?query=${query}&token=${good}` }),
    ],
    [
      'plain headers',
      () =>
        over(service.url, {
          query,
          headers: { 'x-touchstone-actor': 'a', 'x-touchstone-roles': '*' },
        }),
    ],
    [
      'entities',
      () => over(service.url, { query: '{ _entities(representations: []) { __typename } }' }),
    ],
    ['its schema', () => over(service.url, { query: '{ _service { sdl } }' })],
    ['another path', () => over(service.url.replace('/graphql', '/'), { query })],
  )
  const wrong: string[] = []
  for (const [name, attempt] of attempts) {
    const { code, text } = await attempt()
    if (code !== 'UNAUTHENTICATED' || /"data"/.test(text))
      wrong.push(`${name}: ${code} ${text.slice(0, 200)}`)
  }
  assert.deepEqual(wrong, [])
})

test('rejects a secret that is too short', () => {
  assert.throws(() => internalTokens('short'), /the internal secret has 5 bytes; it needs 32/)
})
