import type { Transaction } from '../db/database.ts'

export interface Message {
  inboxId: number
  source: string
  messageId: string
  object: string | null
  format: 'event' | 'row'
  body: string
  correlationId: string
  traceparent: string | null
  receivedAt: Date
  /** The message that this one puts right, and when that one was received. */
  corrects: number | null
  statedAt: Date | null
  /** In the queue again: what is stored is mapped anew. */
  replay: boolean
}

/** One of several workers that share a queue, counted from 0. */
export interface Share {
  worker: number
  workers: number
}

/**
 * Messages of one thing often come close together, and two workers on neighbouring messages wait for each other. So each
 * worker begins with stretches of the queue of its own, this long.
 */
const stretch = 4_096

/**
 * Takes the oldest messages that nobody else works on out of the queue, inside the transaction that applies them: a
 * crash puts them back. Those of the worker's own share first; when there are none, any, so that nothing waits for a
 * worker that is busy or gone. `only` restricts to some messages, when a failed batch is tried in parts.
 */
export async function claim(
  tx: Transaction,
  rowsMax: number,
  only: number[] | null,
  share: Share | null = null,
): Promise<Message[]> {
  const own = share && share.workers > 1 ? await take(tx, rowsMax, only, share) : []
  return own.length > 0 ? own : await take(tx, rowsMax, only, ALL)
}
const ALL: Share = { worker: 0, workers: 1 }

/** Takes one message out of the queue, even if it is not due; null where it is not there or another worker has it. */
export async function withdraw(tx: Transaction, inboxId: number): Promise<Message | null> {
  const [message] = await take(tx, 1, [inboxId], ALL, true)
  return message ?? null
}

async function take(
  tx: Transaction,
  rowsMax: number,
  only: number[] | null,
  share: Share,
  early = false,
): Promise<Message[]> {
  return await tx<Message[]>`
    with taken as (
      delete from pending where inbox_id in (
        select inbox_id from pending
        where (not_before <= now() or ${early}::boolean) and (${only}::bigint[] is null or inbox_id = any(${only}::bigint[]))
          and (inbox_id / ${stretch}::bigint) % ${share.workers}::bigint = ${share.worker}::bigint
        order by inbox_id limit ${rowsMax} for update skip locked)
      returning inbox_id, replay)
    select i.id as "inboxId", i.source, i.message_id as "messageId", i.object, i.format, i.body,
      i.correlation_id as "correlationId", i.traceparent, i.received_at as "receivedAt", i.corrects, i.stated_at as "statedAt",
      taken.replay
    from taken join inbox i on i.id = taken.inbox_id order by i.id`
}

/**
 * Counts a failed attempt; the message is tried again after a pause that doubles, from one second. The count is stored
 * with the queue, so all workers share it and a restart keeps it. Returns how many attempts have failed; null where the
 * message is no longer in the queue, or another worker has it at this moment.
 */
export async function postpone(tx: Transaction, inboxId: number): Promise<number | null> {
  const [row] = await tx<{ attempts: number }[]>`
    update pending set attempts = least(attempts, ${attemptsCountMax}::int) + 1,
      not_before = now() + interval '1 second' * 2 ^ least(attempts, 8)
    where inbox_id = (select inbox_id from pending where inbox_id = ${inboxId} for update skip locked) returning attempts`
  return row?.attempts ?? null
}
/** A smallint holds no more than this and one; a message whose exception cannot be stored is tried for ever. */
const attemptsCountMax = 32_766
