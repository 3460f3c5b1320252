import { createHmac } from 'node:crypto'
import { EncryptJWT, exportSPKI, importJWK, type JWTPayload, SignJWT } from 'jose'
import { internalTokens } from '../../gateway/identity/internal.ts'
import { AUDIENCE, type Issuer, issuerKey } from '../gateway/issuer.ts'

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const decode = (part: string) =>
  JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, unknown>
const now = () => Math.floor(Date.now() / 1000)

/** Returns invalid tokens with their defect. Each would make its bearer an administrator. */
export async function badTokens(issuer: Issuer, attackers: string): Promise<[string, string][]> {
  const key = issuer.keys[0]
  if (!key) throw new Error('the issuer has no key')
  const rsa = await issuer.newKey('RS256')
  issuer.keys.push(rsa)
  const foreign = await issuerKey('ES256')
  const claims: JWTPayload & Record<string, unknown> = {
    iss: issuer.url,
    aud: AUDIENCE,
    sub: 'mallory',
    iat: now(),
    exp: now() + 600,
    roles: ['admin'],
  }
  const sign = (more: Record<string, unknown>, header: Record<string, unknown> = {}, by = key) =>
    issuer.sign({ sub: 'mallory', roles: ['admin'], ...more }, header, by)
  const valid = await sign({})
  const [head = '', body = '', signature = ''] = valid.split('.')
  const unsigned = (alg: string, sig = '') =>
    `${encode({ alg, typ: 'JWT' })}.${encode(claims)}.${sig}`
  const hmac = (secret: string | Buffer, alg = 'HS256', header: object = {}) => {
    const text = `${encode({ alg, typ: 'JWT', ...header })}.${encode(claims)}`
    return `${text}.${createHmac(alg.replace('HS', 'sha'), secret).update(text).digest('base64url')}`
  }
  const pem = await exportSPKI((await importJWK(rsa.publicJwk, 'RS256')) as CryptoKey)
  const without = (...names: string[]) => {
    const rest = Object.fromEntries(Object.entries(claims).filter(([n]) => !names.includes(n)))
    return new SignJWT(rest).setProtectedHeader({ alg: key.alg, kid: key.kid }).sign(key.privateKey)
  }
  const byForeign = (header: Record<string, unknown>) => sign({}, header, foreign)
  const otherAlg = async (alg: string) => {
    const other = await issuerKey(alg)
    issuer.keys.push(other)
    return sign({}, {}, other)
  }
  const encrypted = new EncryptJWT(claims)
    .setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
    .encrypt(new Uint8Array(32).fill(1))
  const internal = internalTokens('a secret of gateway and services')
  const flipped = Buffer.from(signature, 'base64url')
  flipped[3] = (flipped[3] ?? 0) ^ 1

  const table: [string, string | Promise<string>][] = [
    ...['none', 'None', 'NONE', 'nOnE', ''].map((alg): [string, string] => [
      `alg "${alg}"`,
      unsigned(alg),
    ]),
    ['alg none with a signature', unsigned('none', signature)],
    ['alg missing', `${encode({ typ: 'JWT' })}.${encode(claims)}.${signature}`],
    ['alg of two', `${encode({ alg: ['ES256', 'none'] })}.${encode(claims)}.${signature}`],
    ['no signature', `${head}.${body}.`],
    ['two parts', `${head}.${body}`],
    ['four parts', `${valid}.${signature}`],
    ['no JSON in the header', `AAAA.${body}.${signature}`],
    ['no JSON in the payload', `${head}.AAAA.${signature}`],
    ['one bit of the signature', `${head}.${body}.${flipped.toString('base64url')}`],
    ['another payload', `${head}.${encode({ ...decode(body), sub: 'root' })}.${signature}`],
    ['another header', `${encode({ ...decode(head), x: 1 })}.${body}.${signature}`],
    [
      'signature of a different token',
      issuer.sign({ sub: 'x' }).then((t) => `${head}.${body}.${t.split('.')[2]}`),
    ],
    ['wrong audience', sign({ aud: 'another' })],
    ['several wrong audiences', sign({ aud: ['another', 'touchstone'] })],
    ['audience longer than ours', sign({ aud: `${AUDIENCE}-2` })],
    ['audience a beginning of ours', sign({ aud: AUDIENCE.slice(0, -1) })],
    ['audience in capitals', sign({ aud: AUDIENCE.toUpperCase() })],
    ['no audiences', sign({ aud: [] })],
    ['audience missing', without('aud')],
    ['wrong issuer', sign({ iss: attackers })],
    ['issuer with a slash', sign({ iss: `${issuer.url}/` })],
    ['issuer within another', sign({ iss: `${attackers}#${issuer.url}` })],
    ['issuer missing', without('iss')],
    ['development issuer', sign({ iss: 'touchstone-development' })],
    ['expired', sign({ exp: now() - 60 })],
    ['expired long ago', sign({ exp: 1 })],
    ['end missing', without('exp')],
    ['end as a text', sign({ exp: '9999999999' })],
    ['end as null', sign({ exp: null })],
    ['not valid yet', sign({ nbf: now() + 600 })],
    ['not-before as a text', sign({ nbf: 'yesterday' })],
    ['subject missing', without('sub')],
    ['subject empty', sign({ sub: '' })],
    ['subject a number', sign({ sub: 7 })],
    ['subject too long', sign({ sub: 'x'.repeat(500) })],
    ...[
      'key:billing-sync',
      'cli:root',
      'clock',
      'development',
      'nobody',
      'touchstone',
      'jetstream',
      '(overload)',
    ].map((sub): [string, Promise<string>] => [`subject "${sub}" of our own`, sign({ sub })]),
    ['HS256 with the public key as PEM', hmac(pem)],
    ['HS256 with it and its kid', hmac(pem, 'HS256', { kid: rsa.kid })],
    ['HS256 with it without line breaks', hmac(pem.replace(/\n/g, ''))],
    [
      'HS256 with the public key as JWK',
      hmac(JSON.stringify(rsa.publicJwk), 'HS256', { kid: rsa.kid }),
    ],
    [
      'HS256 with the modulus',
      hmac(Buffer.from(rsa.publicJwk.n ?? '', 'base64url'), 'HS256', { kid: rsa.kid }),
    ],
    [
      'HS256 with the curve point',
      hmac(Buffer.from(key.publicJwk.x ?? '', 'base64url'), 'HS256', { kid: key.kid }),
    ],
    ['HS256 with an empty secret', hmac('')],
    ['HS384 with an empty secret', hmac('', 'HS384')],
    ['HS512 with the issuer as secret', hmac(issuer.url, 'HS512')],
    ['ES256 header with an RS256 kid', sign({}, { alg: 'ES256', kid: rsa.kid })],
    ['kid of another kind of key', sign({}, { kid: rsa.kid })],
    ['foreign key with a kid of the issuer', byForeign({ kid: key.kid })],
    ['foreign key with no kid', byForeign({ kid: undefined })],
    ['unknown kid', byForeign({})],
    ...[
      '../../../../dev/null',
      "' or 1=1 --",
      `${attackers}/keys`,
      '\u0000',
      'x'.repeat(3_000),
      '__proto__',
      '$ne',
    ].map((kid): [string, Promise<string>] => [
      `kid ${JSON.stringify(kid.slice(0, 30))}`,
      byForeign({ kid }),
    ]),
    ['key at the address of jku', byForeign({ jku: `${attackers}/keys`, kid: foreign.kid })],
    ['key at the address of x5u', byForeign({ x5u: `${attackers}/cert`, kid: foreign.kid })],
    ['key within the token (jwk)', byForeign({ jwk: foreign.publicJwk, kid: foreign.kid })],
    ['certificate within the token (x5c)', byForeign({ x5c: ['MIIB'], kid: foreign.kid })],
    [
      'critical header that nobody knows',
      `${encode({ ...decode(head), crit: ['x'], x: 1 })}.${body}.${signature}`,
    ],
    [
      'payload not encoded (b64)',
      `${encode({ ...decode(head), b64: false, crit: ['b64'] })}.${body}.${signature}`,
    ],
    ['PS256 of a key that says so', otherAlg('PS256')],
    ['ES384', otherAlg('ES384')],
    ['RS512', otherAlg('RS512')],
    ['EdDSA', otherAlg('EdDSA')],
    ['an encrypted token', encrypted],
    [
      'a token within a token',
      `${encode({ alg: 'none', cty: 'JWT' })}.${Buffer.from(valid).toString('base64url')}.`,
    ],
    [
      'a token between services',
      internal.sign({ correlationId: '', actor: 'root', scopes: new Set(['*']) }),
    ],
    ['longer than any token', `${valid}${'A'.repeat(9_000)}`],
  ]
  return await Promise.all(
    table.map(async ([name, token]): Promise<[string, string]> => [name, await token]),
  )
}
