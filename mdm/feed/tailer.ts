import { setTimeout as sleep } from 'node:timers/promises'
import { Backoff } from '../../schema/kit/backoff.ts'
import { WakeableSleep } from '../../schema/kit/wakeableSleep.ts'
import type { Sql } from '../db/database.ts'
import { isTransientDatabaseError } from '../db/isTransientDatabaseError.ts'
import { changeChannel } from './append.ts'
import { beginEpochAfterReturn } from './epochs.ts'
import { FeedError } from './feedError.ts'
import type { Lineage } from './lineage.ts'
import { Pages } from './pages.ts'
import { Permits } from './permits.ts'
import { type Head, type ReadEvent, readChanges, readHead } from './read.ts'
import type { SnapshotPage } from './snapshot.ts'
import { Tail } from './tail.ts'
import { Turns } from './turns.ts'

export interface TailerOptions {
  /**
   * A pool for the feed only, so that no query delays it: connectionsMax = catchUpReadsMax + 1;
   * LISTEN takes one more.
   */
  sql: Sql
  /** Logs when the database goes away and comes back, and when a feed ends. */
  log?: (level: 'info' | 'warn' | 'error', message: string) => void
  /** Events in memory for all subscribers, 10,000. */
  ringEventsMax?: number
  /** Their bytes, 64 MB. */
  ringBytesMax?: number
  /** Bytes of all pages of subscribers that are behind, 32 MB; and as much again of snapshots. */
  pagesBytesMax?: number
  /** Subscribers that read the table at once, 3. */
  catchUpReadsMax?: number
  /** Interval between reads of the head without a notification, 1,000 ms. */
  pollMs?: number
  /** Called with the live events as they arrive. */
  seen?: (events: readonly ReadEvent[]) => void
  /** Source of live events that replaces reads of the table. */
  live?: LiveSource | undefined
}

/**
 * Another source of live events. It may be late, unavailable, or skip events: whatever it does not
 * deliver within `liveMsMax` is read from the table. So it takes load from the database and changes
 * nothing in the contract.
 */
export interface LiveSource {
  /** Starts after `position`; calls `wake` when events are available. */
  start(position: number, wake: () => void): void
  /** Returns the events since the last call. */
  take(): readonly LiveEvent[]
  stop(): Promise<void>
}

/** An event of a feed; null if only its position is known, and the table must supply the rest. */
export interface LiveEvent {
  epoch: string
  position: number
  item: ReadEvent | null
}

/** Events read into the ring at once. */
const batchRowsMax = 500
/** How long a committed event may take through the live source before it is read from the table. */
const liveMsMax = 1_000
const retryMsMin = 50
const retryMsMax = 2_000
/** Interval between looks whether a tail that failed was replaced. */
const replacedPollMs = 20

/**
 * A page of the table for subscribers behind the ring: the events in (after, covered] that pass its
 * ids.
 */
export interface EventPage {
  events: ReadEvent[]
  covered: number
  oldest: number
  lineage: Lineage
  bytes: number
}

/**
 * Reads `change` in position order into a ring for all subscribers; one per process. NOTIFY only
 * wakes it; without it, it polls every `pollMs`. It waits for the database as long as it takes, and
 * never gives up by itself.
 */
export class Tailer {
  readonly sql: Sql
  readonly eventPages: Pages<EventPage>
  readonly snapshotPages: Pages<SnapshotPage>
  readonly turns = new Turns()
  /** Open subscriptions, each with its current position. */
  readonly followers = new Set<{ position: number; consumer: string | null }>()
  readonly #options: Required<Omit<TailerOptions, 'sql' | 'live'>> & Pick<TailerOptions, 'live'>
  readonly #permits: Permits
  readonly #stop = new AbortController()
  #tail: Tail
  readonly #pause = new WakeableSleep()
  #unlisten: () => Promise<unknown> = async () => {}
  #running: Promise<void> = Promise.resolve()
  #readAt = performance.now()
  #checkedAt = Number.NEGATIVE_INFINITY
  /** When the live source fell behind the table. */
  #owesSince = Number.POSITIVE_INFINITY

