export interface Limit {
  windowMs: number
  /** Requests that are accepted within one window. */
  max: number
  /** A fixed window begins at each multiple of its length; a sliding one ends now. */
  kind: 'fixed' | 'sliding'
}

/** Counts requests: how many arrived at most in any window, and whether a limit is exceeded. */
export class RateLimit {
  /** Arrivals within the last window, of which `#first` is the oldest. */
  readonly #arrivals: number[] = []
  #first = 0
  #accepted: number[] = []
  mostInAWindow = 0
  readonly #limit: Limit
  readonly #enforced: boolean

  constructor(limit: Limit, enforced: boolean) {
    this.#limit = limit
    this.#enforced = enforced
  }

  /** Counts a request. Returns 0 if it is accepted, else the milliseconds to wait. */
  take(now: number): number {
    const { windowMs, max, kind } = this.#limit
    this.#arrivals.push(now)
    while (this.#arrivals[this.#first]! <= now - windowMs) this.#first += 1
    this.mostInAWindow = Math.max(this.mostInAWindow, this.#arrivals.length - this.#first)
    if (this.#first > 10_000) {
      this.#arrivals.splice(0, this.#first)
      this.#first = 0
    }
    if (!this.#enforced) return 0
    const begin = kind === 'fixed' ? now - (now % windowMs) : now - windowMs + 1
    this.#accepted = this.#accepted.filter((time) => time >= begin)
    if (this.#accepted.length >= max)
      return kind === 'fixed' ? begin + windowMs - now : this.#accepted[0]! + windowMs - now
    this.#accepted.push(now)
    return 0
  }

  /** Returns how many more requests the current window accepts. */
  get left(): number {
    return Math.max(0, this.#limit.max - this.#accepted.length)
  }
}
