/**
 * The circuit breaker of one endpoint. Closed, everything is sent. After `failuresMax` failures in
 * a row, whatever they were about, it opens: nothing is sent until `pausedUntil`, then one attempt.
 * When that succeeds it closes, else it opens again for twice as long.
 */
export interface Breaker {
  /** In a row. */
  failures: number
  /** How often in a row it has opened; 0 when it is closed. */
  opened: number
  /** Milliseconds since 1970; 0 when nothing holds it up. */
  pausedUntil: number
}

export const failuresMax = 10
const pauseMsMin = 15_000
const pauseMsMax = 15 * 60_000

export const closed: Breaker = { failures: 0, opened: 0, pausedUntil: 0 }

/** OPEN: nothing may be sent. TRYING: one attempt at a time, to see. */
export function stateOf(breaker: Breaker, now: number): 'CLOSED' | 'OPEN' | 'TRYING' {
  if (now < breaker.pausedUntil) return 'OPEN'
  return breaker.opened > 0 ? 'TRYING' : 'CLOSED'
}

/** `pauseMs` is what the endpoint asked for by Retry-After, for all that is sent to it. */
export function afterFailure(breaker: Breaker, now: number, pauseMs: number | null): Breaker {
  const failures = breaker.failures + 1
  const asked = pauseMs === null ? 0 : now + pauseMs
  // Attempts that were under way when it opened tell nothing new.
  if (failures < failuresMax || now < breaker.pausedUntil)
    return { ...breaker, failures, pausedUntil: Math.max(breaker.pausedUntil, asked) }
  const opened = breaker.opened + 1
  const pause = Math.min(pauseMsMin * 2 ** (opened - 1), pauseMsMax)
  return { failures, opened, pausedUntil: Math.max(now + pause, asked) }
}
