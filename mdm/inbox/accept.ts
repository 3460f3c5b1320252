import { randomUUID } from 'node:crypto'
import { type Lane, laneNumber } from '../../schema/lane.ts'
import type { Sql, Transaction } from '../db/database.ts'

export interface NewMessage {
  source: string
  /** Idempotency key: a message of a source system is stored once. */
  messageId: string
  object: string | null
  format: 'event' | 'row'
  body: string
  correlationId: string
  /**
   * W3C trace context of the request that delivered it. Everything it causes belongs to that trace.
   */
  traceparent?: string | null | undefined
  /** The class of work in which it waits, which follows from source and object; else MASTER. */
  lane?: Exclude<Lane, 'REPLAY'> | undefined
  /** Held back until then, and not counted for the service levels; follows from source and object. */
  notBefore?: Date | null | undefined
}

export interface Accepted {
  accepted: number
  /** Messages that were stored already, or that occur twice in the call. */
  duplicates: number
  /** First and last inbox id of the call; null if nothing was accepted. */
  firstId: number | null
  lastId: number | null
}

/** Wakes the workers. They also poll `pending`, so a lost notification costs only time. */
export const PENDING_CHANNEL = 'touchstone_pending'

/**
 * Writes messages to the inbox and the queue in one statement: both or neither, durable on return.
 * A known message id changes nothing. Texts must not contain NUL (connectors/body.ts replaces it).
 * The plan is an insert from unnest with one probe of the unique index per row; nothing else is
 * read. Messages that are not `measured` do not count for the service levels.
 */
export async function accept(
  sql: Sql,
  messages: readonly NewMessage[],
  { measured = true }: { measured?: boolean } = {},
): Promise<Accepted> {
  return await pastDeadlocks(() => acceptWithin(sql, messages, { measured }))
}

/** Does what `accept` does as a part of a transaction, which the caller retries. */
export async function acceptWithin(
  sql: Sql | Transaction,
  messages: readonly NewMessage[],
  { measured = true }: { measured?: boolean } = {},
): Promise<Accepted> {
  const [first] = messages
  if (!first) return { accepted: 0, duplicates: 0, firstId: null, lastId: null }
  const held = new Map(
    messages.flatMap((m) => (m.notBefore ? [[keyOf(m), m.notBefore.toISOString()]] : [])),
  )
  const ids = messages.map((m) => m.messageId)
  const bodies = joined(messages.map((m) => m.body))
  const body = sql`(string_to_array(${bodies.text}, ${bodies.separator}))[2:]`
  // Those of a page have all else in common.
  const rows = messages.every((m) => isAlike(m, first))
    ? sql`
      select ${first.source}, message_id, ${first.object}::text, ${first.format}, body, ${first.correlationId}::uuid,
        ${first.traceparent ?? null}::text
      from unnest(${ids}::text[], ${body}) as m (message_id, body)`
    : sql`
      select source, message_id, object, format, body, correlation_id, traceparent
      from unnest(${messages.map((m) => m.source)}::text[], ${ids}::text[],
        ${messages.map((m) => m.object)}::text[], ${messages.map((m) => m.format)}::text[],
        ${body}, ${messages.map((m) => m.correlationId)}::uuid[],
        ${messages.map((m) => m.traceparent ?? null)}::text[])
        as m (source, message_id, object, format, body, correlation_id, traceparent)`
  const [row] = await sql<{ accepted: number; firstId: number | null; lastId: number | null }[]>`
    with taken as (
      insert into inbox (source, message_id, object, format, body, correlation_id, traceparent)
      ${rows}
      on conflict (source, message_id) do nothing
      returning id, source, object),
    queued as (
      insert into pending (inbox_id, not_before, measured, lane)
      select id, coalesce(held.until, '-infinity'), ${measured} and held.until is null, case
        when source || '/' || coalesce(object, '') = any(${keysOf(messages, 'POSTINGS')}::text[]) then ${laneNumber('POSTINGS')}::smallint
        when source || '/' || coalesce(object, '') = any(${keysOf(messages, 'USAGE')}::text[]) then ${laneNumber('USAGE')}::smallint
        else ${laneNumber('MASTER')}::smallint end
      from taken left join unnest(${[...held.keys()]}::text[], ${[...held.values()]}::timestamptz[]) as held (key, until)
        on held.key = source || '/' || coalesce(object, '')
      returning inbox_id)
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

/** Whether two messages differ in key and body alone. */
function isAlike(a: NewMessage, b: NewMessage): boolean {
  return (
    a.correlationId === b.correlationId &&
    a.object === b.object &&
    a.source === b.source &&
    a.format === b.format &&
    (a.traceparent ?? null) === (b.traceparent ?? null)
  )
}

/**
 * Returns bodies as one text, each after the separator. An array literal would escape each quote of
 * JSON here and undo it there. JSON has no control characters; other bodies may have any.
 */
function joined(bodies: readonly string[]): { text: string; separator: string } {
  const plain = '\x1f'
  const separator = bodies.some((b) => b.includes(plain)) ? `${plain}${randomUUID()}` : plain
  return { separator, text: bodies.map((b) => separator + b).join('') }
}

/** Returns the sources and objects of the messages of a class: a class follows from these two. */
function keysOf(messages: readonly NewMessage[], lane: Lane): string[] {
  return [...new Set(messages.filter((m) => m.lane === lane).map(keyOf))]
}

function keyOf({ source, object }: NewMessage): string {
  return `${source}/${object ?? ''}`
}

const attemptsMax = 8

/**
 * Retries after a deadlock. Senders of the same messages in different orders may deadlock; the
 * rejected one has written nothing. A single statement needs no transaction, which would cost two
 * round trips.
 */
async function pastDeadlocks<T>(write: () => PromiseLike<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await write()
    } catch (e) {
      if (!(e instanceof Error && 'code' in e && e.code === '40P01') || attempt === attemptsMax)
        throw e
    }
  }
}
