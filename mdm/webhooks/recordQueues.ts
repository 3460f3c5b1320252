import type { ChangeEvent } from '../../schema/events.ts'
import type { Parked } from './store.ts'

/**
 * The events of one golden record on their way to one endpoint, strictly one after the other. A
 * fresh queue holds its events; one that failed is parked: it holds its place, and the events behind
 * it are read from the feed again.
 */
export interface RecordQueue {
  goldenId: string
  /** Events that are sent again on request go beside those that come of themselves. */
  replay: boolean
  fresh: ChangeEvent[]
  /** Of the event that is tried next. */
  position: number
  attempts: number
  firstAt: number | null
  /** 0 while fresh. */
  nextAt: number
  /**
   * Parked: events of this golden record that may wait behind are at most here. Of a replay: counts
   * what was added.
   */
  behindUpTo: number
  busy: boolean
}

/** The queues of one endpoint, and which is next. */
export class RecordQueues {
  readonly #queues = new Map<string, RecordQueue>()
  /** Fresh ones that may go, first come first served. */
  readonly #ready = new Set<RecordQueue>()
  #parked = 0
  #replays = 0
  /** No parked queue is due before; may be too early, never too late. */
  #dueAt = 0

  /** `position` is how far the feed was read: events of parked records may wait up to there. */
  constructor(parked: readonly Parked[], position: number) {
    for (const p of parked) this.#add({ ...p, replay: false, fresh: [], behindUpTo: position, busy: false })
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
   * Where the golden record has a queue of this kind already, it will look once more what there is
   * to replay.
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
   * True when the event is to be dealt with from here; false when it waits in the feed, or went out
   * before.
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

  /** The queue to be tried now, which is busy from here on. */
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

  /** An attempt is over. */
  release(queue: RecordQueue): void {
    queue.busy = false
    if (queue.fresh.length > 0) this.#ready.add(queue)
    this.#dueAt = Math.min(this.#dueAt, queue.nextAt)
  }

  /** Parks a queue until `nextAt`. Answers the positions that it held and now leaves to the feed. */
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

  /** A fresh queue's first event is dealt with. */
  shift(queue: RecordQueue): void {
    queue.fresh.shift()
    const [next] = queue.fresh
    if (next) this.#begin(queue, next.position, 0)
    else this.#queues.delete(keyOf(queue))
  }

  /** A parked queue goes on with another event. */
  moveTo(queue: RecordQueue, position: number, now: number): void {
    this.#begin(queue, position, now)
  }

  remove(queue: RecordQueue): void {
    this.#queues.delete(keyOf(queue))
    this.#parked--
    if (queue.replay) this.#replays--
  }

  /** Everything parked is due now. */
  hurry(now: number): void {
    for (const queue of this.#queues.values()) if (queue.fresh.length === 0) queue.nextAt = Math.min(queue.nextAt, now)
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
