/**
 * Adds what callers began since the last call; returns what all gateways counted of them in the
 * current minute.
 */
export type AddUp = (begun: ReadonlyMap<string, number>) => Promise<ReadonlyMap<string, number>>

const everyMs = 1_000
const callersMax = 10_000
const msPerMinute = 60_000

/**
 * What callers do at other gateways, for the limit of a minute: told and asked once a second for
 * all callers that are active, never within a request. So several gateways let a caller begin at
 * most what one would, and what it begins in a second. While the database is away each goes by
 * itself.
 */
export class SharedRate {
  readonly #addUp: AddUp
  readonly #failed: (error: unknown) => void
  readonly #now: () => number
  #begun = new Map<string, number>()
  #elsewhere = new Map<string, number>()
  #minute = 0
  /** Of this minute, here. */
  #own = new Map<string, number>()
  #telling = false
  readonly #timer: NodeJS.Timeout

  constructor(addUp: AddUp, failed: (error: unknown) => void, now: () => number = Date.now) {
    this.#addUp = addUp
    this.#failed = failed
    this.#now = now
    this.#timer = setInterval(() => void this.tell(), everyMs).unref()
  }

  note(actor: string): void {
    this.#turn()
    if (this.#begun.size >= callersMax && !this.#begun.has(actor)) return
    this.#begun.set(actor, (this.#begun.get(actor) ?? 0) + 1)
    this.#own.set(actor, (this.#own.get(actor) ?? 0) + 1)
  }

  /** Operations that a caller began in the present minute, here and as far as known elsewhere. */
  inMinute(actor: string): number {
    this.#turn()
    return (this.#own.get(actor) ?? 0) + (this.#elsewhere.get(actor) ?? 0)
  }

  async tell(): Promise<void> {
    if (this.#telling || this.#begun.size === 0) return
    this.#telling = true
    const begun = this.#begun
    this.#begun = new Map()
    const minute = this.#minute
    const told = new Map([...begun.keys()].map((actor) => [actor, this.#own.get(actor) ?? 0]))
    try {
      const all = await this.#addUp(begun)
      if (minute === this.#minute)
        for (const [actor, n] of all)
          this.#elsewhere.set(actor, Math.max(0, n - (told.get(actor) ?? 0)))
    } catch (e) {
      this.#failed(e)
    } finally {
      this.#telling = false
    }
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** Each minute begins anew. */
  #turn(): void {
    const minute = Math.floor(this.#now() / msPerMinute)
    if (minute === this.#minute) return
    this.#minute = minute
    this.#elsewhere = new Map()
    this.#own = new Map()
  }
}
