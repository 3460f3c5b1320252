/** Messages that the bench's processes exchange over IPC. */
export type ToGateway =
  | { do: 'broadcast'; count: number; perSecond: number; bytes: number }
  | { do: 'memory' }
  | { do: 'stop' }
export type FromGateway =
  | { is: 'listening'; url: string; bareUrl: string }
  | { is: 'memory'; heapMB: number; rssMB: number }

/** Subscribe, write through the store, measure. */
export interface FeedPlan {
  do: 'feed'
  url: string
  databaseUrl: string
  subscribers: number
  /** Transactions a second, each with one event; 0: as many as possible. */
  perSecond: number
  events: number
  /** Select a field of the entity from another subgraph too. */
  entity: boolean
}

/** Connect to the bare server, report readiness, measure what it sends. */
export interface BarePlan {
  do: 'bare'
  url: string
  subscribers: number
  events: number
}

/** One subscriber that starts after `after` and reads up to the position `upTo`. */
export interface CatchUpPlan {
  do: 'catchUp'
  url: string
  after: string
  upTo: number
}

export interface CaughtUp {
  events: number
  seconds: number
  /** Events that did not directly follow the one before. */
  misplaced: number
}

export interface Latency {
  p50: number
  p99: number
  max: number
}

export interface Result {
  delivered: number
  missed: number
  twice: number
  seconds: number
  messageBytes: number
  ms: Latency
}

/** Returns milliseconds on a clock that all processes of this machine share. */
export function now(): number {
  return performance.timeOrigin + performance.now()
}

export function latency(samples: Float64Array): Latency {
  const sorted = samples.slice().sort()
  const at = (q: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN
  return { p50: at(0.5), p99: at(0.99), max: at(1) }
}
