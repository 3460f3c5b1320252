import { errors, jwtVerify, SignJWT } from 'jose'
import { LRUCache } from 'lru-cache'
import type { RequestInfo } from '../../subgraphs/contract.ts'
import { All, type Caller, type Callers, unauthenticated } from './caller.ts'

const ISSUER = 'touchstone-gateway'
const AUDIENCE = 'touchstone-subgraph'
const algorithm = 'HS256'
/** How long a token is valid. */
const lifeSecondsMax = 60
const secretBytesMin = 32
const tokensMax = 10_000

/**
 * Signs and verifies the gateway's statements about callers to its services. Only they share the
 * secret.
 */
export interface InternalTokens {
  sign(request: RequestInfo): Promise<string>
  callers: Callers
}

/** Throws if the secret is too short. */
export function internalTokens(secret: string, audience = AUDIENCE): InternalTokens {
  const key = new TextEncoder().encode(secret)
  if (key.length < secretBytesMin)
    throw new Error(`the internal secret has ${key.length} bytes; it needs ${secretBytesMin}`)
  /** One token for each caller and set of rights, renewed after half of its life. */
  const tokens = new LRUCache<string, Promise<string>>({
    max: tokensMax,
    ttl: (lifeSecondsMax * 1_000) / 2,
  })

  const sign = (r: RequestInfo) =>
    new SignJWT({
      roles: namesOf(r.roles ?? new Set()),
      scopes: namesOf(r.scopes),
      ...(r.regions ? { regions: r.regions } : {}),
      ...(r.legalEntities ? { legal_entities: r.legalEntities } : {}),
    })
      .setProtectedHeader({ alg: algorithm, typ: 'touchstone-internal+jwt' })
      .setIssuer(ISSUER)
      .setAudience(audience)
      .setSubject(r.actor ?? 'nobody')
      .setIssuedAt()
      .setExpirationTime(`${lifeSecondsMax} seconds`)
      .sign(key)

  async function identify(bearer: string | null): Promise<Caller> {
    if (bearer === null) throw unauthenticated('This service serves only its gateway')
    try {
      const { payload } = await jwtVerify(bearer, key, {
        algorithms: [algorithm],
        typ: 'touchstone-internal+jwt',
        issuer: ISSUER,
        audience,
        requiredClaims: ['sub', 'exp', 'iat', 'roles', 'scopes'],
        maxTokenAge: lifeSecondsMax,
        // Gateway and services may run on two machines.
        clockTolerance: 5,
      })
      return {
        actor: payload.sub ?? 'nobody',
        roles: setOf(payload.roles),
        scopes: setOf(payload.scopes),
        regions: textsOf(payload.regions),
        legalEntities: textsOf(payload.legal_entities),
        via: 'GATEWAY',
        expiresAt: (payload.exp ?? 0) * 1_000,
      }
    } catch (e) {
      if (!(e instanceof errors.JOSEError)) throw e
      throw unauthenticated(
        'This service serves only its gateway; is TOUCHSTONE_INTERNAL_SECRET the same on both?',
      )
    }
  }

  return {
    sign(request) {
      const { actor, regions, legalEntities } = request
      const names = [request.scopes, request.roles ?? new Set<string>()].map((set) =>
        namesOf(set).join(' '),
      )
      const key = JSON.stringify([actor, ...names, regions, legalEntities])
      let token = tokens.get(key)
      if (!token) {
        token = sign(request)
        tokens.set(key, token)
      }
      return token
    },
    callers: {
      isLocal: false,
      origins: new Set(),
      refuse: () => null,
      identify: ({ bearer }) => identify(bearer),
    },
  }
}

/** Returns the names in a set, or `*` for all. */
function namesOf(set: ReadonlySet<string>): string[] {
  return set.has('*') ? ['*'] : [...set]
}

/** Returns the bounds as the gateway has signed them; the token's own claims were judged there. */
function textsOf(claim: unknown): string[] | undefined {
  if (claim === undefined) return undefined
  if (Array.isArray(claim) && claim.every((word): word is string => typeof word === 'string'))
    return claim
  throw unauthenticated('The bounds of the caller are no lists of texts')
}

function setOf(words: unknown): ReadonlySet<string> {
  const all = Array.isArray(words) ? words.filter((w): w is string => typeof w === 'string') : []
  return all.includes('*') ? new All() : new Set(all)
}
