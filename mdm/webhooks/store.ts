import type { ChangeEvent } from '../../schema/events.ts'
import type { webhookParked } from '../../schema/tables/webhook.ts'
import type { Sql } from '../db/database.ts'
import { transaction } from '../db/transaction.ts'
import { createMatcher, type FeedFilter, Followed } from '../feed/filter.ts'
import { readChanges, readRedirects } from '../feed/read.ts'
import type { RowVisibility } from '../feed/rowVisibility.ts'
import type { Breaker } from './breaker.ts'
import type { DeliveryState } from './deliveries.ts'
import type { Answer } from './post.ts'

/** A golden record whose next event is at `position` and is tried at `nextAt` (ms since 1970). */
export interface Parked
  extends Pick<typeof webhookParked.$inferSelect, 'goldenId' | 'position' | 'attempts'> {
  /** In ms since 1970, as `nextAt`. */
  firstAt: number | null
  nextAt: number
}

/** Outcome of an event, for the log. Times in ms since 1970. */
export interface Logged {
  event: { position: number; goldenId: string; version: number }
  state: DeliveryState
  attempts: number
  answer: Answer
  firstAt: number
  lastAt: number
}

/** Changes of a delivery since its last save. */
export interface Progress {
  position: number
  /** The epoch in which all positions here were read. */
  epoch: string
  missed: number
  breaker: Breaker
  /** Golden id -> its parked state, or null if it is no longer parked. */
  parked: Map<string, Parked | null>
  /** By position. */
  log: Map<number, Logged>
}

/**
 * Another process delivers to this endpoint, the endpoint is disabled, or the store was restored to
 * an earlier state.
 */
export class LeaseLost extends Error {
  override name = 'LeaseLost'
}

const eventsPerLook = 100

/** Database access for one endpoint's delivery state. */
export class Store {
  readonly #sql: Sql
  readonly #webhook: string
  readonly #holder: string
  readonly #sight: RowVisibility | null

  constructor(sql: Sql, webhook: string, holder: string, sight: RowVisibility | null = null) {
    this.#sql = sql
    this.#webhook = webhook
    this.#holder = holder
    this.#sight = sight
  }

  async parked(): Promise<Parked[]> {
    const rows = await this.#sql<
      { g: string; position: number; attempts: number; first: Date | null; next: Date }[]
    >`
      select golden_id as g, position, attempts, first_at as first, next_at as next
      from webhook_parked where webhook = ${this.#webhook}`
    return rows.map(({ g, position, attempts, first, next }) => ({
      goldenId: g,
      position,
      attempts,
      firstAt: first?.getTime() ?? null,
      nextAt: next.getTime(),
    }))
  }

