import { setImmediate } from 'node:timers/promises'
import type { ChangeEvent } from '../../schema/events.ts'
import type { FeedError } from './feedError.ts'
import type { Head, ReadEvent } from './read.ts'
import { Ring, type RingBounds } from './ring.ts'

/** Subscribers woken in one turn of the event loop. */
const wakeGroupMax = 16

/**
 * The live end of one feed, as the tailer fills it and subscribers read it. It ends with an error
 * when the feed under it turns out to be another one or not dense; the tailer then begins a new
 * one, and its subscribers end.
 */
export class Tail {
  readonly feed: string
  /** The oldest kept position, as far as known; it may be a poll behind. */
  oldest: number
  readonly #bounds: RingBounds
  #ring: Ring
  #failure: FeedError | null = null
  #ended = false
  readonly #waiting = new Set<() => void>()

  constructor(head: Head, bounds: RingBounds) {
    this.feed = head.feed
    this.oldest = head.oldest
    this.#bounds = bounds
    this.#ring = new Ring(head.position, bounds)
  }

  /** Position of the last event that arrived here. */
  get head(): number {
    return this.#ring.last
  }

  /** Positions up to this one are in the table only. */
  get tableUpTo(): number {
    return this.#ring.last - this.#ring.length
  }

  get ringBytes(): number {
    return this.#ring.bytes
  }

  get subscribersWaiting(): number {
    return this.#waiting.size
  }

  at(position: number): ChangeEvent | undefined {
    return this.#ring.at(position)
  }

  /** The last event of a golden record, if it is in the ring. */
  latest(goldenId: string): ChangeEvent | undefined {
    return this.#ring.latest(goldenId)
  }

  push(items: ReadEvent[]): void {
    for (const item of items) this.#ring.push(item)
    void this.#wake()
  }

  /** Goes on after `position`, because what lies between has expired. */
  skipTo(position: number): void {
    this.#ring = new Ring(position, this.#bounds)
    void this.#wake()
  }

  fail(error: FeedError): void {
    this.#failure = error
    void this.#wake()
  }

  get failed(): boolean {
    return this.#failure !== null
  }

  /** Throws what ended this tail. */
  check(): void {
    if (this.#failure) throw this.#failure
  }

  /** The process stops: subscriptions complete, and their clients resume elsewhere. */
  end(): void {
    this.#ended = true
    void this.#wake()
  }

  get ended(): boolean {
    return this.#ended
  }

  /**
   * Resolves when there is more than `position`, or the signal aborts, or the tail has failed or
   * ended.
   */
  async moved(position: number, signal: AbortSignal): Promise<void> {
    if (this.head > position || signal.aborted || this.#failure || this.#ended) return
    await new Promise<void>((resolve) => {
      const done = () => {
        this.#waiting.delete(done)
        signal.removeEventListener('abort', done)
        resolve()
      }
      this.#waiting.add(done)
      signal.addEventListener('abort', done)
    })
  }

  /**
   * In groups, with a turn of the event loop after each: what the first ones get goes out before
   * the last ones are served. All at once they would go through their promises side by side, and
   * all be served when the last one is.
   */
  async #wake(): Promise<void> {
    const waiting = [...this.#waiting]
    for (let i = 0; i < waiting.length; i++) {
      waiting[i]?.()
      if ((i + 1) % wakeGroupMax === 0) await setImmediate()
    }
  }
}
