/** Retry schedule of a failed delivery. */
export interface Schedule {
  /** Before the second attempt. */
  firstMs: number
  factor: number
  /** Upper bound of the pause between two attempts. */
  stepMsMax: number
  /** From the first attempt to the last. */
  windowMs: number
  /** Random part of a pause, so that deliveries that failed together are not retried together. */
  jitter: number
}

/**
 * 5 s, 15 s, 45 s, 2 min, 7 min, 20 min, 1 h, 3 h, 9 h, then every 12 h: about 14 attempts in three
 * days.
 */
export const threeDays: Schedule = {
  firstMs: 5_000,
  factor: 3,
  stepMsMax: 12 * 3_600_000,
  windowMs: 72 * 3_600_000,
  jitter: 0.2,
}

/** Bounds of an endpoint's Retry-After. */
export const retryAfterMsMin = 1_000
export const retryAfterMsMax = 3_600_000

/**
 * Returns the time of the next attempt after `attempts` attempts, the first of which was at
 * `firstAt`; null if that was the last. The last attempt is exactly at the end of the window.
 * `random` in [0, 1).
 */
export function nextAttempt(
  schedule: Schedule,
  attempts: number,
  firstAt: number,
  now: number,
  retryAfterMs: number | null,
  random: number,
): number | null {
  const end = firstAt + schedule.windowMs
  if (now >= end) return null
  const step = Math.min(schedule.firstMs * schedule.factor ** (attempts - 1), schedule.stepMsMax)
  const pause = retryAfterMs ?? step * (1 - schedule.jitter + 2 * schedule.jitter * random)
  return Math.min(now + Math.round(pause), end)
}

/**
 * Returns Retry-After, in seconds or as a date, as milliseconds from now within the bounds; null if
 * there is none.
 */
export function retryAfterMs(header: string | undefined, now: number): number | null {
  if (header === undefined) return null
  const text = header.trim()
  const wanted = /^\d{1,10}$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - now
  if (Number.isNaN(wanted)) return null
  return Math.min(Math.max(wanted, retryAfterMsMin), retryAfterMsMax)
}
