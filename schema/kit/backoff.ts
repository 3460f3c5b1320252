/**
 * Pauses between attempts: each twice as long as the one before, up to a maximum. Half of a pause
 * is random, so that processes that failed together do not come back together.
 */
export class Backoff {
  readonly #msMin: number
  readonly #msMax: number
  #ms: number

  constructor(msMin: number, msMax: number) {
    this.#msMin = msMin
    this.#msMax = msMax
    this.#ms = msMin
  }

  /** Returns the pause before the next attempt in milliseconds. `random` is in [0, 1). */
  next(random = Math.random()): number {
    const ms = this.#ms
    this.#ms = Math.min(2 * ms, this.#msMax)
    return ms * (0.5 + random / 2)
  }

  /** After a success: the next pause is the shortest again. */
  reset(): void {
    this.#ms = this.#msMin
  }
}
