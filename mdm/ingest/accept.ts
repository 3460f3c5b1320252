import type { Sql, Transaction } from '../db/database.ts'

export interface NewMessage {
  source: string
  /** Idempotency key: a message of a source system is kept once. */
  messageId: string
  object: string | null
  format: 'event' | 'row'
  body: string
  correlationId: string
}

export interface Accepted {
  accepted: number
  /** Messages that were there already, or stand twice among these. */
  duplicates: number
  /** The first and the last inbox id that was given; null when nothing was accepted. */
  firstId: number | null
  lastId: number | null
}

/** Wakes the workers; they look at `pending` anyway, so a lost notice costs only time. */
export const PENDING_CHANNEL = 'touchstone_pending'

/**
 * Writes messages to the inbox and the queue in one statement: both or neither, durable when it returns. A message id
 * that is known already changes nothing. Texts must hold no NUL (connectors/body.ts replaces it).
 * The plan is an insert from unnest with one probe of the unique index a row; nothing else is read.
 */
export async function accept(sql: Sql | Transaction, messages: readonly NewMessage[]): Promise<Accepted> {
  if (messages.length === 0) return { accepted: 0, duplicates: 0, firstId: null, lastId: null }
  const [row] = await sql<{ accepted: number; firstId: number | null; lastId: number | null }[]>`
    with taken as (
      insert into inbox (source, message_id, object, format, body, correlation_id)
      select * from unnest(${messages.map((m) => m.source)}::text[], ${messages.map((m) => m.messageId)}::text[],
        ${messages.map((m) => m.object)}::text[], ${messages.map((m) => m.format)}::text[],
        ${messages.map((m) => m.body)}::text[], ${messages.map((m) => m.correlationId)}::uuid[])
      on conflict (source, message_id) do nothing
      returning id),
    queued as (insert into pending (inbox_id) select id from taken returning inbox_id)
    select count(*)::integer as accepted, min(inbox_id) as "firstId", max(inbox_id) as "lastId",
      pg_notify(${PENDING_CHANNEL}, '') from queued`
  const accepted = row?.accepted ?? 0
  return {
    accepted,
    duplicates: messages.length - accepted,
    firstId: row?.firstId ?? null,
    lastId: row?.lastId ?? null,
  }
}
