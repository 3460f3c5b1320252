import { LRUCache } from 'lru-cache'
import { HttpError } from '../httpError.ts'
import type { Caller } from '../identity/caller.ts'
import type { SharedRate } from './sharedRate.ts'

/** Bounds of one caller, so that others have the rest. */
export interface CallerLimits {
  /** Operations in a minute, over all its connections to this process; a tenth of it at once. */
  callerOperationsPerMinuteMax: number
  /** Operations being answered at a time; streams are not among them. */
  callerOperationsMax: number
  /** Event streams and WebSockets that are open. */
  callerStreamsMax: number
}

export const CALLER_LIMITS: CallerLimits = {
  callerOperationsPerMinuteMax: 12_000,
  callerOperationsMax: 128,
  callerStreamsMax: 1_000,
}

/** Callers remembered; the one that has been silent longest is forgotten first, and begins anew. */
const callersMax = 10_000
const msPerMinute = 60_000
/**
 * A request counts as one operation up to this size, and as one more for each KiB past it: reading
 * it is the work.
 */
const plainBytesMax = 4_096
/** And as one more for so many values each that its answer may hold past the first so many. */
const valuesPerOperation = 500
/** A minute that is used up at several gateways together is over in half a minute, in the mean. */
const waitSeconds = 30

interface Account {
  /** Operations it may still begin now, and when that was worked out. */
  left: number
  at: number
  operations: number
  streams: number
}

/**
 * Counts by actor, in this process, and with `shared` what is begun elsewhere too. The development
 * caller is not counted: there is nobody else to protect from it. A bucket that fills evenly: who
 * stays under the rate never waits, and a burst may be a tenth of a minute's worth.
 */
export class CallerBounds {
  readonly #limits: CallerLimits
  readonly #accounts = new LRUCache<string, Account>({ max: callersMax })
  readonly #now: () => number
  readonly #shared: Pick<SharedRate, 'note' | 'inMinute'> | undefined

  /** `shared` knows what callers do at other gateways. */
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
    return this.hold(caller, 'operations')
  }

  /** Counts what begins by the minute only. Throws HttpError 429. */
  count(caller: Caller): void {
    if (caller.via === 'DEVELOPMENT') return
    const account = this.#accountOf(caller.actor)
    const rate = this.#limits.callerOperationsPerMinuteMax
    const now = this.#now()
    account.left = Math.min(this.#burst, account.left + ((now - account.at) * rate) / msPerMinute)
    account.at = now
    if (account.left < 1) throw this.#tooMany(account)
    if (this.#shared && this.#shared.inMinute(caller.actor) >= rate) {
      const message = `At most ${rate} operations a minute, over all gateways: come again in the next one`
      throw new HttpError(429, 'RATE_LIMITED', message, waitSeconds)
    }
    account.left--
    this.#shared?.note(caller.actor)
  }

  /**
   * Counts what a request that was begun asks for beyond one operation; what is not left is paid
   * off by later ones. Throws HttpError 429 where others that were begun at the same time have
   * taken what was left.
   */
  charge(caller: Caller, operations: number): void {
    if (caller.via === 'DEVELOPMENT' || operations <= 0) return
    const account = this.#accountOf(caller.actor)
    if (account.left < 0) throw this.#tooMany(account)
    account.left = Math.max(-this.#burst, account.left - operations)
  }

  /** Counts what is in progress; returns the function that ends it. Throws HttpError 429. */
  hold(caller: Caller, what: 'operations' | 'streams'): () => void {
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
      `At most ${rate} operations a minute: come again in ${wait} s`,
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

/** For how many operations more than one a request of this size stands. */
export function operationsOfBytes(bytes: number): number {
  return Math.max(0, bytes - plainBytesMax) / 1_024
}

/**
 * For how many operations more than one an operation stands whose answer may hold so many values.
 */
export function operationsOfValues(values: number): number {
  return Math.max(0, values / valuesPerOperation - 1)
}
