/**
 * What waits while a source system is closed. PULL: it is not asked. WRITE: nothing is written to
 * it. POSTINGS: its financial documents that arrive are stored and applied afterwards.
 */
export const HOLDS = ['PULL', 'WRITE', 'POSTINGS'] as const
export type Hold = (typeof HOLDS)[number]

interface Holding {
  holds: readonly Hold[]
  /** The reason, as people read it. */
  why: string
}

/** Milliseconds since 1970. */
interface ClosedOnce extends Holding {
  from: number
  to: number
}

export interface ClosedOften extends Holding {
  /** A cron pattern of the begins, by the clock of `zone`. */
  at: string
  zone: string
  /** The length. */
  ms: number
}

/** A time in which a source system is closed. */
export type ClosedTime = ClosedOnce | ClosedOften
