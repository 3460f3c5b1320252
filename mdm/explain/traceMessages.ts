import type { Sql } from '../db/database.ts'

export type MessageState =
  | 'WAITING'
  | 'APPLIED'
  | 'SKIPPED'
  | 'EXCEPTION'
  | 'CORRECTED'
  | 'DISCARDED'

/** A message of the inbox and its state. */
export interface TracedMessage {
  inboxId: number
  system: string
  object: string | null
  messageId: string
  format: 'event' | 'row'
  correlationId: string
  receivedAt: Date
  state: MessageState
  code: string | null
  detail: string | null
  field: string | null
  /** When it became an exception or was skipped. */
  settledAt: Date | null
  /** Failed attempts of a waiting message, and the time of the next one. */
  attempts: number | null
  tryAgainAt: Date | null
  replay: boolean
  corrects: number | null
  correctedBy: number[]
}

/** Returns messages by their numbers or by one correlation id, earliest first, at most `limit`. */
export async function readMessages(
  sql: Sql,
  which: { ids: readonly number[] } | { correlationId: string },
  limit: number,
): Promise<TracedMessage[]> {
  const where =
    'ids' in which
      ? sql`i.id = any(${which.ids as number[]}::bigint[])`
      : sql`i.correlation_id = ${which.correlationId}`
  return await sql<TracedMessage[]>`
    select i.id as "inboxId", i.source as system, i.object, i.message_id as "messageId", i.format,
      i.correlation_id as "correlationId", i.received_at as "receivedAt", i.corrects,
      case when p.inbox_id is not null then 'WAITING' else coalesce(o.outcome, 'APPLIED') end as state,
      o.code, o.detail, o.field, o.at as "settledAt", p.attempts, coalesce(p.replay, false) as replay,
      case when p.not_before > '-infinity' then p.not_before end as "tryAgainAt",
      array(select c.id from inbox c where c.corrects = i.id order by c.id)::bigint[] as "correctedBy"
    from inbox i left join pending p on p.inbox_id = i.id left join outcome o on o.inbox_id = i.id
    where ${where} order by i.id limit ${limit}`
}

export async function readBodies(sql: Sql, ids: readonly number[]): Promise<Map<number, string>> {
  const rows = await sql<
    { id: number; body: string }[]
  >`select id, body from inbox where id = any(${ids as number[]}::bigint[])`
  return new Map(rows.map((r) => [r.id, r.body]))
}

/** A source record of a message, in its present state. */
export interface TracedRecord {
  key: string
  object: string
  sourceId: string
  type: string
  goldenId: string | null
  deleted: boolean
  complete: boolean
  /** The message that last changed it. */
  inboxId: number
  firstSeenAt: Date
  updatedAt: Date
}

export async function readTracedRecords(
  sql: Sql,
  keys: readonly string[],
): Promise<TracedRecord[]> {
  return await sql<TracedRecord[]>`
    select key, object, source_id as "sourceId", type, golden_id as "goldenId", deleted, complete, inbox_id as "inboxId",
      created_at as "firstSeenAt", updated_at as "updatedAt"
    from source_record where key = any(${keys as string[]}::uuid[]) order by id`
}
