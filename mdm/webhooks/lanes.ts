import type { ChangeEvent } from '../../schema/events.ts'
import type { Parked } from './store.ts'

/**
 * The events of one golden record on their way to one endpoint, strictly one after the other. A
 * fresh lane holds its events; one that failed is parked: it holds its place, and the events behind
 * it are read from the feed again.
 */
export interface Lane {
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

/** The lanes of one endpoint, and which is next. */
export class Lanes {
  readonly #lanes = new Map<string, Lane>()
  /** Fresh ones that may go, first come first served. */
  readonly #ready = new Set<Lane>()
  #parked = 0
  #replays = 0
  /** No parked lane is due before; may be too early, never too late. */
  #dueAt = 0

  /** `position` is how far the feed was read: events of parked records may wait up to there. */
  constructor(parked: readonly Parked[], position: number) {
    for (const p of parked) this.#add({ ...p, replay: false, fresh: [], behindUpTo: position, busy: false })
  }

  get freshCount(): number {
    return this.#lanes.size - this.#parked
  }

  get parkedCount(): number {
    return this.#parked
  }

  get replayCount(): number {
    return this.#replays
  }

  has(lane: Lane): boolean {
    return this.#lanes.get(keyOf(lane)) === lane
  }

  /**
   * Where the golden record has a lane of this kind already, it will look once more what there is
   * to replay.
   */
  addReplay(parked: Parked): void {
    const lane = this.#lanes.get(`replay ${parked.goldenId}`)
    if (lane) lane.behindUpTo++
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
    const lane = this.#lanes.get(goldenId)
    if (lane && lane.fresh.length === 0) {
      lane.behindUpTo = Math.max(lane.behindUpTo, position)
      return false
    }
    if (lane) lane.fresh.push(event)
    else {
      const made: Lane = {
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
      this.#lanes.set(goldenId, made)
      this.#ready.add(made)
    }
    return true
  }

  /** The lane to be tried now, which is busy from here on. */
  next(now: number): Lane | null {
    const lane = this.#earliest(now) ?? this.#ready.values().next().value ?? null
    if (lane) {
      lane.busy = true
      this.#ready.delete(lane)
    }
    return lane
  }

  #earliest(now: number): Lane | null {
    if (this.#parked === 0 || now < this.#dueAt) return null
    let found: Lane | null = null
    this.#dueAt = Number.POSITIVE_INFINITY
    for (const lane of this.#lanes.values()) {
      if (lane.fresh.length > 0 || lane.busy) continue
      this.#dueAt = Math.min(this.#dueAt, lane.nextAt)
      if (!found || lane.nextAt < found.nextAt) found = lane
    }
    return found && found.nextAt <= now ? found : null
  }

  /** An attempt is over. */
  release(lane: Lane): void {
    lane.busy = false
    if (lane.fresh.length > 0) this.#ready.add(lane)
    this.#dueAt = Math.min(this.#dueAt, lane.nextAt)
  }

  /** Parks a lane until `nextAt`. Answers the positions that it held and now leaves to the feed. */
  park(lane: Lane, nextAt: number): number[] {
    const held = lane.fresh.map((e) => e.position)
    if (held.length > 0) {
      lane.behindUpTo = held.at(-1) ?? lane.position
      lane.fresh = []
      this.#parked++
    }
    lane.nextAt = nextAt
    return held
  }

  /** A fresh lane's first event is dealt with. */
  shift(lane: Lane): void {
    lane.fresh.shift()
    const [next] = lane.fresh
    if (next) this.#begin(lane, next.position, 0)
    else this.#lanes.delete(keyOf(lane))
  }

  /** A parked lane goes on with another event. */
  moveTo(lane: Lane, position: number, now: number): void {
    this.#begin(lane, position, now)
  }

  remove(lane: Lane): void {
    this.#lanes.delete(keyOf(lane))
    this.#parked--
    if (lane.replay) this.#replays--
  }

  /** Everything parked is due now. */
  hurry(now: number): void {
    for (const lane of this.#lanes.values()) if (lane.fresh.length === 0) lane.nextAt = Math.min(lane.nextAt, now)
    this.#dueAt = now
  }

  #begin(lane: Lane, position: number, nextAt: number): void {
    lane.position = position
    lane.attempts = 0
    lane.firstAt = null
    lane.nextAt = nextAt
  }

  #add(lane: Lane): void {
    this.#lanes.set(keyOf(lane), lane)
    this.#parked++
    this.#dueAt = Math.min(this.#dueAt, lane.nextAt)
  }
}

function keyOf(lane: Lane): string {
  return lane.replay ? `replay ${lane.goldenId}` : lane.goldenId
}