  /** Use `startTailer`. */
  constructor(head: Head, options: TailerOptions) {
    this.sql = options.sql
    this.#options = { ...defaults, ...options }
    this.#permits = new Permits(this.#options.catchUpReadsMax)
    this.eventPages = new Pages(this.#options.pagesBytesMax)
    this.snapshotPages = new Pages(this.#options.pagesBytesMax)
    this.#tail = this.#newTail(head)
  }

  /** The live end; a new object after the feed was replaced. */
  get tail(): Tail {
    return this.#tail
  }

  /**
   * Milliseconds since the feed was last read to its end; more than the poll interval while reads
   * fail.
   */
  get readMsAgo(): number {
    return performance.now() - this.#readAt
  }

  run(): void {
    this.#running = this.#loop()
    const { live } = this.#options
    if (live) {
      live.start(this.#tail.head, this.#pause.wake)
      return
    }
    // The driver listens again by itself after a lost connection and then calls the third argument.
    this.sql.listen(changeChannel, this.#pause.wake, this.#pause.wake).then(
      (l) => {
        this.#unlisten = l.unlisten
      },
      (e) => this.#options.log('warn', `feed: cannot listen, polling instead: ${message(e)}`),
    )
  }

  /** Ends all subscriptions; the owner of the pool closes it. */
  async stop(): Promise<void> {
    this.#stop.abort()
    this.#pause.wake()
    this.#tail.end()
    await this.#running
    await this.#options.live?.stop()
    await this.#unlisten().catch((e) => this.#options.log('warn', `feed: ${message(e)}`))
  }

  /**
   * Reads the table for a subscriber: with limited concurrency, and retried while the database is
   * away.
   */
  async read<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const backoff = new Backoff(retryMsMin, retryMsMax)
    for (;;) {
      try {
        return await this.#permits.run(work)
      } catch (e) {
        if (!isTransientDatabaseError(e) || signal.aborted || this.#stop.signal.aborted) throw e
        await sleep(backoff.next())
      }
    }
  }

  /** Returns the live end, after it was replaced if the feed went back. */
  async goodTail(signal: AbortSignal): Promise<Tail> {
    while (this.#tail.failed && !signal.aborted && !this.#stop.signal.aborted)
      await sleep(replacedPollMs)
    return this.#tail
  }

  /**
   * Continues in the feed's present epoch. If the live end has read what is no longer part of the
   * feed, it fails, and a new one begins at the head.
   */
  enter(lineage: Lineage): void {
    const tail = this.#tail
    // An older view, read before the last epoch began: its positions are part of this feed too.
    if (tail.failed || tail.lineage.knows(lineage.current)) return
    if (lineage.holds(tail.epoch, tail.head)) {
      this.#options.log('info', `feed: epoch ${lineage.current} has begun`)
      tail.lineage = lineage
    } else this.#fail('the store was replaced by an earlier state under the running feed')
  }

  #fail(what: string): void {
    const error = new FeedError('CURSOR_OTHER_FEED', `${what}; take a new snapshot`)
    this.#options.log('error', `feed: ${error.message}`)
    this.#tail.fail(error)
    this.#checkedAt = Number.NEGATIVE_INFINITY
    this.#pause.wake()
  }

  #newTail(head: Head): Tail {
    return new Tail(head, {
      eventsMax: this.#options.ringEventsMax,
      bytesMax: this.#options.ringBytesMax,
    })
  }

  async #loop(): Promise<void> {
    const backoff = new Backoff(retryMsMin, retryMsMax)
    while (!this.#stop.signal.aborted) {
      try {
        this.#pause.clear()
        const { live } = this.#options
        if (performance.now() - this.#checkedAt >= this.#options.pollMs) {
          this.#checkedAt = performance.now()
          const behind = await this.#checkHead()
          if (live && behind) this.#owesSince = Math.min(this.#owesSince, this.#checkedAt)
        }
        if (!live) await this.#readOn()
        else await this.#takeLive(live)
        if (!live || this.#owesSince === Number.POSITIVE_INFINITY) this.#readAt = performance.now()
        backoff.reset()
        await this.#pause.sleep(this.#options.pollMs)
      } catch (e) {
        if (this.#stop.signal.aborted) return
        if (e instanceof FeedError) {
          this.#options.log('error', `feed: ${e.message}`)
          this.#tail.fail(e)
        } else this.#options.log('warn', `feed: reading failed, trying again: ${message(e)}`)
        this.#checkedAt = Number.NEGATIVE_INFINITY
        await this.#pause.sleep(backoff.next())
      }
    }
  }

  /**
   * Checks that the feed is still the same and has not gone back; otherwise replaces the failed
   * tail by a new one at the head. Returns true if there is more to read.
   */
  async #checkHead(): Promise<boolean> {
    const head = await readHead(this.sql)
    const tail = this.#tail
    if (tail.failed) {
      this.#tail = this.#newTail(head)
      return false
    }
    if (head.epoch === tail.epoch && head.position < tail.head) {
      // The epoch does not show it, as with a restored memory image of the server; the positions
      // do.
      await beginEpochAfterReturn(this.sql, head)
      this.#fail('the store went back under the running feed')
      return false
    }
    this.enter(head.lineage)
    if (tail.failed) return false
    tail.oldest = head.oldest
    return head.position > tail.head
  }

  /**
   * Takes events from the live source, and reads from the table those that it skipped or delays.
   */
  async #takeLive(live: LiveSource): Promise<void> {
    const tail = this.#tail
    for (const { epoch, position, item } of live.take()) {
      // An epoch that is not known yet is read from the table, where it is checked.
      if (epoch !== tail.epoch || position <= tail.head) continue
      if (!item || position > tail.head + 1) await this.#readOn()
      else {
        tail.push([item])
        this.#options.seen([item])
      }
      this.#owesSince = Number.POSITIVE_INFINITY
    }
    if (performance.now() - this.#owesSince < liveMsMax) return
    await this.#readOn()
    this.#owesSince = Number.POSITIVE_INFINITY
  }

  async #readOn(): Promise<void> {
    const tail = this.#tail
    for (;;) {
      if (tail.failed) return
      const { events, oldest, lineage } = await readChanges(this.sql, {
        after: tail.head,
        upTo: Number.MAX_SAFE_INTEGER,
        ids: null,
        rowsMax: batchRowsMax,
      })
      this.enter(lineage)
      if (tail.failed) return
      tail.oldest = oldest
      if (oldest > tail.head + 1) {
        tail.skipTo(oldest - 1)
        continue
      }
      const gap = events.findIndex((e, i) => e.event.position !== tail.head + 1 + i)
      if (gap >= 0)
        throw new FeedError(
          'FEED_BROKEN',
          `position ${tail.head + 1 + gap} is missing before ${events[gap]?.event.position}: the feed is not dense`,
        )
      if (events.length > 0) {
        tail.push(events)
        this.#options.seen(events)
      }
      if (events.length < batchRowsMax || this.#stop.signal.aborted) return
    }
  }
}

const defaults = {
  log: () => {},
  seen: () => {},
  ringEventsMax: 10_000,
  ringBytesMax: 64 * 2 ** 20,
  pagesBytesMax: 32 * 2 ** 20,
  catchUpReadsMax: 3,
  pollMs: 1_000,
}

/** Waits for the database, then tails from its head. Migrations must have run. */
export async function startTailer(options: TailerOptions): Promise<Tailer> {
  const backoff = new Backoff(retryMsMin, retryMsMax)
  for (;;) {
    try {
      const tailer = new Tailer(await readHead(options.sql), options)
      tailer.run()
      return tailer
    } catch (e) {
      if (!isTransientDatabaseError(e)) throw e
      options.log?.('warn', `feed: waiting for the database: ${message(e)}`)
      await sleep(backoff.next())
    }
  }
}

function message(e: unknown): string {
  return e instanceof Error ? e.message || ('code' in e ? String(e.code) : e.name) : String(e)
}
