import { createHash } from 'node:crypto'
import type { LimitDefinition } from '../definition/limits.ts'
import type { SourceConnection } from '../sourceConnection.ts'

/** A limit of a credential of a source system. */
export interface CredentialLimit {
  /** As the definition names it: `per 1m`, `concurrent /events*`. */
  name: string
  max: number
  /** Milliseconds of a rate; null for requests at one time. */
  perMs: number | null
  /** Names credential and limit, the same in each process (SharedRates). */
  key: string
}

/** Returns the limits of the credential that a connection signs in with. */
export function limitsOf(connection: SourceConnection): CredentialLimit[] {
  const credential = credentialOf(connection)
  return connection.definition.limits.limits.map((limit) => ({
    name: limit.name,
    max: limitMax(limit, connection.values),
    perMs: limit.perMs,
    key: limitKey(credential, limit.name),
  }))
}

export function limitKey(credential: string, name: string): string {
  return `${credential} ${name}`
}

/** Returns how many requests a limit allows: its setting, where one is given. */
export function limitMax(
  { max, setting }: LimitDefinition,
  values: SourceConnection['values'],
): number {
  const given = setting === null ? undefined : values.get(setting)
  return given === undefined ? max : Number(given)
}

/**
 * Returns a name of the credential that is the same in each process: the addresses of the system,
 * and what signs in. A secret counts by its reference.
 */
export function credentialOf({ definition, auth, values, secrets }: SourceConnection): string {
  const ofAuth = definition.auth[auth]?.names ?? new Set()
  const counts = (name: string) => ofAuth.has(name) || definition.settings.get(name)?.is === 'url'
  const parts = [...values, ...secrets].filter(([name]) => counts(name)).sort()
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url').slice(0, 22)
}
