/** Observations that count. A cache between us and the system may give an old date now and then. */
const observationsMax = 64

/**
 * How far our clock is ahead of that of a source system, by the header Date of its answers. A bound
 * that lies ahead of the system's clock would pass rows that it has not written yet.
 */
export class SystemClock {
  #aheadMs: number[] = []

  /** `at`: our time when the answer began, in ms since 1970. */
  observe(date: string | undefined, at: number): void {
    const stated = Date.parse(date ?? '')
    if (Number.isNaN(stated)) return
    this.#aheadMs.push(at - stated)
    if (this.#aheadMs.length > observationsMax) this.#aheadMs.shift()
  }

  /**
   * Returns by how many ms our clock is ahead, at most a second and the time of an answer too many;
   * 0 where it is not, or not known.
   */
  aheadMs(): number {
    return this.#aheadMs.length === 0 ? 0 : Math.max(0, Math.min(...this.#aheadMs))
  }
}
