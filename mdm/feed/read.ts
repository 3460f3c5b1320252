import type { ChangeEvent } from '../../schema/events.ts'
import type { change } from '../../schema/tables/feed.ts'
import type { Sql } from '../db/database.ts'
import { transaction } from '../db/transaction.ts'
import { readLineage, renewEpoch } from './epochs.ts'
import type { Lineage } from './lineage.ts'

/** An event with its size for memory bounds. */
export interface ReadEvent {
  event: ChangeEvent
  bytes: number
}

export interface Head {
  feed: string
  /** The epoch of the next position. */
  epoch: string
  lineage: Lineage
  /** Position of the last event; 0 when there is none. */
  position: number
  /** The oldest position still kept. */
  oldest: number
}

/** Positions `after` < p <= `upTo`, of these golden ids or of all; at most `rowsMax` events. */
export interface Range {
  after: number
  upTo: number
  ids: readonly string[] | null
  rowsMax: number
}

/** Memory of an event beside its values. */
const eventOverheadBytes = 600
const memberBytes = 56

/**
 * Returns the end of the feed. If the store may have gone back since its epoch began, it begins
 * another one, except on a standby, which cannot write.
 */
export async function readHead(sql: Sql): Promise<Head> {
  const read = async () => {
    const [head] = await sql<(Omit<Head, 'lineage'> & { same: boolean })[]>`
      select h.feed, h.epoch, h.position, h.oldest,
        pg_is_in_recovery() or coalesce(h.server = feed_server() and e.feed = h.feed
          and e.xmin::text::bigint = h.epoch_xid, false) as same
      from feed_head h left join feed_epoch e on e.id = h.epoch`
    if (!head) throw new Error('feed_head has no row: the migrations have not run')
    return head
  }
  let found = await read()
  if (!found.same) {
    await transaction(sql, renewEpoch)
    found = await read()
  }
  const { same, ...head } = found
  return { ...head, lineage: await readLineage(sql, head.epoch) }
}

interface ChangeRow
  extends Pick<
    Change,
    'type' | 'version' | 'op' | 'redirect' | 'changed' | 'members' | 'cause' | 'at'
  > {
  /** Null in the one row of an empty page. */
  position: Change['position'] | null
  golden_id: Change['goldenId']
  customer: Change['customer']
  policy_version: Change['policyVersion']
  before: string | null
  after: string | null
  oldest: number
  epoch: string
}
type Change = typeof change.$inferSelect

/**
 * Returns events in position order, and `oldest` as the same statement saw it, so the two are
 * consistent. `lineage` names the epochs of these events. The plan it counts on: a scan of the
 * primary key from `after`, with one look-up of the version before for each row by (golden_id,
 * version). With ids the planner takes the cheaper of that and of (golden_id, version) with a sort.
 */
export async function readChanges(
  sql: Sql,
  range: Range,
): Promise<{ events: ReadEvent[]; oldest: number; lineage: Lineage }> {
  const rows = await sql<ChangeRow[]>`
    select h.oldest, h.epoch, e.*
    from feed_head h left join lateral (
      select c.position, c.golden_id, c.type, c.version, c.op, c.values::text as after,
        case when c.op <> 'CREATED' then coalesce(c.before, b.values)::text end as before, c.customer,
        c.redirect, c.changed, c.members, c.policy_version, c.cause, c.at
      from change c left join change b on b.golden_id = c.golden_id and b.version = c.version - 1
      where c.position > ${range.after} and c.position <= ${range.upTo}
        ${range.ids ? sql`and c.golden_id = any(${range.ids as string[]}::uuid[])` : sql``}
      order by c.position
      limit ${range.rowsMax}
    ) e on true
    order by e.position`
  const [head] = rows
  if (!head) throw new Error('feed_head has no row: the migrations have not run')
  const lineage = await readLineage(sql, head.epoch)
  // The store was replaced between the two statements.
  if (!lineage.holds(head.epoch, rows.at(-1)?.position ?? 0)) return await readChanges(sql, range)
  const events: ReadEvent[] = []
  for (const row of rows)
    if (row.position !== null) events.push(toEvent(row, row.position, lineage))
  return { events, oldest: head.oldest, lineage }
}

function toEvent(row: ChangeRow, position: number, lineage: Lineage): ReadEvent {
  return {
    bytes:
      eventOverheadBytes +
      memberBytes * row.members.length +
      2 * ((row.before?.length ?? 0) + (row.after?.length ?? 0)),
    event: {
      position,
      epoch: lineage.epochOf(position),
      op: row.op,
      goldenId: row.golden_id,
      type: row.type,
      version: row.version,
      before: row.before === null ? null : JSON.parse(row.before),
      after: row.after === null ? null : JSON.parse(row.after),
      changedFields: row.changed,
      redirect: row.redirect,
      members: row.members,
      customer: row.customer,
      cause: row.cause,
      policyVersion: row.policy_version,
      at: row.at.toISOString(),
    },
  }
}

/**
 * Returns the redirects of these golden ids at `position`, followed to the end of each chain; ids
 * that did not redirect are left out. A chain has no circle: a survivor is never absorbed by what
 * it absorbed without being split first, and `union` would end one.
 */
export async function readRedirects(
  sql: Sql,
  ids: readonly string[],
  position: number,
): Promise<Map<string, string>> {
  const rows = await sql<{ id: string; redirect: string | null }[]>`
    with recursive chain (id) as (
      select unnest(${ids as string[]}::uuid[])
      union
      select (select c.redirect from change c where c.golden_id = chain.id and c.position <= ${position}
              order by c.version desc limit 1)
      from chain where chain.id is not null
    )
    select id, (select c.redirect from change c where c.golden_id = chain.id and c.position <= ${position}
                order by c.version desc limit 1) as redirect
    from chain where id is not null`
  return new Map(rows.flatMap((r) => (r.redirect === null ? [] : [[r.id, r.redirect] as const])))
}

/**
 * Returns the current golden id of each id; ids that lead to nothing are left out. One index scan
 * for each step.
 */
export async function readCurrentIds(
  sql: Sql,
  ids: readonly string[],
): Promise<Map<string, string>> {
  const rows = await sql<{ asked: string; id: string }[]>`
    with recursive step (asked, id, state, redirect) as (
      select g.id, g.id, g.state, g.redirect from golden g where g.id = any(${ids as string[]}::uuid[])
      union
      select s.asked, g.id, g.state, g.redirect from step s join golden g on g.id = s.redirect where s.state = 'MERGED'
    )
    select asked, id from step where state <> 'MERGED'`
  return new Map(rows.map((r) => [r.asked, r.id]))
}