  /**
   * Returns positions past `position` that were delivered before this process started, so that they
   * are not sent twice.
   */
  async deliveredAfter(position: number): Promise<Set<number>> {
    const rows = await this.#sql<{ position: number }[]>`
      select position from webhook_delivery
      where webhook = ${this.#webhook} and position > ${position} and state <> 'RETRYING'`
    return new Set(rows.map((r) => r.position))
  }

  /**
   * Returns the first event to replay for each golden record that has one; at most `rowsMax`
   * records.
   */
  async replays(rowsMax: number): Promise<Parked[]> {
    const rows = await this.#sql<
      { g: string; position: number; attempts: number; first: Date | null }[]
    >`
      select distinct on (golden_id) golden_id as g, position, attempts, first_at as first
      from webhook_delivery where webhook = ${this.#webhook} and state = 'REPLAY'
      order by golden_id, position
      limit ${rowsMax}`
    return rows.map(({ g, position, attempts, first }) => ({
      goldenId: g,
      position,
      attempts,
      firstAt: first?.getTime() ?? null,
      nextAt: 0,
    }))
  }

  async nextReplay(goldenId: string): Promise<number | null> {
    const [row] = await this.#sql<{ position: number | null }[]>`
      select min(position) as position from webhook_delivery
      where webhook = ${this.#webhook} and golden_id = ${goldenId} and state = 'REPLAY'`
    return row?.position ?? null
  }

  /** Returns an event; null if it has expired or is no longer visible. */
  async event(position: number): Promise<ChangeEvent | null> {
    const { events, oldest } = await readChanges(this.#sql, {
      after: position - 1,
      upTo: position,
      ids: null,
      rowsMax: 1,
    })
    // The newest version before the oldest position stays in the table, but its `before` may be
    // gone.
    const event = oldest > position ? null : (events[0]?.event ?? null)
    return event && this.#sight ? await this.#sight.redact(event) : event
  }

  /**
   * Returns the next event of a golden record in (after, upTo] that passes the filter; null if
   * there is none.
   */
  async eventBehind(
    goldenId: string,
    after: number,
    upTo: number,
    filter: FeedFilter,
  ): Promise<number | null> {
    const matches = createMatcher(filter)
    for (let from = after; ; ) {
      const page = await readChanges(this.#sql, {
        after: from,
        upTo,
        ids: [goldenId],
        rowsMax: eventsPerLook,
      })
      for (const { event: whole } of page.events) {
        const event = this.#sight ? await this.#sight.redact(whole) : whole
        if (event && matches(event) && (await this.#followed(filter, event))) return event.position
      }
      if (page.events.length < eventsPerLook) return null
      from = page.events.at(-1)?.event.position ?? upTo
    }
  }

  /**
   * Returns whether the ids of the filter led to the event's golden record when it happened
   * (docs/FEED.md, 6.2).
   */
  async #followed({ ids }: FeedFilter, event: ChangeEvent): Promise<boolean> {
    if (!ids) return true
    return new Followed(ids, await readRedirects(this.#sql, ids, event.position - 1)).has(
      event.goldenId,
    )
  }

  /** Saves everything in one transaction. Throws LeaseLost. */
  async save({ position, epoch, missed, breaker, parked, log }: Progress): Promise<void> {
    const webhook = this.#webhook
    const last = Math.max(
      position,
      ...[...parked.values()].map((p) => p?.position ?? 0),
      ...log.keys(),
    )
    await transaction(this.#sql, async (tx) => {
      const held = await tx`
        update webhook set position = greatest(position, ${position}), missed = missed + ${missed},
          failures = ${breaker.failures}, opened = ${breaker.opened}, paused_until = ${moment(breaker.pausedUntil)}::text::timestamptz
        where id = ${webhook} and leased_by = ${this.#holder} and exists (
          -- What a restore has undone must not count as delivered: its positions come again.
          select from feed_epoch e where e.id = ${epoch} and not exists (
            select from feed_epoch l where l.number > e.number and l.began_after < ${last}))`
      if (held.count === 0)
        throw new LeaseLost(
          `webhook ${webhook} is delivered by another process now, or the store was restored`,
        )
      const [gone, there] = [[...parked.keys()], [...parked.values()].filter((p) => p !== null)]
      if (gone.length > 0)
        await tx`delete from webhook_parked where webhook = ${webhook} and golden_id = any(${gone}::uuid[])`
      if (there.length > 0)
        await tx`
          insert into webhook_parked (webhook, golden_id, position, attempts, first_at, next_at)
          select ${webhook}, p.* from unnest(${there.map((p) => p.goldenId)}::uuid[],
            ${there.map((p) => p.position)}::bigint[], ${there.map((p) => p.attempts)}::int[],
            ${there.map((p) => moment(p.firstAt))}::timestamptz[], ${there.map((p) => moment(p.nextAt))}::timestamptz[]) as p`
      const rows = [...log.values()]
      if (rows.length > 0)
        await tx`
          insert into webhook_delivery as d (webhook, position, golden_id, version, state, attempts, status, error,
            response, duration_ms, first_at, last_at)
          select ${webhook}, l.* from unnest(${rows.map((r) => r.event.position)}::bigint[],
            ${rows.map((r) => r.event.goldenId)}::uuid[], ${rows.map((r) => r.event.version)}::int[],
            ${rows.map((r) => r.state)}::text[], ${rows.map((r) => r.attempts)}::int[],
            ${rows.map((r) => r.answer.status)}::int[], ${rows.map((r) => r.answer.error)}::text[],
            ${rows.map((r) => r.answer.response)}::text[], ${rows.map((r) => r.answer.durationMs)}::int[],
            ${rows.map((r) => moment(r.firstAt))}::timestamptz[], ${rows.map((r) => moment(r.lastAt))}::timestamptz[]) as l
          on conflict (webhook, position) do update set state = excluded.state, attempts = excluded.attempts,
            status = excluded.status, error = excluded.error, response = excluded.response,
            duration_ms = excluded.duration_ms, first_at = excluded.first_at, last_at = excluded.last_at`
    })
  }

  /**
   * Disables the endpoint. If its position is beyond the end of the feed, it is put there, so that an
   * operator who enables it skips nothing that comes.
   */
  async disable(because: 'GONE' | 'AHEAD_OF_FEED'): Promise<void> {
    await this.#sql`
      update webhook set state = 'DISABLED', because = ${because}, revision = revision + 1,
        position = least(position, (select h.position from feed_head h)), updated_at = clock_timestamp()
      where id = ${this.#webhook} and leased_by = ${this.#holder} and state = 'ACTIVE'`
  }
}

/** As text: the driver would take the type of a list of Dates for that of one. */
function moment(ms: number | null): string | null {
  return ms === null || ms === 0 ? null : new Date(ms).toISOString()
}
