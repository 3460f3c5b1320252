import { Cron } from 'croner'
import type { ClosedOften, ClosedTime, Hold } from '../schema/closedTime.ts'

export interface Closed {
  /** Milliseconds since 1970. */
  until: number
  why: string
}

/** Times that follow each other without a gap count as one; this bounds a calendar that never opens. */
const followingMax = 100
/** The most recent begin may lie ahead by this, because cron has whole seconds. */
const secondMs = 1_000

/**
 * Returns until when a calendar holds back something at a time (ms since 1970); null where it does
 * not. Times that follow each other without a gap count as one.
 */
export function closedUntil(
  calendar: readonly ClosedTime[] | undefined,
  hold: Hold,
  now: number,
): Closed | null {
  const times = (calendar ?? []).filter((t) => t.holds.includes(hold))
  let closed: Closed | null = null
  for (let n = 0; n < followingMax; n++) {
    const at: number = closed?.until ?? now
    const ends = times.flatMap((time): Closed[] => {
      const until = endOf(time, at)
      return until !== null && until > at ? [{ until, why: time.why }] : []
    })
    if (ends.length === 0) break
    const latest = ends.reduce((a, b) => (b.until > a.until ? b : a))
    closed = { until: latest.until, why: (closed ?? latest).why }
  }
  return closed
}

/** Returns the end of the latest occurrence that began by then; null where none did. */
function endOf(time: ClosedTime, now: number): number | null {
  if ('from' in time) return time.from <= now ? time.to : null
  const pattern = patternOf(time)
  const second = Math.floor(now / secondMs)
  // Each message of a burst asks.
  if (pattern.second !== second) {
    pattern.begins = pattern.cron.previousRuns(2, new Date(now + secondMs)).map(Number)
    pattern.second = second
  }
  const begin = pattern.begins.find((b) => b <= now)
  return begin === undefined ? null : begin + time.ms
}

interface Pattern {
  cron: Cron
  /** The second of the last question, and the latest begins then. */
  second: number
  begins: number[]
}
const patterns = new WeakMap<ClosedTime, Pattern>()
function patternOf(time: ClosedOften): Pattern {
  const known = patterns.get(time)
  if (known) return known
  const cron = new Cron(time.at, { timezone: time.zone, paused: true })
  const pattern = { cron, second: Number.NaN, begins: [] }
  patterns.set(time, pattern)
  return pattern
}

/** Returns why a pattern or a zone cannot be used; null where both can. */
export function patternFault(at: string, zone: string): string | null {
  try {
    return new Cron(at, { timezone: zone, paused: true }).nextRun() === null
      ? 'the pattern names no time to come'
      : null
  } catch (e) {
    return e instanceof Error ? e.message : String(e)
  }
}
