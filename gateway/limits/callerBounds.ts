import { LRUCache } from 'lru-cache'
import { HttpError } from '../httpError.ts'
import type { Caller } from '../identity/caller.ts'
import type { SharedRate } from './sharedRate.ts'

/** Bounds of one caller. They reserve capacity for the others. */
export interface CallerLimits {
  /**
   * Operations in a minute over all connections to this process. A tenth of it may begin at once.
   */
  callerOperationsPerMinuteMax: number
  /** Operations in progress; streams are not counted. */
  callerOperationsMax: number
  /** Open event streams and WebSockets. */
  callerStreamsMax: number
}

export const CALLER_LIMITS: CallerLimits = {
  callerOperationsPerMinuteMax: 12_000,
  callerOperationsMax: 128,
  callerStreamsMax: 1_000,
}

/**
 * Maximum number of callers in memory. The caller that has been silent longest is evicted first and
 * starts again with a full bucket.
 */
const callersMax = 10_000
const msPerMinute = 60_000
/**
 * A request up to this size counts as one operation. Each further KiB counts as one more: reading
 * it is the work.
 */
const plainBytesMax = 4_096
/** Each further block of this many values in the response counts as one more operation. */
const valuesPerOperation = 500
/** The mean wait when several gateways together have used up a minute: half of it. */
const waitSeconds = 30

interface Account {
  /** Operations that the caller may still begin, as computed at `at`. */
  left: number
  at: number
  operations: number
  streams: number
}

/**
 * Limits callers by actor in this process; with `shared`, operations begun at other gateways count
 * too. The development caller is not counted: there are no others to protect. The bucket fills
 * evenly: a caller below the rate never waits, and a burst may be a tenth of a minute's operations.
 */
export class CallerBounds {
  readonly #limits: CallerLimits
  readonly #accounts = new LRUCache<string, Account>({ max: callersMax })
  readonly #now: () => number
  readonly #shared: Pick<SharedRate, 'note' | 'inMinute'> | undefined

  /** `shared` counts the operations of callers at other gateways. */
  constructor(
    limits: CallerLimits,
    now: () => number = () => performance.now(),
    shared?: Pick<SharedRate, 'note' | 'inMinute'>,
  ) {
    this.#limits = limits
    this.#shared = shared
    this.#now = now
  }

  /** Counts an operation that begins; returns the function that ends it. Throws HttpError 429. */
  begin(caller: Caller): () => void {
    this.count(caller)
    return this.acquire(caller, 'operations')
  }

  /** Counts an operation against the rate per minute only. Throws HttpError 429. */
  count(caller: Caller): void {
    if (caller.via === 'DEVELOPMENT') return
    const account = this.#accountOf(caller.actor)
    const rate = this.#limits.callerOperationsPerMinuteMax
    const now = this.#now()
    account.left = Math.min(this.#burst, account.left + ((now - account.at) * rate) / msPerMinute)
    account.at = now
    if (account.left < 1) throw this.#tooMany(account)
    if (this.#shared && this.#shared.inMinute(caller.actor) >= rate) {
      const message = `At most ${rate} operations per minute over all gateways: retry in the next minute`
      throw new HttpError(429, 'RATE_LIMITED', message, waitSeconds)
    }
    account.left--
    this.#shared?.note(caller.actor)
  }

  /**
   * Charges a started request for its size beyond one operation. If the bucket is too small, later
   * requests pay the rest. Throws HttpError 429 if requests that started at the same time have
   * already overdrawn the bucket.
   */
  charge(caller: Caller, operations: number): void {
    if (caller.via === 'DEVELOPMENT' || operations <= 0) return
    const account = this.#accountOf(caller.actor)
    if (account.left < 0) throw this.#tooMany(account)
    account.left = Math.max(-this.#burst, account.left - operations)
  }

  /**
   * Counts an operation or stream in progress; returns the function that ends it. Throws HttpError
   * 429.
   */
  acquire(caller: Caller, what: 'operations' | 'streams'): () => void {
    if (caller.via === 'DEVELOPMENT') return () => {}
    const account = this.#accountOf(caller.actor)
    const { callerOperationsMax, callerStreamsMax } = this.#limits
    if (what === 'operations' && account.operations >= callerOperationsMax)
      throw new HttpError(
        429,
        'TOO_MANY_OPERATIONS',
        `At most ${callerOperationsMax} operations at once: wait for one to end`,
        1,
      )
    if (what === 'streams' && account.streams >= callerStreamsMax)
      throw new HttpError(
        429,
        'TOO_MANY_STREAMS',
        `At most ${callerStreamsMax} event streams and WebSockets at once: close one`,
        1,
      )
    account[what]++
    let ended = false
    return () => {
      if (!ended) account[what]--
      ended = true
    }
  }

  #tooMany({ left }: Account): HttpError {
    const rate = this.#limits.callerOperationsPerMinuteMax
    const wait = Math.ceil(((1 - left) * msPerMinute) / rate / 1_000)
    return new HttpError(
      429,
      'RATE_LIMITED',
      `At most ${rate} operations per minute: retry in ${wait} s`,
      wait,
    )
  }

  get #burst(): number {
    return Math.max(1, this.#limits.callerOperationsPerMinuteMax / 10)
  }

  #accountOf(actor: string): Account {
    let account = this.#accounts.get(actor)
    if (!account) {
      account = { left: this.#burst, at: this.#now(), operations: 0, streams: 0 }
      this.#accounts.set(actor, account)
    }
    return account
  }
}

/** Returns how many operations a request of this size counts beyond one. */
export function operationsOfBytes(bytes: number): number {
  return Math.max(0, bytes - plainBytesMax) / 1_024
}

/** Returns how many operations a response of at most this many values counts beyond one. */
export function operationsOfValues(values: number): number {
  return Math.max(0, values / valuesPerOperation - 1)
}
