import type { Verdict } from '../../connectors/connection/contract.ts'

/** Pause after the first failure and the longest one, in ms; each pause is twice the one before. */
interface Pauses {
  firstMs: number
  msMax: number
}

const minute = 60_000
const hour = 60 * minute

/** A failure that a person has to correct waits long. One that passes by itself is tried soon. */
const PAUSES: ReadonlyMap<Verdict, Pauses> = new Map([
  ['RETRY', { firstMs: minute / 2, msMax: hour / 2 }],
  ['WAIT', { firstMs: minute, msMax: hour }],
  ['CLOSED', { firstMs: 5 * minute, msMax: hour }],
  ['CONFLICT', { firstMs: minute, msMax: hour }],
  ['GONE', { firstMs: 5 * minute, msMax: hour }],
  ['INVALID', { firstMs: 15 * minute, msMax: 6 * hour }],
  ['MISSING', { firstMs: hour, msMax: 12 * hour }],
  ['PERMANENT', { firstMs: hour, msMax: 12 * hour }],
  ['SIGN_IN', { firstMs: 15 * minute, msMax: 6 * hour }],
  ['FORBIDDEN', { firstMs: hour, msMax: 12 * hour }],
])
/** A failure of our own: the database, or a fault of the program. */
const OTHER: Pauses = { firstMs: minute / 2, msMax: hour / 2 }
const jitter = 0.2

/**
 * Returns the time of the next attempt in ms since 1970, after `attempts` failures in a row.
 * `notBefore` is the system's own word; it is never undercut. `random` in [0, 1).
 */
export function retryAt(
  verdict: Verdict | null,
  attempts: number,
  notBefore: number | null,
  now: number,
  random: number = Math.random(),
): number {
  const { firstMs, msMax } = (verdict && PAUSES.get(verdict)) ?? OTHER
  const step = Math.min(firstMs * 2 ** Math.min(attempts - 1, 20), msMax)
  return Math.max(now + step * (1 - jitter * random), notBefore ?? 0)
}
