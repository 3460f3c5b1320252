/**
 * The stretch of the feed that has been taken and is not dealt with as a whole: which place may be
 * written down as done, though events are finished in any order.
 */
export class Window {
  /** In order of position; the first one is not done. */
  readonly #open: { position: number; done: boolean }[] = []
  #doneUpTo: number

  constructor(position: number) {
    this.#doneUpTo = position
  }

  /** Everything up to here is done. */
  get doneUpTo(): number {
    return this.#doneUpTo
  }

  get length(): number {
    return this.#open.length
  }

  /** An event that has to be dealt with. */
  add(position: number): void {
    this.#open.push({ position, done: false })
  }

  /** Up to here there is nothing further to deal with. */
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
