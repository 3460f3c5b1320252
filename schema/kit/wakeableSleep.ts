/**
 * The pause of a loop that others can end. A wake between two pauses counts too: the next pause
 * ends at once.
 */
export class WakeableSleep {
  #woken = false
  #end: (() => void) | null = null

  get woken(): boolean {
    return this.#woken
  }

  /** Bound, so that it can be passed as a listener. */
  readonly wake = (): void => {
    this.#woken = true
    this.#end?.()
  }

  /** Forgets earlier wakes; to be called before the work that they asked for. */
  clear(): void {
    this.#woken = false
  }

  /** Waits for `ms` milliseconds or until someone wakes it. */
  async sleep(ms: number): Promise<void> {
    if (this.#woken) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#end = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    this.#end = null
  }
}
