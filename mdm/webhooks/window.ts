/**
 * The events taken from the feed and not all finished. Computes the position up to which everything
 * is done, although events finish in any order.
 */
export class Window {
  /** In order of position; the first one is not done. */
  readonly #open: { position: number; done: boolean }[] = []
  #doneUpTo: number

  constructor(position: number) {
    this.#doneUpTo = position
  }

  /** Everything up to this position is done. */
  get doneUpTo(): number {
    return this.#doneUpTo
  }

  get length(): number {
    return this.#open.length
  }

  /** Adds an event that must be handled. */
  add(position: number): void {
    this.#open.push({ position, done: false })
  }

  /** Advances the window: there is nothing more to handle up to this position. */
  pass(position: number): void {
    const last = this.#open.at(-1)
    if (!last) this.#doneUpTo = Math.max(this.#doneUpTo, position)
    else if (last.done) last.position = position
    else this.#open.push({ position, done: true })
  }

  done(position: number): void {
    const found = this.#open.find((o) => o.position === position)
    if (found) found.done = true
    while (this.#open[0]?.done) this.#doneUpTo = this.#open.shift()?.position ?? this.#doneUpTo
  }
}
