import type { ChangeEvent } from '../../schema/events.ts'
import type { Parked } from './store.ts'

/**
 * Queue of one golden record's events for one endpoint, sent strictly in order. A fresh queue has
 * its events in memory. A queue whose event failed is parked: it keeps its position, and later
 * events are read from the feed again.
 */
export interface RecordQueue {
  goldenId: string
  /** True if the events were marked for replay; replays run beside the normal queue. */
  replay: boolean
  fresh: ChangeEvent[]
  /** Position of the next event to try. */
  position: number
  attempts: number
  firstAt: number | null
  /** 0 while fresh. */
  nextAt: number
  /**
   * Parked: upper bound of the positions of events that may wait behind. Replay: number of
   * additions.
   */
  behindUpTo: number
  busy: boolean
}

/** The queues of one endpoint in order of their turn. */
export class RecordQueues {
  readonly #queues = new Map<string, RecordQueue>()
  /** Fresh queues that may be tried, in order of arrival. */
  readonly #ready = new Set<RecordQueue>()
  #parked = 0
  #replays = 0
  /** No parked queue is due before this time; may be too early, never too late. */
  #dueAt = 0

  /** `position` is how far the feed was read: events of parked records may wait up to there. */
  constructor(parked: readonly Parked[], position: number) {
    for (const p of parked)
      this.#add({ ...p, replay: false, fresh: [], behindUpTo: position, busy: false })
  }

  get freshCount(): number {
    return this.#queues.size - this.#parked
  }

  get parkedCount(): number {
    return this.#parked
  }

  get replayCount(): number {
    return this.#replays
  }

  has(queue: RecordQueue): boolean {
    return this.#queues.get(keyOf(queue)) === queue
  }

  /**
   * Adds a replay. If the golden record already has a replay queue, that queue checks once more for
   * events.
   */
  addReplay(parked: Parked): void {
    const queue = this.#queues.get(`replay ${parked.goldenId}`)
    if (queue) queue.behindUpTo++
    else {
      this.#add({ ...parked, replay: true, fresh: [], behindUpTo: 0, busy: false })
      this.#replays++
    }
  }

  /**
   * Returns true if the event must be handled from here; false if it waits in the feed or was
   * already sent.
   */
  take(event: ChangeEvent): boolean {
    const { goldenId, position } = event
    const queue = this.#queues.get(goldenId)
    if (queue && queue.fresh.length === 0) {
      queue.behindUpTo = Math.max(queue.behindUpTo, position)
      return false
    }
    if (queue) queue.fresh.push(event)
    else {
      const made: RecordQueue = {
        goldenId,
        replay: false,
        fresh: [event],
        position,
        attempts: 0,
        firstAt: null,
        nextAt: 0,
        behindUpTo: 0,
        busy: false,
      }
      this.#queues.set(goldenId, made)
      this.#ready.add(made)
    }
    return true
  }

  /** Returns the queue to try now and marks it busy. */
  next(now: number): RecordQueue | null {
    const queue = this.#earliest(now) ?? this.#ready.values().next().value ?? null
    if (queue) {
      queue.busy = true
      this.#ready.delete(queue)
    }
    return queue
  }

  #earliest(now: number): RecordQueue | null {
    if (this.#parked === 0 || now < this.#dueAt) return null
    let found: RecordQueue | null = null
    this.#dueAt = Number.POSITIVE_INFINITY
    for (const queue of this.#queues.values()) {
      if (queue.fresh.length > 0 || queue.busy) continue
      this.#dueAt = Math.min(this.#dueAt, queue.nextAt)
      if (!found || queue.nextAt < found.nextAt) found = queue
    }
    return found && found.nextAt <= now ? found : null
  }

  /** Marks an attempt as finished. */
  release(queue: RecordQueue): void {
    queue.busy = false
    if (queue.fresh.length > 0) this.#ready.add(queue)
    this.#dueAt = Math.min(this.#dueAt, queue.nextAt)
  }

  /**
   * Parks a queue until `nextAt`. Returns the positions that it had in memory and now leaves to the
   * feed.
   */
  park(queue: RecordQueue, nextAt: number): number[] {
    const held = queue.fresh.map((e) => e.position)
    if (held.length > 0) {
      queue.behindUpTo = held.at(-1) ?? queue.position
      queue.fresh = []
      this.#parked++
    }
    queue.nextAt = nextAt
    return held
  }

  /** Removes a fresh queue's finished first event. */
  shift(queue: RecordQueue): void {
    queue.fresh.shift()
    const [next] = queue.fresh
    if (next) this.#begin(queue, next.position, 0)
    else this.#queues.delete(keyOf(queue))
  }

  /** Moves a parked queue to another event. */
  moveTo(queue: RecordQueue, position: number, now: number): void {
    this.#begin(queue, position, now)
  }

  remove(queue: RecordQueue): void {
    this.#queues.delete(keyOf(queue))
    this.#parked--
    if (queue.replay) this.#replays--
  }

  /** Makes all parked queues due now. */
  hurry(now: number): void {
    for (const queue of this.#queues.values())
      if (queue.fresh.length === 0) queue.nextAt = Math.min(queue.nextAt, now)
    this.#dueAt = now
  }

  #begin(queue: RecordQueue, position: number, nextAt: number): void {
    queue.position = position
    queue.attempts = 0
    queue.firstAt = null
    queue.nextAt = nextAt
  }

  #add(queue: RecordQueue): void {
    this.#queues.set(keyOf(queue), queue)
    this.#parked++
    this.#dueAt = Math.min(this.#dueAt, queue.nextAt)
  }
}

function keyOf(queue: RecordQueue): string {
  return queue.replay ? `replay ${queue.goldenId}` : queue.goldenId
}
