import { createHash } from 'node:crypto'
import { HttpError } from '../httpError.ts'
import type { Access } from './access.ts'
import { type Caller, unauthenticated } from './caller.ts'

/** A valid API key, as the store of keys answers. */
export interface FoundKey {
  name: string
  roles: readonly string[]
  scopes: readonly string[]
  /** Null: as a caller whose token says nothing of them. */
  regions?: readonly string[] | null
  legalEntities?: readonly string[] | null
  expiresAt: Date | null
}

export interface ApiKeys {
  /** The valid key of this text, else null. Throws where the store is away. */
  find(text: string): Promise<FoundKey | null>
  /** How long a key may go on being good here after it was revoked, in ms; default 5 s. */
  ageMsMax?: number
  report?: (error: unknown) => void
}

const ageMsDefault = 5_000
const keysMax = 1_000

/** Verifies API keys; the store is asked once in `ageMsMax` for each. Only keys that hold are kept, by their hash. */
export function keyVerifier(keys: ApiKeys, access: Access): (text: string) => Promise<Caller> {
  const ageMsMax = keys.ageMsMax ?? ageMsDefault
  const known = new Map<string, { caller: Caller; until: number }>()

  return async (text) => {
    const hash = createHash('sha256').update(text).digest('base64')
    const cached = known.get(hash)
    if (cached && cached.until > Date.now()) return cached.caller
    known.delete(hash)
    const caller = await look(text)
    if (known.size >= keysMax) known.delete(known.keys().next().value ?? '')
    const until = Math.min(Date.now() + ageMsMax, caller.expiresAt ?? Number.POSITIVE_INFINITY)
    known.set(hash, { caller, until })
    return caller
  }

  async function look(text: string): Promise<Caller> {
    let found: FoundKey | null
    try {
      found = await keys.find(text)
    } catch (e) {
      keys.report?.(e)
      throw new HttpError(503, 'UNAVAILABLE', 'API keys cannot be checked at present; try again later')
    }
    if (!found) throw unauthenticated('The API key does not hold: it is unknown, has been revoked, or has expired')
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
