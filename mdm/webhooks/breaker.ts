/**
 * The circuit breaker of one endpoint. While it is closed, everything is sent. After `failuresMax`
 * consecutive failures, of any events, it opens: nothing is sent until `pausedUntil`, then one
 * attempt. If that succeeds it closes, else it opens again for twice as long.
 */
export interface Breaker {
  /** Consecutive failures. */
  failures: number
  /** Number of consecutive openings; 0 while closed. */
  opened: number
  /** Milliseconds since 1970; 0 while closed. */
  pausedUntil: number
}

export const failuresMax = 10
const pauseMsMin = 15_000
const pauseMsMax = 15 * 60_000

export const closed: Breaker = { failures: 0, opened: 0, pausedUntil: 0 }

/** OPEN: nothing may be sent. TRYING: half-open, one attempt at a time. */
export function stateOf(breaker: Breaker, now: number): 'CLOSED' | 'OPEN' | 'TRYING' {
  if (now < breaker.pausedUntil) return 'OPEN'
  return breaker.opened > 0 ? 'TRYING' : 'CLOSED'
}

/** `pauseMs` is the endpoint's Retry-After, for everything sent to it. */
export function afterFailure(breaker: Breaker, now: number, pauseMs: number | null): Breaker {
  const failures = breaker.failures + 1
  const asked = pauseMs === null ? 0 : now + pauseMs
  // Attempts that were in flight when it opened are no new evidence.
  if (failures < failuresMax || now < breaker.pausedUntil)
    return { ...breaker, failures, pausedUntil: Math.max(breaker.pausedUntil, asked) }
  const opened = breaker.opened + 1
  const pause = Math.min(pauseMsMin * 2 ** (opened - 1), pauseMsMax)
  return { failures, opened, pausedUntil: Math.max(now + pause, asked) }
}
