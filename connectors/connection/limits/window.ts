/** The places of a rate. */
export interface Window {
  readonly max: number
  used(now: number): number
  /** Returns 0 where a request may begin, else the milliseconds after which to ask again. */
  waitMs(now: number): number
  /** Takes a place; call what it returns when the system has begun to answer. */
  begin(): (now: number) => void
}

/**
 * A rate as the system may count it. The system counts a request at some moment between its start
 * and the first byte of its answer. So a request takes its place from its start until the length of
 * the window after that byte: no window of the system, wherever it begins, then holds more than
 * `max`. Counting from the start alone was one too many when a slow request met a fast one.
 */
export class RateWindow implements Window {
  readonly max: number
  readonly #perMs: number
  /** When places are free again, in order; a ring of at most `max`. */
  readonly #free: number[] = []
  #from = 0
  #running = 0

  constructor(max: number, perMs: number) {
    this.max = max
    this.#perMs = perMs
  }

  used(now: number): number {
    this.#drop(now)
    return this.#running + this.#free.length - this.#from
  }

  waitMs(now: number): number {
    if (this.used(now) < this.max) return 0
    const first = this.#free[this.#from]
    return first === undefined ? Number.POSITIVE_INFINITY : Math.max(1, first - now)
  }

  begin(): (now: number) => void {
    this.#running++
    return (now) => {
      this.#running--
      this.#free.push(now + this.#perMs)
    }
  }

  #drop(now: number): void {
    while (this.#from < this.#free.length && (this.#free[this.#from] ?? 0) <= now) this.#from++
    if (this.#from > 1_024 && this.#from * 2 > this.#free.length) {
      this.#free.splice(0, this.#from)
      this.#from = 0
    }
  }
}
