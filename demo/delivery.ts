import type { Random } from './random.ts'

/** Shares of events that are delivered twice, or after some later ones. */
export const repeatShare = 0.02
export const reorderShare = 0.01
/** How many later messages may overtake one, or come between it and its repetition. */
export const heldBackMax = 40
export const repeatedAfterMax = 300

/**
 * Simulates the network: it delays some messages and delivers some twice. Holds at most about
 * `repeatedAfterMax` messages, however long the stream is.
 */
export class Delivery<T> {
  readonly #draw: Random
  readonly #held = new Map<number, T[]>()
  #position = 0

  constructor(draw: Random) {
    this.#draw = draw
  }

  *send(message: T, late: boolean): Generator<T> {
    this.#position += 1
    const hold = late
      ? this.#draw.between(3, heldBackMax)
      : this.#draw.chance(reorderShare)
        ? this.#draw.between(1, 12)
        : 0
    if (hold === 0) yield message
    else this.#hold(message, hold)
    if (this.#draw.chance(repeatShare))
      this.#hold(message, hold + this.#draw.between(1, repeatedAfterMax))
    const due = this.#held.get(this.#position)
    if (due) {
      this.#held.delete(this.#position)
      yield* due
    }
  }

  /** Yields the messages still held at the end of the stream. */
  *rest(): Generator<T> {
    const positions = [...this.#held.keys()].sort((a, b) => a - b)
    for (const position of positions) yield* this.#held.get(position)!
    this.#held.clear()
  }

  #hold(message: T, places: number): void {
    const at = this.#position + places
    const list = this.#held.get(at)
    if (list) list.push(message)
    else this.#held.set(at, [message])
  }
}
