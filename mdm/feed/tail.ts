import { setImmediate } from 'node:timers/promises'
import type { ChangeEvent } from '../../schema/events.ts'
import type { FeedError } from './feedError.ts'
import type { Lineage } from './lineage.ts'
import type { Head, ReadEvent } from './read.ts'
import { Ring, type RingBounds } from './ring.ts'

/** Subscribers woken in one turn of the event loop. */
const wakeGroupMax = 16

/**
 * The live end of one feed: the tailer fills it and subscribers read it. It fails if the feed under
 * it was replaced or is not dense; then the tailer creates a new one, and its subscribers end.
 */
export class Tail {
  readonly feed: string
  /** The epochs up to the present one; replaced when another one begins and this tail goes on. */
  lineage: Lineage
  /** The oldest position still stored; it may lag by one poll. */
  oldest: number
  readonly #bounds: RingBounds
  #ring: Ring
  #failure: FeedError | null = null
  #ended = false
  readonly #waiting = new Set<() => void>()

  constructor(head: Head, bounds: RingBounds) {
    this.feed = head.feed
    this.lineage = head.lineage
    this.oldest = head.oldest
    this.#bounds = bounds
    this.#ring = new Ring(head.position, bounds)
  }

  /** The present epoch. */
  get epoch(): string {
    return this.lineage.current
  }

  /** Position of the last event that arrived here. */
  get head(): number {
    return this.#ring.last
  }

  /** Positions up to this one are only in the table. */
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

  /** Returns the last event of a golden record, if the ring has it. */
  latest(goldenId: string): ChangeEvent | undefined {
    return this.#ring.latest(goldenId)
  }

  push(items: ReadEvent[]): void {
    for (const item of items) this.#ring.push(item)
    void this.#wake()
  }

  /** Continues after `position`, because the events between have expired. */
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

  /** Throws the error that ended this tail. */
  check(): void {
    if (this.#failure) throw this.#failure
  }

  /**
   * Ends the tail because the process stops: subscriptions complete, and their clients resume
   * elsewhere.
   */
  end(): void {
    this.#ended = true
    void this.#wake()
  }

  get ended(): boolean {
    return this.#ended
  }

  /**
   * Resolves when the head is past `position`, the signal aborts, or the tail has failed or ended.
   */
  async waitForNews(position: number, signal: AbortSignal): Promise<void> {
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
   * Wakes in groups, with a turn of the event loop after each, so that the first subscribers'
   * events are sent before the last are served. Woken all at once, their promises would interleave
   * and all be served when the last one is.
   */
  async #wake(): Promise<void> {
    const waiting = [...this.#waiting]
    for (let i = 0; i < waiting.length; i++) {
      waiting[i]?.()
      if ((i + 1) % wakeGroupMax === 0) await setImmediate()
    }
  }
}
