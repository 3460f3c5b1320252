import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose'

interface IssuerKey {
  kid: string
  alg: string
  privateKey: CryptoKey
  publicJwk: JWK
}

export interface Issuer {
  url: string
  /** The keys that it publishes now; tests may remove and add keys. */
  keys: IssuerKey[]
  newKey(alg?: string): Promise<IssuerKey>
  /** How often its keys were fetched. */
  fetches(): number
  /** While true, every request gets status 500. */
  broken: boolean
  sign(claims?: JWTPayload, header?: Record<string, unknown>, key?: IssuerKey): Promise<string>
  close(): Promise<void>
}

export const AUDIENCE = 'touchstone-test'
const kids = { last: 0 }

export async function issuerKey(alg = 'ES256'): Promise<IssuerKey> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
  const kid = `k${++kids.last}`
  return {
    kid,
    alg,
    privateKey,
    publicJwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' },
  }
}

/** Starts an OpenID Connect issuer on this machine: discovery, keys, and tokens of any content. */
export async function startIssuer(): Promise<Issuer> {
  const counted = { fetches: 0 }
  const server = createServer((req, res) => {
    if (issuer.broken) return void res.writeHead(500).end()
    res.setHeader('content-type', 'application/json')
    if (req.url === '/.well-known/openid-configuration')
      return void res.end(JSON.stringify({ issuer: issuer.url, jwks_uri: `${issuer.url}/keys` }))
    if (req.url !== '/keys') return void res.writeHead(404).end()
    counted.fetches++
    res.end(JSON.stringify({ keys: issuer.keys.map((k) => k.publicJwk) }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const issuer: Issuer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    keys: [await issuerKey()],
    newKey: issuerKey,
    fetches: () => counted.fetches,
    broken: false,
    async sign(claims = {}, header = {}, key = issuer.keys[0]) {
      if (!key) throw new Error('the issuer has no key')
      const now = Math.floor(Date.now() / 1000)
      const payload = {
        iss: issuer.url,
        aud: AUDIENCE,
        sub: 'ada',
        iat: now,
        exp: now + 600,
        ...claims,
      }
      return await new SignJWT(payload)
        .setProtectedHeader({ alg: key.alg, kid: key.kid, typ: 'JWT', ...header })
        .sign(key.privateKey)
    },
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
  return issuer
}
