/**
 * Adds the operations that callers began since the last call. Returns the count of all gateways for
 * these callers in the current minute.
 */
export type AddUp = (begun: ReadonlyMap<string, number>) => Promise<ReadonlyMap<string, number>>

const everyMs = 1_000
const callersMax = 10_000
const msPerMinute = 60_000

/**
 * Counts the operations of callers at other gateways, for the limit per minute. It exchanges counts
 * once a second for all active callers, never within a request. Several gateways together therefore
 * admit at most what one would, plus one second's operations. While the database is unavailable,
 * each gateway counts alone.
 */
export class SharedRate {
  readonly #addUp: AddUp
  readonly #failed: (error: unknown) => void
  readonly #now: () => number
  #begun = new Map<string, number>()
  #elsewhere = new Map<string, number>()
  #minute = 0
  /** Operations begun in the current minute at this gateway. */
  #own = new Map<string, number>()
  #exchanging = false
  readonly #timer: NodeJS.Timeout

  constructor(addUp: AddUp, failed: (error: unknown) => void, now: () => number = Date.now) {
    this.#addUp = addUp
    this.#failed = failed
    this.#now = now
    this.#timer = setInterval(() => void this.exchange(), everyMs).unref()
  }

  note(actor: string): void {
    this.#turn()
    if (this.#begun.size >= callersMax && !this.#begun.has(actor)) return
    this.#begun.set(actor, (this.#begun.get(actor) ?? 0) + 1)
    this.#own.set(actor, (this.#own.get(actor) ?? 0) + 1)
  }

  /**
   * Returns the operations that a caller began in the current minute, here and as far as known
   * elsewhere.
   */
  inMinute(actor: string): number {
    this.#turn()
    return (this.#own.get(actor) ?? 0) + (this.#elsewhere.get(actor) ?? 0)
  }

  async exchange(): Promise<void> {
    if (this.#exchanging || this.#begun.size === 0) return
    this.#exchanging = true
    const begun = this.#begun
    this.#begun = new Map()
    const minute = this.#minute
    const counted = new Map([...begun.keys()].map((actor) => [actor, this.#own.get(actor) ?? 0]))
    try {
      const all = await this.#addUp(begun)
      if (minute === this.#minute)
        for (const [actor, n] of all)
          this.#elsewhere.set(actor, Math.max(0, n - (counted.get(actor) ?? 0)))
    } catch (e) {
      this.#failed(e)
    } finally {
      this.#exchanging = false
    }
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** Resets the counts when a new minute begins. */
  #turn(): void {
    const minute = Math.floor(this.#now() / msPerMinute)
    if (minute === this.#minute) return
    this.#minute = minute
    this.#elsewhere = new Map()
    this.#own = new Map()
  }
}
