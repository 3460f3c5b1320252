import type { ChangeEvent } from '../../schema/events.ts'
import type { Sql } from '../db/database.ts'

/** The parts of one event that row-level rights let a caller read. */
interface VisibleParts {
  event: boolean
  before: boolean
  redirect: boolean
}

/** Events checked in one query, and results cached for callers with equal rights. */
const eventsPerReadMax = 64
const cachedMax = 4_096
/** A contact is visible with its customer, and that may change without an event of the contact. */
const cachedMsMax = 5_000

/**
 * Redacts the feed by a caller's row-level rights. The feed is read once for all callers. For each
 * event a query on a connection with the caller's rights checks whether this version and the one
 * before are visible.
 */
export class RowVisibility {
  readonly #sql: () => Sql
  readonly #known = new Map<number, { seen: Promise<VisibleParts>; at: number }>()

  constructor(sql: () => Sql) {
    this.#sql = sql
  }

  /** Reads only rows that the caller may see. */
  get sql(): Sql {
    return this.#sql()
  }

  /**
   * Returns the event as the caller may see it; null if it is hidden. An event that enters the
   * caller's rows comes without `before`; one that leaves them comes as DELETED without `after` and
   * without its cause. `ahead`: the next events, checked in the same query.
   */
  async redact(
    event: ChangeEvent,
    ahead: () => readonly ChangeEvent[] = () => [],
  ): Promise<ChangeEvent | null> {
    const seen = await this.#judge(event, ahead)
    if (seen.event) {
      return {
        ...event,
        before: seen.before ? event.before : null,
        redirect: seen.redirect ? event.redirect : null,
      }
    }
    if (!seen.before || event.before === null) return null
    const { correlationId } = event.cause
    return {
      ...event,
      op: 'DELETED',
      after: null,
      redirect: null,
      changedFields: [],
      members: [],
      customer: null,
      cause: { source: 'row-rights', ...(correlationId ? { correlationId } : {}) },
    }
  }

  #judge(event: ChangeEvent, ahead: () => readonly ChangeEvent[]): Promise<VisibleParts> {
    const now = performance.now()
    const found = this.#known.get(event.position)
    if (found && now - found.at < cachedMsMax) return found.seen
    const events = [event, ...ahead().filter((e) => e.position !== event.position)].slice(
      0,
      eventsPerReadMax,
    )
    const looked = readVisibleParts(this.#sql(), events)
    for (const e of events) {
      const seen = looked.then((all) => all(e))
      seen.catch(() => this.#known.delete(e.position))
      this.#known.delete(e.position)
      this.#known.set(e.position, { seen, at: now })
    }
    for (const position of this.#known.keys()) {
      if (this.#known.size <= cachedMax) break
      this.#known.delete(position)
    }
    return this.#known.get(event.position)?.seen as Promise<VisibleParts>
  }
}

/**
 * Returns the event without the numbers that count events and messages of all callers. Its place
 * among other events is then its time in microseconds since 1970, which sorts as positions do.
 */
export function withoutNumbers(event: ChangeEvent): ChangeEvent {
  const { inboxId, ...cause } = event.cause
  return { ...event, position: Date.parse(event.at) * 1_000, cause }
}

/** Two index look-ups an event, each with the rights of its row. */
async function readVisibleParts(
  sql: Sql,
  events: readonly ChangeEvent[],
): Promise<(event: ChangeEvent) => VisibleParts> {
  const rows = await sql<{ what: 'EVENT' | 'BEFORE' | 'REDIRECT'; of: string }[]>`
    select 'EVENT' as what, c.position::text as of from change c
    where c.position = any(${events.map((e) => e.position)}::bigint[])
    union all
    select 'BEFORE', e.position::text
    from unnest(${events.map((e) => e.position)}::bigint[], ${events.map((e) => e.goldenId)}::uuid[],
      ${events.map((e) => e.version - 1)}::int[]) as e (position, golden_id, version)
    join change b on b.golden_id = e.golden_id and b.version = e.version
    union all
    select 'REDIRECT', g.id::text from golden g
    where g.id = any(${events.flatMap((e) => e.redirect ?? [])}::uuid[])`
  const seen = new Set(rows.map((r) => `${r.what} ${r.of}`))
  return ({ position, redirect }) => ({
    event: seen.has(`EVENT ${position}`),
    before: seen.has(`BEFORE ${position}`),
    redirect: redirect !== null && seen.has(`REDIRECT ${redirect}`),
  })
}
