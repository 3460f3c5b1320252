import { createHash } from 'node:crypto'
import { HttpError } from '../httpError.ts'
import type { Access } from './access.ts'
import { type Caller, unauthenticated } from './caller.ts'
import { CallerCache } from './callerCache.ts'

/** A valid API key, as the store returns it. */
export interface FoundKey {
  name: string
  roles: readonly string[]
  scopes: readonly string[]
  /** Null if the key is not bound to regions, like a token without that claim. */
  regions?: readonly string[] | null
  legalEntities?: readonly string[] | null
  expiresAt: Date | null
}

export interface ApiKeys {
  /** Returns the valid key of this text, or null. Throws if the store cannot be reached. */
  find(text: string): Promise<FoundKey | null>
  /** How long a revoked key may still be accepted here, in ms; default 5 s. */
  ageMsMax?: number
  report?: (error: unknown) => void
}

const ageMsDefault = 5_000
const keysMax = 1_000

/**
 * Returns a verifier of API keys. It queries the store for each key once per `ageMsMax`, and caches
 * keys by their hash.
 */
export function keyVerifier(keys: ApiKeys, access: Access): (text: string) => Promise<Caller> {
  const callers = new CallerCache({ callersMax: keysMax, msMax: keys.ageMsMax ?? ageMsDefault })
  return (text) =>
    callers.identify(createHash('sha256').update(text).digest('base64'), () => load(text))

  async function load(text: string): Promise<Caller> {
    let found: FoundKey | null
    try {
      found = await keys.find(text)
    } catch (e) {
      keys.report?.(e)
      throw new HttpError(
        503,
        'UNAVAILABLE',
        'API keys cannot be checked at present; try again later',
      )
    }
    if (!found) throw unauthenticated('The API key is not valid: it is unknown, revoked or expired')
    return {
      actor: `key:${found.name}`,
      ...access.rightsOf(found.roles, found.scopes),
      regions: found.regions ?? undefined,
      legalEntities: found.legalEntities ?? undefined,
      via: 'KEY',
      expiresAt: found.expiresAt?.getTime() ?? null,
    }
  }
}
