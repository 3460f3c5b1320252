import type { Op } from '../../schema/events.ts'
import type { Sql } from '../db/database.ts'

/** An event without its values. */
export interface TracedEvent {
  position: number
  op: Op
  goldenId: string
  type: string
  version: number
  changedFields: string[]
  redirect: string | null
  at: Date
  /** The cause: a source system, or the part of Touchstone that acted. */
  causedBy: string
  inboxId: number | null
  correlationId: string | null
  /** The id of the steward action, if one caused it. */
  actionId: string | null
  /** Sinks that have received it. A stream stores the time itself. */
  publishedTo: string[]
}

const columns = `c.position, c.op, c.golden_id as "goldenId", c.type, c.version, c.changed as "changedFields", c.redirect,
  c.at, c.cause ->> 'source' as "causedBy", (c.cause ->> 'inboxId')::bigint as "inboxId",
  c.cause ->> 'correlationId' as "correlationId",
  case when c.cause ->> 'source' = 'stewardship' then c.cause ->> 'sourceId' end as "actionId",
  array(select s.name from sink s where s.position >= c.position order by s.name) as "publishedTo"`

/**
 * Returns the events of a message, in order: those that name it, by index, and those of its golden
 * records from the same batch that name another message. One transaction makes one version of a
 * golden record.
 */
export async function eventsOfMessage(
  sql: Sql,
  inboxId: number,
  goldenIds: readonly string[],
  limit: number,
): Promise<TracedEvent[]> {
  return await sql.unsafe<TracedEvent[]>(
    `select ${columns} from change c where c.position in (
       select position from change where cause ->> 'inboxId' is not null and (cause ->> 'inboxId')::bigint = $1
       union
       select c2.position from batch b join change c2 on c2.golden_id = any($2::uuid[])
         and b.messages @> (c2.cause ->> 'inboxId')::bigint
       where b.messages @> $1::bigint)
     order by c.position limit ${limit}`,
    [inboxId, goldenIds as string[]],
  )
}

/** Returns one event by golden id and version; null if it does not exist or has expired. */
export async function eventOf(
  sql: Sql,
  goldenId: string,
  version: number,
): Promise<TracedEvent | null> {
  const [row] = await sql.unsafe<TracedEvent[]>(
    `select ${columns} from change c where c.golden_id = $1 and c.version = $2`,
    [goldenId, version],
  )
  return row ?? null
}

/** Returns the latest events of a golden record, latest first. */
export async function eventsOfGolden(
  sql: Sql,
  goldenId: string,
  limit: number,
): Promise<TracedEvent[]> {
  return await sql.unsafe<TracedEvent[]>(
    `select ${columns} from change c where c.golden_id = $1 order by c.version desc limit ${limit}`,
    [goldenId],
  )
}

/** Returns events by golden id and version. */
export async function eventsOfVersions(
  sql: Sql,
  versions: readonly { goldenId: string; version: number }[],
): Promise<TracedEvent[]> {
  return await sql.unsafe<TracedEvent[]>(
    `select ${columns} from change c join unnest($1::uuid[], $2::int[]) as w (id, version)
       on c.golden_id = w.id and c.version = w.version order by c.position`,
    [versions.map((v) => v.goldenId), versions.map((v) => v.version)],
  )
}

/** A delivery of an event to an endpoint. */
export interface TracedDelivery {
  position: number
  webhook: string
  state: string
  attempts: number
  /** HTTP status of the last attempt. */
  status: number | null
  firstAt: Date | null
  lastAt: Date
}

/**
 * Returns deliveries of events, by position. Index scans of the delivery log, which is kept for a
 * limited time.
 */
export async function deliveriesOf(
  sql: Sql,
  positions: readonly number[],
): Promise<Map<number, TracedDelivery[]>> {
  const rows = await sql<TracedDelivery[]>`
    select position, webhook, state, attempts, status, first_at as "firstAt", last_at as "lastAt"
    from webhook_delivery where position = any(${positions as number[]}::bigint[]) order by position, webhook`
  return Map.groupBy(rows, (r) => r.position)
}
