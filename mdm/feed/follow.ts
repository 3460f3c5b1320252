import { randomUUID } from 'node:crypto'
import type { ChangeEvent } from '../../schema/events.ts'
import { asyncStream } from '../../schema/kit/asyncStream.ts'
import { isOperational } from '../../schema/operational.ts'
import type { CursorSeal } from '../db/cursorSeal.ts'
import { type CursorPosition, type FeedPlace, openCursor } from './cursor.ts'
import { readLineage, requirePresent } from './epochs.ts'
import { FeedError } from './feedError.ts'
import { checkFilter, createMatcher, type FeedFilter, Followed, valuesPass } from './filter.ts'
import type { Lineage } from './lineage.ts'
import { readChanges, readHead, readRedirects } from './read.ts'
import type { RowVisibility } from './rowVisibility.ts'
import { readSnapshot, type SnapshotItem } from './snapshot.ts'
import type { Tail } from './tail.ts'
import type { EventPage, Tailer } from './tailer.ts'

/**
 * An item of a subscription; `at` is the position to resume after (cursorText turns it into text).
 */
export type FeedItem = { at: FeedPlace } & (
  | { kind: 'SNAPSHOT'; item: SnapshotItem }
  | { kind: 'CHANGE'; event: ChangeEvent }
  | { kind: 'CAUGHT_UP' }
  | { kind: 'LAGGED'; reason: 'EXPIRED'; missed: number }
  /** Only with `bookmarkPositions`. */
  | { kind: 'BOOKMARK' }
)

export interface FollowOptions {
  /** A cursor: continue after it. Without it: from now, or with a snapshot. */
  after: string | null
  /**
   * Start with a snapshot; ignored if `after` is set, so that a client can send the same options
   * each time.
   */
  snapshot: boolean
  filter: FeedFilter
  /** Number of filtered-out positions after which a BOOKMARK is sent, also before catch-up. */
  bookmarkPositions?: number
  /** Row-level rights of the caller; without them everything is visible. */
  sight?: RowVisibility | null
  /**
   * Set for a caller with row rights who gets the cursors: nothing that it receives then depends on
   * how many events are hidden from it.
   */
  seal?: CursorSeal | null
  /** Name of the consumer, for metrics. */
  consumer?: string | null
}

/** Rows that a subscriber reads from the table at once. */
const pageRowsMax = 512
/** Number of filtered-out positions after which a subscription sends its position. */
const silentPositionsMax = 1_000
/** How often a subscription with sealed cursors sends its position, whatever happened since. */
const silentMsMax = 60_000
/** Positions that a subscription skips before the others get their turn. */
const positionsPerTurn = 32
/** An event that is delivered counts as this many positions: it is executed and written. */
const positionsPerEvent = 8

/**
 * Starts a subscription as docs/FEED.md specifies. Throws FeedError if the cursor or the filter is
 * invalid; later errors come from `next`. Nothing is read before it is requested; `return` ends it
 * at once, also while it waits.
 */
export async function follow(
  tailer: Tailer,
  options: FollowOptions,
): Promise<AsyncIterableIterator<FeedItem>> {
  const abort = new AbortController()
  const subscription = new Subscription(tailer, checkFilter(options.filter), options, abort.signal)
  const items = subscription.run(await subscription.start())
  const end = async () => {
    abort.abort()
    void items.return(undefined)
  }
  return asyncStream(() => items.next(), end)
}

class Subscription {
  readonly #tailer: Tailer
  #tail: Tail
  /** The epoch in which the position of this subscription is known to be part of the feed. */
  #epoch: string
  readonly #filter: FeedFilter
  readonly #options: FollowOptions
  readonly #signal: AbortSignal
  /**
   * The head at the time of the subscription: "from now" starts here, and catch-up is not complete
   * before it.
   */
  #now: number
  /** Key of this subscription's own pages. */
  readonly #key = randomUUID()
  /** Start of the page that was read ahead. */
  #ahead = -1
  /** Positions since the others had their turn, or since this subscription waited for an event. */
  #unbroken = 0
  /** Events delivered so far, for callers who see no positions. */
  #delivered = 0
  #followed: Followed | null = null
  /** Progress of this follower, for observers. */
  readonly #reached: { position: number; consumer: string | null }

