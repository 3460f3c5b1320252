import { createLocalJWKSet, createRemoteJWKSet, errors, type JWTVerifyGetKey } from 'jose'
import { HttpError } from '../httpError.ts'

/**
 * How long fetched keys are good; and how often at most they are fetched because a token names an
 * unknown one.
 */
const keysMsMax = 600_000
const refetchMsMin = 30_000
/** How long keys go on being good while the issuer does not answer. */
const staleMsMax = 3_600_000
/** After a failure the issuer is left alone for so long. */
const failedMsMin = 5_000
const fetchMsMax = 5_000
const documentBytesMax = 1_000_000

export interface RemoteKeysOptions {
  issuer: string
  /** Address of the keys; else they are found by OpenID Connect discovery. */
  jwksUrl?: string | undefined
  /** Told why keys could not be had; callers are told only that. */
  report?: (why: string) => void
  refetchMsMin?: number
}

/**
 * The public keys of an issuer. A key it has newly begun to sign with is fetched when the first
 * token names it; one it has withdrawn is forgotten within `keysMsMax`, or `staleMsMax` while the
 * issuer does not answer. Addresses in tokens (jku, x5u) and keys in tokens (jwk, x5c) mean
 * nothing.
 */
export function remoteKeys(options: RemoteKeysOptions): JWTVerifyGetKey {
  let remote: RemoteJWKSet | null = null
  let finding: Promise<RemoteJWKSet> | null = null
  let failedAt = Number.NEGATIVE_INFINITY
  let answeredAt = Number.NEGATIVE_INFINITY

  const find = async () => {
    const url = new URL(options.jwksUrl ?? (await discover(options.issuer)))
    return createRemoteJWKSet(url, {
      cacheMaxAge: keysMsMax,
      cooldownDuration: options.refetchMsMin ?? refetchMsMin,
      timeoutDuration: fetchMsMax,
    })
  }

  return async (header, token) => {
    if (Date.now() - failedAt < failedMsMin) return await ofBefore(header, token)
    try {
      if (!remote) {
        finding ??= find()
        remote = await finding
      }
      const key = await remote(header, token)
      answeredAt = Date.now()
      return key
    } catch (e) {
      if (ofToken(e)) throw e
      finding = null
      failedAt = Date.now()
      const cause = e instanceof Error && e.cause instanceof Error ? ` (${e.cause.message})` : ''
      options.report?.(`${e instanceof Error ? e.message : String(e)}${cause}`)
      return await ofBefore(header, token)
    }
  }

  /** While the issuer does not answer, tokens of keys that it had go on being good for a while. */
  async function ofBefore(...[header, token]: Parameters<JWTVerifyGetKey>) {
    const last = Date.now() - answeredAt < staleMsMax ? remote?.jwks() : undefined
    try {
      if (last) return await createLocalJWKSet(last)(header, token)
    } catch (e) {
      if (!(e instanceof errors.JWKSNoMatchingKey)) throw e
    }
    throw new HttpError(
      503,
      'UNAVAILABLE',
      'Tokens cannot be checked at present: the issuer does not answer; try again',
    )
  }
}

type RemoteJWKSet = ReturnType<typeof createRemoteJWKSet>

/** No key fits the token: its own fault, not the issuer's. */
function ofToken(e: unknown): boolean {
  return (
    e instanceof errors.JWKSNoMatchingKey ||
    e instanceof errors.JWKSMultipleMatchingKeys ||
    e instanceof errors.JOSENotSupported ||
    e instanceof errors.JOSEAlgNotAllowed
  )
}

async function discover(issuer: string): Promise<string> {
  const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
  const response = await fetch(url, { signal: AbortSignal.timeout(fetchMsMax), redirect: 'error' })
  if (!response.ok) throw new Error(`${url} answered ${response.status}`)
  const text = await response.text()
  if (text.length > documentBytesMax)
    throw new Error(`${url} answered more than ${documentBytesMax} bytes`)
  const { issuer: named, jwks_uri: jwks } = JSON.parse(text) as {
    issuer?: unknown
    jwks_uri?: unknown
  }
  if (named !== issuer)
    throw new Error(`${url} is of the issuer ${JSON.stringify(named)}, not of ${issuer}`)
  if (typeof jwks !== 'string' || !secureUrl(jwks))
    throw new Error(`${url} names no jwks_uri with https`)
  return jwks
}

/** https, or http on this machine. */
export function secureUrl(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, hostname } = new URL(text)
  return (
    protocol === 'https:' ||
    (protocol === 'http:' && /^(localhost|127\.0\.0\.1|\[::1\])$/.test(hostname))
  )
}
