import { errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose'
import { normalText } from '../../schema/kit/normalText.ts'
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
const actorCharsMax = 200
/** Actors that are not people of the issuer: the audit log uses these names for other things. */
const RESERVED = /^(key:|cli:|(clock|development|nobody|touchstone|jetstream|\(overload\))$)/i
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
  if (!isActor(actor))
    throw unauthenticated(
      `The token's "sub" must be 1 to ${actorCharsMax} characters that can be seen, and no name of our own, as key:…`,
    )
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
 * The name stands in logs, terminals and the audit log. It has no character that hides or acts
 * there, and does not look like one of our own.
 */
function isActor(actor: unknown): actor is string {
  return (
    typeof actor === 'string' &&
    actor !== '' &&
    actor.length <= actorCharsMax &&
    normalText(actor) === actor &&
    !actor.includes('\n') &&
    !RESERVED.test(actor.normalize('NFKC'))
  )
}

/** 1e999 is a number to JSON, and such a token would never expire. */
function expiryOf({ exp = 0 }: JWTPayload): number {
  if (exp > 0 && exp <= secondsMax) return exp
  throw unauthenticated('The token\'s "exp" must be seconds since 1970 up to the year 9999')
}