  constructor(tailer: Tailer, filter: FeedFilter, options: FollowOptions, signal: AbortSignal) {
    this.#tailer = tailer
    this.#tail = tailer.tail
    this.#epoch = tailer.tail.epoch
    this.#now = tailer.tail.head
    this.#filter = filter
    this.#options = options
    this.#signal = signal
    this.#reached = { position: 0, consumer: options.consumer ?? null }
  }

  async start(): Promise<CursorPosition> {
    const place = await this.#place()
    const roots = this.#filter.ids
    if (roots) {
      const redirects = await this.#read(() =>
        readRedirects(this.#tailer.sql, roots, place.position),
      )
      this.#followed = new Followed(roots, redirects)
    }
    return place
  }

  async *run(start: CursorPosition): AsyncGenerator<FeedItem, undefined> {
    this.#reached.position = start.position
    this.#tailer.followers.add(this.#reached)
    try {
      if (start.kind === 'SCAN') yield* this.#scan(start)
      yield* this.#follow(start.position, createMatcher(this.#filter))
    } catch (e) {
      // The database was away when the client left: there is no one left to receive the error.
      if (!this.#signal.aborted) throw e
    } finally {
      this.#tailer.followers.delete(this.#reached)
      this.#tailer.eventPages.drop(this.#key)
      this.#tailer.snapshotPages.drop(this.#key)
    }
  }

  async #place(): Promise<CursorPosition> {
    await this.#useTail()
    const { after, snapshot, seal = null } = this.#options
    if (after === null && !snapshot) return { kind: 'TAIL', position: this.#now }
    const decoded = after === null ? null : openCursor(after, seal)
    this.#delivered = decoded?.own?.delivered ?? 0
    // Read from the table and not from the tail, which may lag behind what the caller has just seen
    // committed.
    const head = await this.#read(() => readHead(this.#tailer.sql))
    // The tailer may not have seen yet that the feed went back.
    this.#tailer.enter(head.lineage)
    await this.#useTail()
    if (this.#epoch === head.epoch) this.#now = head.position
    const place: CursorPosition = decoded?.place ?? {
      kind: 'SCAN',
      position: head.position,
      scanned: null,
    }
    const { types } = this.#filter
    if (!decoded && types && types.length > 0 && types.every(isOperational))
      throw new FeedError(
        'FILTER_INVALID',
        'a snapshot holds golden records only: read operational objects by their lists, and subscribe without snapshot',
      )
    requirePresent(this.#tail.lineage, decoded?.epoch ?? head.epoch, place.position)
    if (place.position > head.position)
      throw new FeedError(
        'CURSOR_FUTURE',
        `the cursor is ${seal ? 'beyond the end of the feed' : `of position ${place.position} and the feed ends at ${head.position}`}: the store went back and could not detect it; subscribe with snapshot: true, and have the operator run "touchstone feed new-epoch"`,
      )
    if (place.position + 1 < head.oldest) throw this.#expired(place.position, head.oldest)
    return place
  }

  /** Reads from the live end of the feed as it is now. */
  async #useTail(): Promise<void> {
    this.#tail = await this.#tailer.goodTail(this.#signal)
    this.#tail.check()
    this.#now = this.#tail.head
    this.#epoch = this.#tail.epoch
  }

  /**
   * Goes on in the present epoch. Throws CURSOR_OTHER_FEED if `position` was undone, by a restore
   * for example.
   */
  #enter(lineage: Lineage, position: number): void {
    this.#tailer.enter(lineage)
    const tail = this.#tail
    tail.check()
    if (tail.epoch === this.#epoch) return
    requirePresent(tail.lineage, this.#epoch, position)
    this.#epoch = tail.epoch
  }

  async *#scan(start: CursorPosition & { kind: 'SCAN' }): AsyncGenerator<FeedItem, undefined> {
    const { position } = start
    let { scanned } = start
    const tests = this.#filter.values
    const ids = this.#followed?.ids ?? null
    for (;;) {
      this.#tail.check()
      if (this.#done) return
      const from = scanned
      // The key of a page is the position where it begins; once dropped, it begins at the last item
      // delivered.
      const page = await this.#tailer.snapshotPages.get(this.#key, () =>
        this.#read(() =>
          readSnapshot(this.#options.sight?.sql ?? this.#tailer.sql, {
            position,
            rowRights: Boolean(this.#options.sight),
            scanned: from,
            types: this.#filter.types,
            ids,
            rowsMax: pageRowsMax,
          }),
        ),
      )
      const { lineage } = this.#tail
      const present = lineage.knows(page.epoch)
        ? lineage
        : await this.#read(() => readLineage(this.#tailer.sql, page.epoch))
      this.#enter(present, position)
      if (page.oldest > position + 1) throw this.#expired(position, page.oldest)
      const item = first(page.items, (i) => from === null || i.goldenId > from)
      if (this.#mustGiveWay()) await this.#tailer.turns.next(this.#reached.consumer)
      if (item) {
        scanned = item.goldenId
        if (tests && !valuesPass(tests, item.values)) continue
        this.#unbroken += positionsPerEvent
        yield { kind: 'SNAPSHOT', at: this.#at({ kind: 'SCAN', position, scanned }), item }
      } else {
        this.#tailer.snapshotPages.drop(this.#key)
        if (page.done) return
      }
    }
  }

  async *#follow(
    start: number,
    matches: (event: ChangeEvent) => boolean,
  ): AsyncGenerator<FeedItem, undefined> {
    const tail = this.#tail
    const { bookmarkPositions = Number.POSITIVE_INFINITY, sight, seal } = this.#options
    let position = start
    let silent = 0
    let caughtUp = false
    // For callers who see no positions, the clock decides: a number of hidden events would show.
    let tick = seal ? AbortSignal.timeout(silentMsMax) : null
    const isDue = () => (tick ? tick.aborted : silent >= silentPositionsMax)
    let until = tick ? AbortSignal.any([this.#signal, tick]) : this.#signal
    for (;;) {
      this.#reached.position = position
      tail.check()
      this.#enter(tail.lineage, position)
      if (this.#done) return
      if (silent >= bookmarkPositions) {
        silent = 0
        yield { kind: 'BOOKMARK', at: this.#at({ kind: 'TAIL', position }) }
        continue
      }
      if (this.#mustGiveWay()) await this.#tailer.turns.next(this.#reached.consumer)
      if (position >= tail.head) {
        if (position >= this.#now && (!caughtUp || isDue())) {
          caughtUp = true
          silent = 0
          if (tick?.aborted) {
            tick = AbortSignal.timeout(silentMsMax)
            until = AbortSignal.any([this.#signal, tick])
          }
          yield { kind: 'CAUGHT_UP', at: this.#at({ kind: 'TAIL', position }) }
        } else {
          await tail.waitForNews(position, until)
          this.#unbroken = 0
        }
        continue
      }
      let event = tail.at(position + 1)
      let ahead = (): readonly ChangeEvent[] => aheadOf(tail, position)
      if (!event) {
        const page = await this.#page(position)
        this.#enter(page.lineage, position)
        if (page.oldest > position + 1) {
          const missed = page.oldest - 1 - position
          position += missed
          yield {
            kind: 'LAGGED',
            at: this.#at({ kind: 'TAIL', position }),
            reason: 'EXPIRED',
            missed,
          }
          continue
        }
        const after = position
        event = first(page.events, (e) => e.event.position > after)?.event
        ahead = () =>
          page.events
            .flatMap((e) => (e.event.position > after ? e.event : []))
            .slice(0, aheadEventsMax)
        if (!event && this.#followed) {
          silent += page.covered - position
          position = page.covered
          continue
        }
        if (!event || (!this.#followed && event.position !== position + 1))
          throw new FeedError(
            'FEED_BROKEN',
            `position ${position + 1} is missing: the feed is not dense`,
          )
      }
      position = event.position
      const wanted = !this.#followed || this.#followed.has(event.goldenId)
      if (this.#followed?.observe(event)) this.#tailer.eventPages.drop(this.#key)
      const shown = wanted && sight ? await this.#seen(sight, event, ahead) : wanted ? event : null
      if (shown && matches(shown)) {
        silent = 0
        this.#delivered++
        this.#unbroken += positionsPerEvent
        yield { kind: 'CHANGE', at: this.#at({ kind: 'TAIL', position }), event: shown }
      } else silent++
    }
  }

  /**
   * Returns the page of the table after `position`. Without ids pages begin at multiples of their
   * size, so that subscribers that catch up side by side read each only once. With ids the database
   * filters, and the page belongs to this subscription.
   */
  async #page(position: number): Promise<EventPage> {
    const { eventPages } = this.#tailer
    const ids = this.#followed?.ids ?? null
    const after = ids ? position : position - (position % pageRowsMax)
    const upTo = ids ? this.#tail.tableUpTo : Math.min(after + pageRowsMax, this.#tail.tableUpTo)
    const key = ids ? this.#key : this.#sharedKey(after, upTo)
    const read = () => this.#readPage(after, upTo, ids)
    const page = await eventPages.get(key, read)
    if (!ids) this.#readAhead(after + pageRowsMax)
    if (page.covered > position) return page
    eventPages.drop(key)
    return eventPages.get(key, read)
  }

  /** Counts a position. Returns true after several: the others have their turn. */
  #mustGiveWay(): boolean {
    if (++this.#unbroken < positionsPerTurn) return false
    this.#unbroken = 0
    return true
  }

  async #seen(
    sight: RowVisibility,
    event: ChangeEvent,
    ahead: () => readonly ChangeEvent[],
  ): Promise<ChangeEvent | null> {
    return await this.#read(() => sight.redact(event, ahead))
  }

  /**
   * Reads the next page while the current one is delivered: a subscriber far behind would otherwise
   * wait for each page.
   */
  #readAhead(after: number): void {
    if (after === this.#ahead || after + pageRowsMax > this.#tail.tableUpTo || this.#done) return
    this.#ahead = after
    const upTo = after + pageRowsMax
    // An error here occurs again, and is reported, when the page is needed.
    this.#tailer.eventPages
      .get(this.#sharedKey(after, upTo), () => this.#readPage(after, upTo, null))
      .catch(() => undefined)
  }

  #sharedKey(after: number, upTo: number): string {
    return `${this.#epoch} ${after} ${upTo}`
  }

  async #readPage(after: number, upTo: number, ids: string[] | null): Promise<EventPage> {
    const range = { after, upTo, ids, rowsMax: pageRowsMax }
    const { events, oldest, lineage } = await this.#read(() => readChanges(this.#tailer.sql, range))
    const last = events.at(-1)?.event.position ?? upTo
    const covered = events.length === pageRowsMax ? last : upTo
    return {
      events,
      oldest,
      lineage,
      covered,
      bytes: events.reduce((sum, e) => sum + e.bytes, pageOverheadBytes),
    }
  }

  #at(place: CursorPosition): FeedPlace {
    const { seal } = this.#options
    const at = { epoch: this.#epoch, place }
    return seal ? { ...at, own: { seal, delivered: this.#delivered } } : at
  }

  #expired(position: number, oldest: number): FeedError {
    const what = this.#options.seal
      ? 'the events after the cursor have expired'
      : `the cursor is of position ${position} and the oldest kept is ${oldest}`
    return new FeedError('CURSOR_EXPIRED', `${what}; subscribe with snapshot: true`)
  }

  #read<T>(work: () => Promise<T>): Promise<T> {
    return this.#tailer.read(this.#signal, work)
  }

  get #done(): boolean {
    return this.#signal.aborted || this.#tail.ended
  }
}

const pageOverheadBytes = 200
/** Events checked together if the caller has row-level rights. */
const aheadEventsMax = 64

function aheadOf(tail: Tail, position: number): ChangeEvent[] {
  const events: ChangeEvent[] = []
  for (let p = position + 1; events.length < aheadEventsMax; p++) {
    const event = tail.at(p)
    if (!event) break
    events.push(event)
  }
  return events
}

/**
 * Returns the first element of a sorted list for which `after` holds; it holds for all that follow.
 */
function first<T>(items: readonly T[], after: (item: T) => boolean): T | undefined {
  let low = 0
  let high = items.length
  while (low < high) {
    const middle = (low + high) >> 1
    const item = items[middle]
    if (item === undefined || after(item)) high = middle
    else low = middle + 1
  }
  return items[low]
}
