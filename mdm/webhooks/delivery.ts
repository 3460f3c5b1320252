import type { ChangeEvent } from '../../schema/events.ts'
import type { FeedItem } from '../feed/follow.ts'
import { nextAttempt, retryAfterMs, type Schedule } from './backoff.ts'
import { afterFailure, type Breaker, closed, stateOf } from './breaker.ts'
import type { DeliveryState } from './deliveries.ts'
import type { Answer } from './post.ts'
import { type RecordQueue, RecordQueues } from './recordQueues.ts'
import type { Logged, Parked, Store } from './store.ts'
import { Unsaved } from './unsaved.ts'
import { Window } from './window.ts'

export interface DeliveryOptions {
  store: Pick<Store, 'event' | 'eventBehind' | 'nextReplay' | 'replays' | 'save' | 'disable'>
  /** Makes one attempt. */
  send(event: ChangeEvent, signal: AbortSignal): Promise<Answer>
  /** Returns the next event of a golden record in (after, upTo] that passes the filter. */
  behind(goldenId: string, after: number, upTo: number): Promise<number | null>
  /** Milliseconds since 1970. */
  now(): number
  random(): number
  schedule: Schedule
  /** False once the lease on the endpoint may have expired: nothing may be sent. */
  held(): boolean
  /** Called with the final outcome of an event: accepted, or dead. Not called for replays. */
  settled?(event: ChangeEvent, accepted: boolean): void
  /** Called with the error that ended it: the lease is lost, or the database failed. */
  onEnd(error: unknown): void
}

/** State of an endpoint when a process claims it. */
export interface Standing {
  position: number
  epoch: string
  breaker: Breaker
  parked: Parked[]
  /** Positions past `position` that are already delivered. */
  delivered: Set<number>
}

/** Concurrent attempts for one endpoint; one per golden record. */
export const attemptsAtOnceMax = 8
/** Events read from the feed and not yet finished. */
const windowEventsMax = 256
/** Golden records that may wait for a retry; beyond it the feed is not read further. */
export const parkedMax = 10_000
/** Golden records replayed concurrently. */
const replaysMax = 1_000

/**
 * Delivers the feed to one endpoint: in order for each golden record, concurrently for different
 * ones. Its state is in memory and is saved as a whole, position, parked records, breaker and log
 * in one transaction. If the process dies, everything up to its last save stays done, and later
 * deliveries go out again under the same id.
 */
export class Delivery {
  readonly #o: DeliveryOptions
  /** Aborted when no new work may start. */
  readonly #closing = new AbortController()
  /** Aborted to cancel attempts in flight. */
  readonly #stop = new AbortController()
  readonly #queues: RecordQueues
  readonly #window: Window
  /** The epoch of the feed in which the last item was read. */
  #epoch: string
  #breaker: Breaker
  readonly #unsaved: Unsaved
  #underWay = 0
  #failed = false
  #room: (() => void) | null = null
  #drained: (() => void) | null = null
  readonly #delivered: Set<number>

