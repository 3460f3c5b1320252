import { laneNumber } from '../../schema/lane.ts'
import type { Transaction } from '../db/database.ts'
import { PENDING_CHANNEL } from './accept.ts'

/**
 * Puts messages of the inbox into the queue again. Messages that wait there or are being applied
 * stay as they are, so the call never blocks. Returns how many were added.
 */
export async function requeue(tx: Transaction, inboxIds: readonly number[]): Promise<number> {
  if (inboxIds.length === 0) return 0
  const rows = await tx`
    with queued as (
      insert into pending (inbox_id, replay, lane) select distinct id, true, ${laneNumber('REPLAY')}::smallint from unnest(${inboxIds as number[]}::bigint[]) as m (id)
      join inbox i using (id)
      where not exists (select from pending p where p.inbox_id = id) order by 1
      on conflict do nothing returning 1)
    select pg_notify(${PENDING_CHANNEL}, '') from queued`
  return rows.length
}

/**
 * A message that corrects another one. Its idempotency key among the messages of its system
 * identifies the request.
 */
export interface Correction {
  corrects: number
  messageId: string
  object: string | null
  body: string
  correlationId: string
}

/**
 * Appends a correction to the inbox and the queue, with the system, format and time of statement of
 * the message it corrects. Returns its id; null if there is no such message.
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

/** Closes exceptions: somebody corrected or discarded these messages. */
export async function closeExceptions(
  tx: Transaction,
  inboxIds: readonly number[],
  as: 'CORRECTED' | 'DISCARDED',
): Promise<void> {
  if (inboxIds.length > 0)
    await tx`update outcome set outcome = ${as} where inbox_id = any(${inboxIds as number[]}::bigint[]) and outcome = 'EXCEPTION'`
}
