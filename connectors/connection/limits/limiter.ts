import type { LimitUse } from '../contract.ts'
import type { LimitDefinition } from '../definition/limits.ts'
import { limitKey } from './limitsOf.ts'
import { OwnPlaces, type Places, SharedPlaces } from './sharedPlaces.ts'
import type { SharedRates } from './sharedRates.ts'
import { SharedWindow } from './sharedWindow.ts'
import { RateWindow, type Window } from './window.ts'

/** The place of one request. */
export interface Permit {
  /** The system has begun to answer: it has counted the request. */
  counted(): void
  /** The request has ended. */
  release(): void
}

/** A limit has a rate or a number of requests at one time. */
interface Limit {
  definition: LimitDefinition
  max: number
  window: Window | null
  places: Places | null
}

interface Waiter {
  limits: Limit[]
  grant(): void
}

/** What a limiter shares with those of other processes that use its credential. */
export interface SharedCount {
  rates: SharedRates
  credential: string
  /** The longest time of one request. */
  answerMsMax: number
}

/** Requests that wait for a place. */
const waitersMax = 10_000

/**
 * Holds requests back, so that the limits of a credential are used and never exceeded. All users of
 * a credential share one.
 */
export class Limiter {
  readonly #limits: Limit[]
  readonly #now: () => number
  #waiters: Waiter[] = []
  #timer: NodeJS.Timeout | null = null
  #blockedUntil = 0

  /**
   * `now` returns milliseconds of a clock that never goes back. Without `shared` only the requests
   * of this process are counted.
   */
  constructor(
    definitions: readonly LimitDefinition[],
    maxOf: (limit: LimitDefinition) => number,
    now: () => number = () => performance.now(),
    shared: SharedCount | null = null,
  ) {
    this.#now = now
    const change = () => this.#grant()
    const windowOf = (name: string, max: number, perMs: number): Window => {
      if (!shared) return new RateWindow(max, perMs)
      const { rates, credential, answerMsMax } = shared
      const rate = { key: limitKey(credential, name), max, perMs }
      return new SharedWindow(rates, rate, answerMsMax, now, change)
    }
    const placesOf = (name: string, max: number): Places =>
      shared
        ? new SharedPlaces(
            shared.rates,
            { key: limitKey(shared.credential, name), max },
            now,
            change,
          )
        : new OwnPlaces(max)
    this.#limits = definitions.map((definition) => {
      const { name, perMs } = definition
      const max = maxOf(definition)
      return perMs === null
        ? { definition, max, window: null, places: placesOf(name, max) }
        : { definition, max, window: windowOf(name, max, perMs), places: null }
    })
  }

  /** Waits for a place. Rejects when the signal aborts. `path` is the path below the base. */
  acquire(path: string, signal: AbortSignal): Promise<Permit> {
    const limits = this.#limits.filter((l) => l.definition.path?.test(path) ?? true)
    if (this.#waiters.length >= waitersMax)
      throw new Error(`more than ${waitersMax} requests wait for a limit`)
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        limits,
        grant: () => {
          signal.removeEventListener('abort', abort)
          resolve(this.#permit(limits))
        },
      }
      const abort = () => {
        this.#waiters = this.#waiters.filter((w) => w !== waiter)
        // The timer of the last one would keep the process alive.
        this.#grant()
        reject(signal.reason)
      }
      if (signal.aborted) return reject(signal.reason)
      signal.addEventListener('abort', abort, { once: true })
      this.#waiters.push(waiter)
      this.#grant()
    })
  }

  /** Holds every request back for so long. */
  block(ms: number): void {
    this.#blockedUntil = Math.max(this.#blockedUntil, this.#now() + ms)
  }

  use(): LimitUse[] {
    const now = this.#now()
    return this.#limits.map(({ definition, max, window, places }) => ({
      name: definition.name,
      used: window?.used(now) ?? places?.running ?? 0,
      max,
    }))
  }

  #permit(limits: Limit[]): Permit {
    for (const limit of limits) limit.places?.begin()
    const ends = limits.map((limit) => limit.window?.begin())
    let isCounted = false
    let released = false
    const counted = () => {
      if (isCounted) return
      isCounted = true
      for (const end of ends) end?.(this.#now())
    }
    return {
      counted,
      release: () => {
        counted()
        if (released) return
        released = true
        for (const limit of limits) limit.places?.end()
        this.#grant()
      },
    }
  }

  /** Lets those begin for which there is a place, in the order in which they came. */
  #grant(): void {
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = null
    const waiting: Waiter[] = []
    let again = Number.POSITIVE_INFINITY
    const all = this.#waiters
    this.#waiters = []
    for (const waiter of all) {
      const ms = this.#waitMs(waiter.limits)
      if (ms === 0) waiter.grant()
      else {
        waiting.push(waiter)
        again = Math.min(again, ms)
      }
    }
    this.#waiters = [...waiting, ...this.#waiters]
    if (waiting.length > 0 && Number.isFinite(again))
      this.#timer = setTimeout(() => this.#grant(), Math.ceil(again))
  }

  #waitMs(limits: readonly Limit[]): number {
    const now = this.#now()
    const waits = limits.map(({ window, places }) => (window ?? places)?.waitMs(now) ?? 0)
    return Math.max(0, this.#blockedUntil - now, ...waits)
  }
}
