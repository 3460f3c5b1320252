import { errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose'
import { ACTOR_NAMES, isActorName } from '../../schema/kit/actorName.ts'
import { HttpError } from '../httpError.ts'
import type { Access } from './access.ts'
import { type Caller, unauthenticated } from './caller.ts'
import { CallerCache } from './callerCache.ts'
import { boundsOf, claimAt, rolesOf } from './claims.ts'

/** Signature algorithms with a private key. A public key must never serve as a shared secret. */
export const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
] as const
export type Algorithm = (typeof ALGORITHMS)[number]

/** The issuer of accepted tokens, and how they are read. */
export interface TokenIssuer {
  issuer: string
  audience: string
  keys: JWTVerifyGetKey
  algorithms: readonly Algorithm[]
  clockSkewSecondsMax: number
  /**
   * Claim with the names of roles: a list, or words with spaces between. A path where it has dots:
   * `realm_access.roles`.
   */
  rolesClaim: string
}

/**
 * How long a verified token is cached. Tokens of a withdrawn signing key are accepted for at most
 * this long.
 */
const cacheMsMax = 60_000
const tokensMax = 5_000
/** The end of the year 9999. */
const secondsMax = 253_402_300_799

/**
 * Returns a verifier of an issuer's tokens. It throws HttpError: 401 for an invalid token, 503
 * while keys are missing.
 */
export function tokenVerifier(
  issuer: TokenIssuer,
  access: Access,
): (token: string) => Promise<Caller> {
  const callers = new CallerCache({ callersMax: tokensMax, msMax: cacheMsMax })
  return (token) =>
    callers.identify(token, async () => callerOf(await payloadOf(token, issuer), issuer, access))
}

async function payloadOf(token: string, issuer: TokenIssuer): Promise<JWTPayload> {
  try {
    const { payload } = await jwtVerify(token, issuer.keys, {
      issuer: issuer.issuer,
      audience: issuer.audience,
      algorithms: [...issuer.algorithms],
      clockTolerance: issuer.clockSkewSecondsMax,
      requiredClaims: ['sub', 'exp'],
    })
    return payload
  } catch (e) {
    throw refusal(e, issuer)
  }
}

/** Returns the error of a token in words that reveal neither the token nor the keys. */
function refusal(e: unknown, { issuer, audience, algorithms }: TokenIssuer): HttpError {
  if (e instanceof HttpError) return e
  if (e instanceof errors.JWTExpired) return unauthenticated('The token has expired: get a new one')
  if (e instanceof errors.JWTClaimValidationFailed) {
    if (e.claim === 'iss') return unauthenticated(`The token is not of the issuer ${issuer}`)
    if (e.claim === 'aud')
      return unauthenticated(`The token is not meant for the audience ${audience}`)
    if (e.claim === 'nbf') return unauthenticated('The token is not valid yet')
    return unauthenticated(`The token's claim "${e.claim}" is missing or wrong`)
  }
  if (e instanceof errors.JOSEAlgNotAllowed)
    return unauthenticated(`The token is signed otherwise than by ${algorithms.join(', ')}`)
  return unauthenticated(
    'The token does not hold: it is no JWT of this issuer, or its signature is wrong',
  )
}

function callerOf(payload: JWTPayload, issuer: TokenIssuer, access: Access): Caller {
  // The issuer signs what it wants, so the types of the claims have to be checked.
  const actor: unknown = payload.sub
  if (!isActorName(actor)) throw unauthenticated(`The token's "sub" must be ${ACTOR_NAMES}`)
  refuseFuture(payload, issuer.clockSkewSecondsMax)
  return {
    actor,
    ...access.rightsOf(rolesOf(claimAt(payload, issuer.rolesClaim))),
    regions: boundsOf(payload.regions, 'regions'),
    legalEntities: boundsOf(payload.legal_entities, 'legal_entities'),
    via: 'TOKEN',
    expiresAt: (expiryOf(payload) + issuer.clockSkewSecondsMax) * 1_000,
  }
}

/**
 * Refuses a token that states something of the future as past: made ahead, it would be valid long
 * after its signer has lost the right to sign.
 */
function refuseFuture(payload: JWTPayload, clockSkewSecondsMax: number): void {
  const latest = Date.now() / 1_000 + clockSkewSecondsMax
  const times: [string, unknown][] = [
    ['iat', payload.iat],
    ['auth_time', payload.auth_time],
  ]
  for (const [claim, at] of times)
    if (at !== undefined && !(typeof at === 'number' && at <= latest))
      throw unauthenticated(`The token's "${claim}" lies in the future, or is no number of seconds`)
}

/** 1e999 is a number to JSON, and such a token would never expire. */
function expiryOf({ exp = 0 }: JWTPayload): number {
  if (exp > 0 && exp <= secondsMax) return exp
  throw unauthenticated('The token\'s "exp" must be seconds since 1970 up to the year 9999')
}
