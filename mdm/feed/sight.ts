import type { ChangeEvent } from '../../schema/events.ts'
import type { Sql } from '../db/database.ts'

/** What of one event the database lets a caller see. */
interface Seen {
  event: boolean
  before: boolean
  redirect: boolean
}

/** Events judged at once, and kept for others of the same rights. */
const eventsPerLookMax = 64
const keptMax = 4_096
/** A contact is seen with its customer, and that may move without an event of the contact's. */
const keptMsMax = 5_000

/**
 * The feed as a caller with row rights sees it. The feed is read once for all; for each of its
 * events the database is asked, on a connection that has the caller's rights, whether this version
 * and the one before are the caller's.
 */
export class Sight {
  readonly #sql: () => Sql
  readonly #known = new Map<number, { seen: Promise<Seen>; at: number }>()

  constructor(sql: () => Sql) {
    this.#sql = sql
  }

  /** Reads only what the caller may see. */
  get sql(): Sql {
    return this.#sql()
  }

  /**
   * The event as the caller is told it; null where it is not told. What enters its rows comes
   * without `before`, what leaves them as DELETED without `after` and without what caused it.
   * `ahead`: events that come next, to be judged with it.
   */
  async see(event: ChangeEvent, ahead: () => readonly ChangeEvent[] = () => []): Promise<ChangeEvent | null> {
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
      cause: { source: 'row-rights', ...(correlationId ? { correlationId } : {}) },
    }
  }

  #judge(event: ChangeEvent, ahead: () => readonly ChangeEvent[]): Promise<Seen> {
    const now = performance.now()
    const found = this.#known.get(event.position)
    if (found && now - found.at < keptMsMax) return found.seen
    const events = [event, ...ahead().filter((e) => e.position !== event.position)].slice(0, eventsPerLookMax)
    const looked = look(this.#sql(), events)
    for (const e of events) {
      const seen = looked.then((all) => all(e))
      seen.catch(() => this.#known.delete(e.position))
      this.#known.delete(e.position)
      this.#known.set(e.position, { seen, at: now })
    }
    for (const position of this.#known.keys()) {
      if (this.#known.size <= keptMax) break
      this.#known.delete(position)
    }
    return this.#known.get(event.position)?.seen as Promise<Seen>
  }
}

/** Two index look-ups an event, each with the rights of its row. */
async function look(sql: Sql, events: readonly ChangeEvent[]): Promise<(event: ChangeEvent) => Seen> {
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
