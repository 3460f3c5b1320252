import type { Transaction } from '../db/database.ts'
import { PENDING_CHANNEL } from './accept.ts'

/**
 * Puts messages of the inbox into the queue again; those that wait already, or are being applied, stay as they are: so it
 * waits for nobody. Answers how many.
 */
export async function requeue(tx: Transaction, inboxIds: readonly number[]): Promise<number> {
  if (inboxIds.length === 0) return 0
  const rows = await tx`
    with queued as (
      insert into pending (inbox_id, replay) select distinct id, true from unnest(${inboxIds as number[]}::bigint[]) as m (id)
      where not exists (select from pending p where p.inbox_id = id) order by 1
      on conflict do nothing returning 1)
    select pg_notify(${PENDING_CHANNEL}, '') from queued`
  return rows.length
}

/** A message that puts another one right. Its idempotency key among those of its system says whose request it was. */
export interface Correction {
  corrects: number
  messageId: string
  object: string | null
  body: string
  correlationId: string
}

/**
 * Appends a correction to the inbox and the queue: of the same system and format, and stated when what it puts right
 * was. Answers its id; null where there is no such message.
 */
export async function acceptCorrection(tx: Transaction, c: Correction): Promise<number | null> {
  const [row] = await tx<{ id: number }[]>`
    with taken as (
      insert into inbox (source, message_id, object, format, body, correlation_id, corrects, stated_at)
      select source, ${c.messageId}, ${c.object}, format, ${c.body}, ${c.correlationId}::uuid, id,
        coalesce(stated_at, received_at)
      from inbox where id = ${c.corrects}
      returning id),
    queued as (insert into pending (inbox_id) select id from taken returning inbox_id)
    select inbox_id as id, pg_notify(${PENDING_CHANNEL}, '') from queued`
  return row?.id ?? null
}

/** These are no longer open: somebody corrected or discarded them. */
export async function closeExceptions(
  tx: Transaction,
  inboxIds: readonly number[],
  as: 'CORRECTED' | 'DISCARDED',
): Promise<void> {
  if (inboxIds.length > 0)
    await tx`update outcome set outcome = ${as} where inbox_id = any(${inboxIds as number[]}::bigint[]) and outcome = 'EXCEPTION'`
}
