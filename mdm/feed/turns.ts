/** Subscribers that go on in one turn of the event loop. */
const subscribersPerTurn = 4

/**
 * Gives subscribers that have much to deliver their turn one after the other, some in each turn of
 * the event loop. Hundreds of them would otherwise deliver in the same turn, and every query would
 * wait for all of them several times. Consumers take turns as well: one with many subscriptions
 * delays its own, and not those of others.
 */
export class Turns {
  /** The waiting subscriptions of each consumer; the one whose turn is next comes first. */
  readonly #waiting = new Map<string | null, (() => void)[]>()
  #isRunning = false

  /** Resolves when a subscription of this consumer may go on. */
  next(consumer: string | null): Promise<void> {
    return new Promise((go) => {
      const own = this.#waiting.get(consumer)
      if (own) own.push(go)
      else this.#waiting.set(consumer, [go])
      this.#run()
    })
  }

  #run(): void {
    if (this.#isRunning) return
    this.#isRunning = true
    setImmediate(() => {
      this.#isRunning = false
      for (let n = 0; n < subscribersPerTurn; n++) this.#release()
      if (this.#waiting.size > 0) this.#run()
    })
  }

  #release(): void {
    const [next] = this.#waiting
    if (!next) return
    const [consumer, own] = next
    own.shift()?.()
    this.#waiting.delete(consumer)
    if (own.length > 0) this.#waiting.set(consumer, own)
  }
}
