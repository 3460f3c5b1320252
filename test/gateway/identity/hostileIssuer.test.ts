import assert from 'node:assert/strict'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, beforeEach, describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { type JWTPayload, SignJWT } from 'jose'
import { accessOf } from '../../../gateway/identity/access.ts'
import { isKeysUrl, remoteKeys } from '../../../gateway/identity/remoteKeys.ts'
import { tokenVerifier } from '../../../gateway/identity/token.ts'
import { issuerKey } from '../issuer.ts'

// A real server in place of the issuer sends hostile responses.

type Answer = (res: ServerResponse) => void

const key = await issuerKey()
const AUDIENCE = 'touchstone-test'
let origin = ''
let discovery: Answer
let keys: Answer
let bytesSent = 0
const server = createServer((req, res) => (req.url === '/keys' ? keys : discovery)(res))

const json =
  (value: unknown): Answer =>
  (res) =>
    void res.end(JSON.stringify(value))
const goodKeys = () => json({ keys: [key.publicJwk] })
/** Sends without an end, as fast as the reader takes it. */
const endless =
  (start: string, part: string): Answer =>
  (res) => {
    res.write(start)
    const chunk = part.repeat(Math.ceil(65_536 / part.length))
    const send = () => {
      while (!res.destroyed) {
        bytesSent += chunk.length
        if (!res.write(chunk)) return void res.once('drain', send)
      }
    }
    send()
  }

