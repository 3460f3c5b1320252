import {
  createLocalJWKSet,
  createRemoteJWKSet,
  customFetch,
  errors,
  type JWTVerifyGetKey,
} from 'jose'
import { boundedText } from '../../schema/kit/boundedResponse.ts'
import { HttpError } from '../httpError.ts'
import { usableKeys } from './usableKeys.ts'

/** How long fetched keys are valid. */
const keysMsMax = 600_000
/** Minimum interval between fetches for tokens that name an unknown key. */
const refetchMsMin = 30_000
/** How long keys stay valid while the issuer does not respond. */
const staleMsMax = 3_600_000
/** Minimum delay before the issuer is called again after a failure. */
const failedMsMin = 5_000
const fetchMsMax = 5_000
const documentBytesMax = 1_000_000

export interface RemoteKeysOptions {
  issuer: string
  /** URL of the keys. Without it they are found by OpenID Connect discovery. */
  jwksUrl?: string | undefined
  /** Receives the reason why keys could not be fetched; callers do not see it. */
  report?: (why: string) => void
  refetchMsMin?: number
}

/**
 * Returns the public keys of an issuer. A new signing key is fetched when the first token names it.
 * A withdrawn key is dropped within `keysMsMax`, or `staleMsMax` while the issuer does not respond.
 * Addresses in tokens (jku, x5u) and keys in tokens (jwk, x5c) are ignored.
 */
export function remoteKeys(options: RemoteKeysOptions): JWTVerifyGetKey {
  let remote: RemoteJWKSet | null = null
  let finding: Promise<RemoteJWKSet> | null = null
  let failedAt = Number.NEGATIVE_INFINITY
  let answeredAt = Number.NEGATIVE_INFINITY

  const report = (why: string) => options.report?.(why)
  const find = async () => {
    const url = new URL(options.jwksUrl ?? (await discover(options.issuer)))
    return createRemoteJWKSet(url, {
      cacheMaxAge: keysMsMax,
      cooldownDuration: options.refetchMsMin ?? refetchMsMin,
      timeoutDuration: fetchMsMax,
      [customFetch]: async (address, { signal }) =>
        Response.json(usableKeys(await fetchJson(address, signal), report)),
    })
  }

  return async (header, token) => {
    if (Date.now() - failedAt < failedMsMin) return await withStaleKeys(header, token)
    try {
      if (!remote) {
        finding ??= find()
        remote = await finding
      }
      const key = await remote(header, token)
      answeredAt = Date.now()
      return key
    } catch (e) {
      if (isTokenError(e)) throw e
      finding = null
      failedAt = Date.now()
      const cause = e instanceof Error && e.cause instanceof Error ? ` (${e.cause.message})` : ''
      report(`${e instanceof Error ? e.message : String(e)}${cause}`)
      return await withStaleKeys(header, token)
    }
  }

  /** Accepts tokens of previously fetched keys for a while if the issuer does not respond. */
  async function withStaleKeys(...[header, token]: Parameters<JWTVerifyGetKey>) {
    const last = Date.now() - answeredAt < staleMsMax ? remote?.jwks() : undefined
    try {
      if (last) return await createLocalJWKSet(last)(header, token)
    } catch (e) {
      if (!(e instanceof errors.JWKSNoMatchingKey)) throw e
    }
    throw new HttpError(
      503,
      'UNAVAILABLE',
      'Tokens cannot be checked at present: the issuer does not respond; try again',
    )
  }
}

type RemoteJWKSet = ReturnType<typeof createRemoteJWKSet>

/** Returns true if the token itself fits no key, so that the issuer is not at fault. */
function isTokenError(e: unknown): boolean {
  return (
    e instanceof errors.JWKSNoMatchingKey ||
    e instanceof errors.JWKSMultipleMatchingKeys ||
    e instanceof errors.JOSENotSupported ||
    e instanceof errors.JOSEAlgNotAllowed
  )
}

async function discover(issuer: string): Promise<string> {
  const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
  const document = await fetchJson(url, AbortSignal.timeout(fetchMsMax))
  const { issuer: named, jwks_uri: jwks } = (document ?? {}) as {
    issuer?: unknown
    jwks_uri?: unknown
  }
  if (named !== issuer)
    throw new Error(
      `${url} belongs to the issuer ${JSON.stringify(named)?.slice(0, 200)}, not of ${issuer}`,
    )
  if (typeof jwks !== 'string' || !isKeysUrl(jwks, issuer))
    throw new Error(`${url} has no jwks_uri with https`)
  return jwks
}

/**
 * Fetches a document of the issuer within the bounds of size and time. Redirects are refused: they
 * would lead to an address that nobody has configured.
 */
async function fetchJson(url: string, signal: AbortSignal): Promise<unknown> {
  const response = await fetch(url, {
    signal,
    redirect: 'error',
    headers: { accept: 'application/json, application/jwk-set+json' },
  })
  if (response.status !== 200) {
    await response.body?.cancel()
    throw new Error(`${url} responded with ${response.status}`)
  }
  const text = await boundedText(response, documentBytesMax)
  try {
    return JSON.parse(text)
  } catch (e) {
    // The engine's message quotes the document.
    throw new Error(`${url} returned no JSON`, { cause: e })
  }
}

/**
 * Returns true if an issuer may name this URL for its keys. An issuer elsewhere must not make the
 * gateway send requests to services of its own machine.
 */
export function isKeysUrl(url: string, issuer: string): boolean {
  return (
    secureUrl(url) && (new URL(issuer).protocol === 'http:' || new URL(url).protocol === 'https:')
  )
}

/** Returns true for https, and for http on this machine. */
export function secureUrl(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, hostname } = new URL(text)
  return (
    protocol === 'https:' ||
    (protocol === 'http:' && /^(localhost|127\.0\.0\.1|\[::1\])$/.test(hostname))
  )
}
