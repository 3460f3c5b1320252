import { errors, jwtVerify, SignJWT } from 'jose'
import type { RequestInfo } from '../../subgraphs/contract.ts'
import { All, type Caller, type Callers, unauthenticated } from './caller.ts'

const ISSUER = 'touchstone-gateway'
const AUDIENCE = 'touchstone-subgraph'
const algorithm = 'HS256'
/** Good for so long; signed anew for each caller after half of it. */
const lifeSecondsMax = 60
const secretBytesMin = 32

/** Signs and verifies what the gateway tells its services of a caller. Both have the same secret, and nobody else. */
export interface InternalTokens {
  sign(request: RequestInfo): Promise<string>
  callers: Callers
}

/** Throws where the secret is too short to be one. */
export function internalTokens(secret: string): InternalTokens {
  const key = new TextEncoder().encode(secret)
  if (key.length < secretBytesMin)
    throw new Error(`the internal secret has ${key.length} bytes; it needs ${secretBytesMin}`)
  // By the set of scopes, which callers with the same rights share, and the actor.
  const signed = new WeakMap<object, Map<string, { token: Promise<string>; until: number }>>()
  const actorsMax = 1_000

  const make = (r: RequestInfo) =>
    new SignJWT({
      roles: wordsOf(r.roles ?? new Set()),
      scopes: wordsOf(r.scopes),
      ...(r.regions ? { regions: r.regions } : {}),
      ...(r.legalEntities ? { legal_entities: r.legalEntities } : {}),
    })
      .setProtectedHeader({ alg: algorithm, typ: 'touchstone-internal+jwt' })
      .setIssuer(ISSUER)
      .setAudience(AUDIENCE)
      .setSubject(r.actor ?? 'nobody')
      .setIssuedAt()
      .setExpirationTime(`${lifeSecondsMax} seconds`)
      .sign(key)

  async function identify(bearer: string | null): Promise<Caller> {
    if (bearer === null) throw unauthenticated('This service answers to its gateway alone')
    try {
      const { payload } = await jwtVerify(bearer, key, {
        algorithms: [algorithm],
        typ: 'touchstone-internal+jwt',
        issuer: ISSUER,
        audience: AUDIENCE,
        requiredClaims: ['sub', 'exp', 'iat', 'roles', 'scopes'],
        maxTokenAge: lifeSecondsMax,
        // Gateway and services may be on two machines.
        clockTolerance: 5,
      })
      return {
        actor: payload.sub ?? 'nobody',
        roles: setOf(payload.roles),
        scopes: setOf(payload.scopes),
        regions: payload.regions as string[] | undefined,
        legalEntities: payload.legal_entities as string[] | undefined,
        via: 'GATEWAY',
        expiresAt: (payload.exp ?? 0) * 1_000,
      }
    } catch (e) {
      if (!(e instanceof errors.JOSEError)) throw e
      throw unauthenticated(
        'This service answers to its gateway alone; is TOUCHSTONE_INTERNAL_SECRET the same there and here?',
      )
    }
  }

  return {
    sign(request) {
      const of = JSON.stringify([
        request.actor,
        wordsOf(request.roles ?? new Set()),
        request.regions,
        request.legalEntities,
      ])
      let made = signed.get(request.scopes)
      if (!made || made.size > actorsMax) {
        made = new Map()
        signed.set(request.scopes, made)
      }
      const found = made.get(of)
      if (found && found.until > Date.now()) return found.token
      const token = make(request)
      made.set(of, { token, until: Date.now() + (lifeSecondsMax * 1_000) / 2 })
      return token
    },
    callers: { open: false, refuse: () => null, identify: ({ bearer }) => identify(bearer) },
  }
}

/** `*` is all of them. */
function wordsOf(set: ReadonlySet<string>): string[] {
  return set.has('*') ? ['*'] : [...set]
}

function setOf(words: unknown): ReadonlySet<string> {
  const all = Array.isArray(words) ? words.filter((w): w is string => typeof w === 'string') : []
  return all.includes('*') ? new All() : new Set(all)
}
