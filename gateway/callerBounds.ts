import { HttpError } from './httpAnswer.ts'
import type { Caller } from './identity/caller.ts'

/** What one caller may take of the gateway, so that others have the rest. */
export interface CallerLimits {
  /** Operations in a minute, over all its connections to this process; a tenth of it at once. */
  callerOperationsPerMinuteMax: number
  /** Operations being answered at a time; streams are not among them. */
  callerOperationsMax: number
}

export const CALLER_LIMITS: CallerLimits = { callerOperationsPerMinuteMax: 12_000, callerOperationsMax: 128 }

/** Callers remembered; the one that has been silent longest is forgotten first, and begins anew. */
const callersMax = 10_000
const msPerMinute = 60_000

interface Account {
  /** Operations it may still begin now, and when that was worked out. */
  left: number
  at: number
  underWay: number
}

/**
 * Counts by actor, in this process. The development caller is not counted: there is nobody else to protect from it.
 * A bucket that fills evenly: who stays under the rate never waits, and a burst may be a tenth of a minute's worth.
 */
export class CallerBounds {
  readonly #limits: CallerLimits
  readonly #accounts = new Map<string, Account>()
  readonly #now: () => number

  constructor(limits: CallerLimits, now: () => number = () => performance.now()) {
    this.#limits = limits
    this.#now = now
  }

  /** Counts an operation that begins; answers how to say that it has ended. Throws HttpError 429. */
  begin(caller: Caller): () => void {
    if (caller.via === 'DEVELOPMENT') return () => {}
    const account = this.#accountOf(caller.actor)
    const { callerOperationsPerMinuteMax: rate, callerOperationsMax: most } = this.#limits
    const now = this.#now()
    account.left = Math.min(this.#burst, account.left + ((now - account.at) * rate) / msPerMinute)
    account.at = now
    if (account.left < 1) {
      const wait = Math.ceil(((1 - account.left) * msPerMinute) / rate / 1_000)
      throw new HttpError(429, 'RATE_LIMITED', `At most ${rate} operations a minute: come again in ${wait} s`, wait)
    }
    if (account.underWay >= most)
      throw new HttpError(429, 'TOO_MANY_OPERATIONS', `At most ${most} operations at once: wait for one to end`, 1)
    account.left--
    account.underWay++
    let ended = false
    return () => {
      if (!ended) account.underWay--
      ended = true
    }
  }

  get #burst(): number {
    return Math.max(1, this.#limits.callerOperationsPerMinuteMax / 10)
  }

  #accountOf(actor: string): Account {
    const known = this.#accounts.get(actor)
    const account = known ?? { left: this.#burst, at: this.#now(), underWay: 0 }
    // The order of a Map is that of insertion: the longest silent one stands first.
    this.#accounts.delete(actor)
    if (!known && this.#accounts.size >= callersMax) this.#accounts.delete(this.#accounts.keys().next().value ?? '')
    this.#accounts.set(actor, account)
    return account
  }
}