before(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
after(() => {
  server.closeAllConnections()
  server.close()
})
beforeEach(() => {
  discovery = json({ issuer: origin, jwks_uri: `${origin}/keys` })
  keys = goodKeys()
  bytesSent = 0
})

function verifier(reports: string[] = [], refetchMsMin = 30_000) {
  return tokenVerifier(
    {
      issuer: origin,
      audience: AUDIENCE,
      keys: remoteKeys({ issuer: origin, refetchMsMin, report: (why) => void reports.push(why) }),
      algorithms: ['ES256', 'RS256'],
      clockSkewSecondsMax: 5,
      rolesClaim: 'roles',
    },
    accessOf({ reader: { scopes: ['golden:read'] } }),
  )
}

const now = () => Math.floor(Date.now() / 1_000)
let tokens = 0
function sign(claims: JWTPayload = {}, kid = key.kid): Promise<string> {
  // A token of its own each time: verified ones are cached.
  const own = { sub: 'ada', iss: origin, aud: AUDIENCE, exp: now() + 600, jti: String(tokens++) }
  return new SignJWT({ ...own, ...claims })
    .setProtectedHeader({ alg: 'ES256', kid })
    .sign(key.privateKey)
}

const unavailable = { status: 503, code: 'UNAVAILABLE' }

describe('an answer of the issuer', () => {
  const big = 'x'.repeat(2_000_000)
  const packed = gzipSync(Buffer.alloc(2 ** 25, ' '))
  const answers: [string, Answer][] = [
    ['without an end', endless('{"keys":[', '{"kty":"EC"},')],
    ['of two megabytes', json({ keys: [key.publicJwk], big })],
    [
      'that unpacks to 32 megabytes',
      (res) => void res.writeHead(200, { 'content-encoding': 'gzip' }).end(packed),
    ],
    ['with a redirect', (res) => void res.writeHead(302, { location: `${origin}/keys` }).end()],
    ['with a status that is no success', (res) => void res.writeHead(500).end('{"keys":[]}')],
    ['that is a page', (res) => void res.end('<html>sign in</html>')],
    ['of a million brackets', (res) => void res.end('['.repeat(900_000))],
    ['that is a list', json([key.publicJwk])],
    ['that is null', json(null)],
    [
      'that breaks off',
      (res) =>
        res.writeHead(200, { 'content-length': '1000' }).write('{"keys"', () => res.destroy()),
    ],
    ['of ten thousand keys', json({ keys: Array(10_000).fill({ kty: 'OKP', x: 'a' }) })],
    [
      'with keys of other shapes alone',
      json({ keys: [null, 1, 'k', [], { kty: 'oct', k: 'c2VjcmV0' }] }),
    ],
  ]
  for (const [name, answer] of answers)
    test(`${name} is refused as keys and as discovery, and little of it is read`, async () => {
      for (const at of ['keys', 'discovery']) {
        discovery =
          at === 'discovery' ? answer : json({ issuer: origin, jwks_uri: `${origin}/keys` })
        keys = at === 'keys' ? answer : goodKeys()
        const reports: string[] = []
        await assert.rejects(verifier(reports)(await sign()), unavailable)
        assert.equal(reports.length, 1)
        assert.ok((reports[0] ?? '').length < 500, reports[0])
      }
      assert.ok(bytesSent < 40_000_000, `${bytesSent} bytes were taken`)
    })

  test('without usable keys leaves the keys from before valid', async () => {
    const reports: string[] = []
    const verify = verifier(reports, 0)
    await verify(await sign())
    keys = endless('{"keys":[', '{"kty":"EC"},')
    // A token of an unknown key makes it fetch.
    await assert.rejects(verify(await sign({}, 'unknown')), unavailable)
    assert.equal((await verify(await sign())).actor, 'ada')
    assert.equal(reports.length, 1)
  })

  test('with keys that would cost time is read without them', async () => {
    const rsa = (bits: number, e = 'AQAB') => ({ kty: 'RSA', kid: 'r', e, n: 'A'.repeat(bits / 6) })
    keys = json({
      keys: [
        rsa(65_536),
        rsa(2_048, 'A'.repeat(340)),
        { ...key.publicJwk, kid: 'z'.repeat(100_000) },
        { ...key.publicJwk, kid: 'x', x5c: ['y'.repeat(100_000)], x5u: 'http://127.0.0.1:1/' },
        { ...key.publicJwk, kid: 7 },
        key.publicJwk,
      ],
    })
    const reports: string[] = []
    assert.equal((await verifier(reports)(await sign())).actor, 'ada')
    assert.deepEqual(reports, ['4 keys of the issuer are left out: no public key, or too large'])
  })
})

describe('a claim of a token', () => {
  const verify = () => verifier()
  const refused: [string, JWTPayload][] = [
    ['a text with blanks and *', { legal_entities: 'DE01 *' }],
    ['a name with * between blanks', { legal_entities: 'Alpha * Omega' }],
    ['* twice', { legal_entities: '* *' }],
    ['* with a blank', { legal_entities: '* ' }],
    ['* with a no-break blank', { legal_entities: '*\u00a0DE01' }],
    ['* with letters', { regions: 'DE*' }],
    ['* beside another word in a list', { regions: ['eu', '*'] }],
    ['* twice in a list', { regions: ['*', '*'] }],
    ['a list in a list', { regions: [['*']] }],
    ['a number', { regions: 1 }],
    ['a number in a list', { legal_entities: ['DE01', 1] }],
    ['an object', { legal_entities: { 0: '*', length: 1 } }],
    ['true', { regions: true }],
    ['null', { legal_entities: null }],
    ['a comma', { legal_entities: 'DE01,*' }],
    ['commas', { regions: 'eu,us' }],
    ['two blanks', { regions: 'eu  us' }],
    ['a line break', { regions: 'eu\nus' }],
    ['an ideographic blank', { regions: 'eu\u3000us' }],
    ['an empty word in a list', { regions: ['eu', ''] }],
    ['blanks at the end', { regions: ['eu '] }],
    ['an invisible character', { regions: ['e\u200bu'] }],
    ['NUL', { legal_entities: ['DE01\0'] }],
    ['a lone surrogate', { legal_entities: ['\ud800'] }],
    ['101 words', { regions: Array.from({ length: 101 }, (_, n) => `r${n}`) }],
    ['a subject with a line break', { sub: 'ada\nkey:root' }],
    ['a subject with a control character', { sub: 'ada\x1b[2J' }],
    ['a subject with an override', { sub: 'ada\u202e' }],
    ['a subject with NUL', { sub: 'ada\0' }],
    ['a subject in full width that is ours', { sub: '\uff4bey:root' }],
    ['a subject that is ours in capitals', { sub: 'CLI:root' }],
    ['a subject that is a number', { sub: 7 as never }],
    ['a subject with a C1 control code', { sub: 'ada\x9b2J' }],
    ['a subject with an invisible character', { sub: 'a\u200bda' }],
    ['a subject that is a part of ours', { sub: 'webhook:7' }],
    ['a time of issue in the future', { iat: now() + 3_600 }],
    ['a time of issue beyond the calendar', { iat: 1e300 }],
    ['a time of sign-in in the future', { auth_time: now() + 3_600 }],
    ['a time of sign-in as text', { auth_time: 'now' }],
    ['a start in the future', { nbf: now() + 3_600 }],
    ['an expiry as text', { exp: '9999999999' as never }],
    ['an expiry beyond the calendar', { exp: 1e300 }],
    ['a start as text', { nbf: '0' as never }],
    ['a time of issue as text', { iat: 'now' as never }],
    ['another audience in a list', { aud: ['other', 'another'] }],
    ['an audience that contains ours', { aud: `${AUDIENCE}-2` }],
  ]
  for (const [name, claims] of refused)
    test(`with ${name} is refused with a reason`, async () => {
      await assert.rejects(verify()(await sign(claims)), (e: Error) => {
        assert.equal('status' in e && e.status, 401)
        assert.match(e.message, /[Tt]oken/)
        return true
      })
    })

  test('gives the bounds that it states', async () => {
    const bounds = async (claims: JWTPayload) => {
      const { regions, legalEntities } = await verify()(await sign(claims))
      return { regions, legalEntities }
    }
    assert.deepEqual(await bounds({}), { regions: undefined, legalEntities: undefined })
    assert.deepEqual(await bounds({ regions: '*', legal_entities: ['*'] }), {
      regions: ['*'],
      legalEntities: ['*'],
    })
    assert.deepEqual(await bounds({ regions: 'eu us', legal_entities: '' }), {
      regions: ['eu', 'us'],
      legalEntities: [],
    })
    assert.deepEqual(await bounds({ regions: [], legal_entities: ['Alpha * Omega', 'B, C'] }), {
      regions: [],
      legalEntities: ['Alpha * Omega', 'B, C'],
    })
    // Clocks may differ by 5 s here.
    const ahead = await sign({ iat: now() + 3, auth_time: now() + 3, nbf: now() + 3 })
    assert.equal((await verify()(ahead)).actor, 'ada')
    const exp = Date.now() / 1_000 + 60.5
    assert.equal((await verify()(await sign({ exp, aud: ['x', AUDIENCE] }))).actor, 'ada')
  })
})

test('an issuer elsewhere names no address of this machine for its keys', () => {
  const remote = 'https://login.example'
  assert.ok(isKeysUrl('https://keys.login.example/jwks', remote))
  assert.ok(isKeysUrl('http://127.0.0.1:9000/jwks', 'http://localhost:9000'))
  for (const url of [
    ...['http://127.0.0.1:5432/', 'http://localhost/', 'http://[::1]/', 'http://169.254.169.254/'],
    ...['http://2130706433/', 'http://0.0.0.0/', 'file:///etc/passwd', 'HTTP://LOCALHOST/', ''],
  ])
    assert.equal(isKeysUrl(url, remote), false, url)
})