  constructor(options: DeliveryOptions, { position, epoch, breaker, parked, delivered }: Standing) {
    this.#o = options
    this.#epoch = epoch
    this.#breaker = breaker
    this.#delivered = delivered
    this.#window = new Window(position)
    this.#queues = new RecordQueues(parked, position)
    this.#unsaved = new Unsaved(
      (progress) => options.store.save(progress),
      () => ({ position: this.#window.doneUpTo, epoch: this.#epoch, breaker: this.#breaker }),
    )
  }

  get position(): number {
    return this.#window.doneUpTo
  }

  /** Reads the feed until it is stopped. */
  async run(items: AsyncIterableIterator<FeedItem>): Promise<void> {
    const leave = () => void items.return?.()
    this.#closing.signal.addEventListener('abort', leave)
    try {
      await this.#replay()
      this.wake()
      for await (const item of items) {
        this.#take(item)
        this.wake()
        while (!this.#closed && !this.#mayRead()) await new Promise<void>((go) => (this.#room = go))
        if (this.#closed) break
      }
    } catch (e) {
      this.#fail(e)
    }
  }

  /** Called when time has passed or an attempt has finished. */
  wake(): void {
    if (this.#closed) return
    const now = this.#o.now()
    for (;;) {
      const state = stateOf(this.#breaker, now)
      const most = state === 'OPEN' ? 0 : state === 'TRYING' ? 1 : attemptsAtOnceMax
      if (this.#underWay >= most || this.#unsaved.full || !this.#o.held()) break
      const queue = this.#queues.next(now)
      if (!queue) break
      this.#underWay++
      this.#attempt(queue)
        .catch((e) => this.#fail(e))
        .finally(() => {
          this.#underWay--
          this.#queues.release(queue)
          if (this.#underWay === 0) this.#drained?.()
          this.wake()
        })
    }
    if (this.#mayRead()) this.#room?.()
    this.#saveSoon()
  }

  /**
   * Called when events have been marked for replay. If they cannot be read, this delivery ends, and
   * the next one, which is started soon, reads them: otherwise they would wait until the
   * process stops.
   */
  replaySoon(): void {
    this.#replay().catch((e) => this.#fail(e))
  }

  /** Loads the events marked for replay. */
  async #replay(): Promise<void> {
    for (const parked of await this.#o.store.replays(replaysMax)) this.#queues.addReplay(parked)
    this.wake()
  }

  /**
   * Starts no new attempts, cancels what is not done after `graceMs` (it counts as not tried), and
   * saves.
   */
  async stop(graceMs: number): Promise<void> {
    this.#close()
    const timer = setTimeout(() => this.#stop.abort(), graceMs)
    if (this.#underWay > 0) await new Promise<void>((done) => (this.#drained = done))
    clearTimeout(timer)
    this.#stop.abort()
    await this.#unsaved.settled()
    if (!this.#failed && this.#unsaved.some)
      await this.#unsaved.save().catch((e) => this.#o.onEnd(e))
  }

  get #closed(): boolean {
    return this.#closing.signal.aborted
  }

  #close(): void {
    this.#closing.abort()
    this.#room?.()
  }

  #fail(error: unknown): void {
    if (this.#failed) return
    this.#failed = true
    this.#close()
    this.#stop.abort()
    this.#o.onEnd(error)
  }

  #mayRead(): boolean {
    const free = this.#window.length < windowEventsMax && this.#queues.parkedCount < parkedMax
    const state = stateOf(this.#breaker, this.#o.now())
    // A half-open endpoint needs an event to try; parked events wait for their own time.
    return free && (state === 'CLOSED' || (state === 'TRYING' && this.#queues.freshCount === 0))
  }

  #take(item: FeedItem): void {
    const { position } = item.at.place
    this.#epoch = item.at.epoch
    if (item.kind === 'LAGGED') this.#unsaved.miss(item.missed)
    if (item.kind !== 'CHANGE' || this.#delivered.delete(position)) {
      this.#window.pass(position)
      return
    }
    if (this.#queues.take(item.event)) this.#window.add(position)
    else this.#window.pass(position)
  }

  async #attempt(queue: RecordQueue): Promise<void> {
    const event = queue.fresh[0] ?? (await this.#o.store.event(queue.position))
    const startedAt = this.#o.now()
    if (!event) {
      this.#log(
        queue,
        { position: queue.position, goldenId: queue.goldenId, version: 0 },
        'DEAD',
        expired,
        startedAt,
      )
      return await this.#goOn(queue)
    }
    const answer = await this.#o.send(event, this.#stop.signal)
    if (this.#stop.signal.aborted && answer.status === null) return
    queue.attempts++
    queue.firstAt ??= startedAt
    if (answer.status !== null && answer.status >= 200 && answer.status < 300) {
      // After an outage, nothing waits for a pause that was meant for the outage.
      const { opened, pausedUntil } = this.#breaker
      if (opened > 0) this.#queues.hurry(this.#o.now())
      this.#breaker = opened > 0 ? closed : { ...closed, pausedUntil }
      this.#log(queue, event, 'DELIVERED', answer, startedAt)
      if (!queue.replay) this.#o.settled?.(event, true)
      return await this.#goOn(queue)
    }
    await this.#refused(queue, event, answer, startedAt)
  }

  async #refused(
    queue: RecordQueue,
    event: ChangeEvent,
    answer: Answer,
    startedAt: number,
  ): Promise<void> {
    const now = this.#o.now()
    const wait = retryAfterMs(answer.retryAfter, now)
    // 429 and 503 concern the endpoint, not the event.
    const pause = answer.status === 429 || answer.status === 503 ? wait : null
    this.#breaker = afterFailure(this.#breaker, now, pause)
    const { schedule, random } = this.#o
    const nextAt = nextAttempt(
      schedule,
      queue.attempts,
      queue.firstAt ?? startedAt,
      now,
      wait,
      random(),
    )
    if (nextAt === null) {
      this.#log(queue, event, 'DEAD', answer, startedAt)
      if (!queue.replay) this.#o.settled?.(event, false)
      await this.#goOn(queue)
    } else {
      this.#log(queue, event, queue.replay ? 'REPLAY' : 'RETRYING', answer, startedAt)
      for (const position of this.#queues.park(queue, nextAt)) this.#window.done(position)
      this.#parked(queue)
    }
    if (answer.status === 410) {
      await this.#unsaved.save()
      await this.#o.store.disable('GONE')
      this.#fail(new Error('the endpoint answered 410 Gone and is disabled'))
    }
  }

  /** Finishes an event and moves to the next one of its golden record. */
  async #goOn(queue: RecordQueue): Promise<void> {
    if (queue.fresh.length > 0) {
      this.#window.done(queue.position)
      this.#queues.shift(queue)
      return
    }
    for (;;) {
      const { position, behindUpTo } = queue
      let next: number | null = null
      if (queue.replay) {
        await this.#unsaved.save()
        next = await this.#o.store.nextReplay(queue.goldenId)
      } else if (behindUpTo > position)
        next = await this.#o.behind(queue.goldenId, position, behindUpTo)
      if (next !== null) {
        this.#queues.moveTo(queue, next, this.#o.now())
        return this.#parked(queue)
      }
      // During the query another event may have queued behind this one, or another replay.
      if (queue.behindUpTo === behindUpTo) {
        this.#queues.remove(queue)
        if (queue.replay && this.#queues.replayCount === 0) await this.#replay()
        return this.#parked(queue)
      }
    }
  }

  #parked(queue: RecordQueue): void {
    if (queue.replay) return
    const { goldenId, position, attempts, firstAt, nextAt } = queue
    const there = this.#queues.has(queue)
    this.#unsaved.park(goldenId, there ? { goldenId, position, attempts, firstAt, nextAt } : null)
  }

  #log(
    queue: RecordQueue,
    event: Logged['event'],
    state: DeliveryState,
    answer: Answer,
    startedAt: number,
  ): void {
    const { position, goldenId, version } = event
    const firstAt = queue.firstAt ?? startedAt
    this.#unsaved.result({
      event: { position, goldenId, version },
      state,
      attempts: queue.attempts,
      answer,
      firstAt,
      lastAt: this.#o.now(),
    })
  }

  #saveSoon(): void {
    if (!this.#unsaved.due) return
    this.#unsaved.save().then(
      () => this.wake(),
      (e) => this.#fail(e),
    )
  }
}

const expired: Answer = {
  status: null,
  error:
    'EXPIRED: the event is no longer kept, or its record no longer in the rows of this webhook',
  response: null,
  retryAfter: undefined,
  durationMs: 0,
}
