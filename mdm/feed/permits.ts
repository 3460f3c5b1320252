/** Limits concurrent work to `max`; other work waits in order. */
export class Permits {
  readonly #waiting: (() => void)[] = []
  #free: number

  constructor(max: number) {
    this.#free = max
  }

  /** Work that lasts longer than `placeMsMax` gives its place to the next one, and goes on. */
  async run<T>(work: () => Promise<T>, placeMsMax: number | null = null): Promise<T> {
    if (this.#free > 0) this.#free--
    else await new Promise<void>((go) => this.#waiting.push(go))
    let isHeld = true
    const release = () => {
      if (!isHeld) return
      isHeld = false
      const next = this.#waiting.shift()
      if (next) next()
      else this.#free++
    }
    const timer = placeMsMax === null ? undefined : setTimeout(release, placeMsMax)
    try {
      return await work()
    } finally {
      clearTimeout(timer)
      release()
    }
  }
}
