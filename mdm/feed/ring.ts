import type { ChangeEvent } from '../../schema/events.ts'
import type { ReadEvent } from './read.ts'

export interface RingBounds {
  eventsMax: number
  bytesMax: number
}

/**
 * The latest events of the feed, without a gap, bounded in number and in bytes; the oldest are
 * dropped first.
 */
export class Ring {
  readonly #slots: (ReadEvent | undefined)[]
  readonly #bounds: RingBounds
  /** Golden id -> position of its last event here. */
  readonly #latest = new Map<string, number>()
  #first = 1
  #last: number
  #bytes = 0

  /** Creates an empty ring that continues after `position`. */
  constructor(position: number, bounds: RingBounds) {
    this.#slots = new Array(bounds.eventsMax)
    this.#bounds = bounds
    this.#last = position
    this.#first = position + 1
  }

  /** Position of the last event, whether or not the ring still has it. */
  get last(): number {
    return this.#last
  }

  get bytes(): number {
    return this.#bytes
  }

  get length(): number {
    return this.#last - this.#first + 1
  }

  push(item: ReadEvent): void {
    if (item.event.position !== this.#last + 1)
      throw new Error(`position ${item.event.position} after ${this.#last}: positions are dense`)
    if (this.length === this.#bounds.eventsMax) this.#drop()
    this.#last++
    this.#slots[this.#last % this.#bounds.eventsMax] = item
    this.#bytes += item.bytes
    this.#latest.set(item.event.goldenId, this.#last)
    // An event larger than the bound is not stored; readers find it in the table.
    while (this.#bytes > this.#bounds.bytesMax) this.#drop()
  }

  /** Returns the event at a position; undefined if the ring no longer or not yet has it. */
  at(position: number): ChangeEvent | undefined {
    if (position < this.#first || position > this.#last) return undefined
    return this.#slots[position % this.#bounds.eventsMax]?.event
  }

  /** Returns the last event of a golden record, if the ring has it. */
  latest(goldenId: string): ChangeEvent | undefined {
    const position = this.#latest.get(goldenId)
    return position === undefined ? undefined : this.at(position)
  }

  #drop(): void {
    const slot = this.#first % this.#bounds.eventsMax
    const item = this.#slots[slot]
    if (item && this.#latest.get(item.event.goldenId) === this.#first)
      this.#latest.delete(item.event.goldenId)
    this.#bytes -= item?.bytes ?? 0
    this.#slots[slot] = undefined
    this.#first++
  }
}
