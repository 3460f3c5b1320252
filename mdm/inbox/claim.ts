import { LANES, type Lane, laneNumber } from '../../schema/lane.ts'
import type { inbox, pending } from '../../schema/tables/ingest.ts'
import type { Transaction } from '../db/database.ts'

export interface Message
  extends Omit<typeof inbox.$inferSelect, 'id'>,
    Pick<typeof pending.$inferSelect, 'inboxId' | 'replay' | 'measured'> {}

/** One of several workers that share a queue, numbered from 0. */
export interface Share {
  worker: number
  workers: number
}

/**
 * Length of the stretches of the queue that each worker prefers. Messages of one thing often arrive
 * close together, and two workers on neighbouring messages wait for each other.
 */
const stretch = 4_096

/**
 * The classes that are asked first, batch after batch: each has its share of the batches, and what
 * a class does not use belongs to the others. So a message of any class waits for few batches of
 * another one, however many of those wait.
 */
const TURNS: readonly Lane[] = [
  'POSTINGS',
  'MASTER',
  'POSTINGS',
  'MASTER',
  'USAGE',
  'POSTINGS',
  'MASTER',
  'REPLAY',
]
let turn = 0

/** Returns all classes, that of the turn first, then in the order of their rank. */
export function lanesOfTurn(n: number): Lane[] {
  const first = TURNS[n % TURNS.length] ?? 'POSTINGS'
  return [first, ...LANES.filter((lane) => lane !== first)]
}

/**
 * Claims the oldest messages of one class that no other worker holds, in the transaction that
 * applies them; a crash puts them back. Claims from the worker's own share first and from all others
 * if that is empty, so nothing waits for a busy or dead worker. `only` limits the claim to some
 * messages when parts of a failed batch are tried.
 */
export async function claim(
  tx: Transaction,
  rowsMax: number,
  only: number[] | null,
  share: Share | null = null,
): Promise<Message[]> {
  if (only) return await take(tx, rowsMax, only, ALL, null)
  const lanes = lanesOfTurn(turn++)
  const own = share && share.workers > 1 ? await take(tx, rowsMax, null, share, lanes) : []
  if (own.length > 0) return own
  const all = await take(tx, rowsMax, null, ALL, lanes)
  // Other workers may hold all messages of the first class that has some.
  return all.length > 0 ? all : await take(tx, rowsMax, null, ALL, null)
}
const ALL: Share = { worker: 0, workers: 1 }

/**
 * Claims one message even if it is not due; null if it is not queued or another worker holds it.
 */
export async function withdraw(tx: Transaction, inboxId: number): Promise<Message | null> {
  const [message] = await take(tx, 1, [inboxId], ALL, null, true)
  return message ?? null
}

/** `lanes`: takes from the first of these classes of which messages are due; null: from any. */
async function take(
  tx: Transaction,
  rowsMax: number,
  only: number[] | null,
  share: Share,
  lanes: readonly Lane[] | null,
  early = false,
): Promise<Message[]> {
  const ofShare = tx`(inbox_id / ${stretch}::bigint) % ${share.workers}::bigint = ${share.worker}::bigint`
  const ofLane = tx`and lane = (
    select l.lane from unnest(${(lanes ?? []).map(laneNumber)}::int[]) with ordinality as l (lane, rank)
    where exists (select from pending p where p.lane = l.lane and not_before <= now() and ${ofShare})
    order by rank limit 1)`
  return await tx<Message[]>`
    with taken as (
      delete from pending where inbox_id in (
        select inbox_id from pending
        where (not_before <= now() or ${early}::boolean) and (${only}::bigint[] is null or inbox_id = any(${only}::bigint[]))
          and ${ofShare} ${lanes ? ofLane : tx``}
        order by inbox_id limit ${rowsMax} for update skip locked)
      returning inbox_id, replay, measured)
    select i.id as "inboxId", i.source, i.message_id as "messageId", i.object, i.format, i.body,
      i.correlation_id as "correlationId", i.traceparent, i.received_at as "receivedAt", i.corrects, i.stated_at as "statedAt",
      taken.replay, taken.measured
    from taken join inbox i on i.id = taken.inbox_id order by i.id`
}

/**
 * Counts a failed attempt and delays the next one; the delay doubles from one second. The count is
 * stored in the queue, so all workers share it and it survives a restart. Returns the number of
 * failed attempts; null if the message is no longer queued or another worker holds it.
 */
export async function postpone(tx: Transaction, inboxId: number): Promise<number | null> {
  const [row] = await tx<{ attempts: number }[]>`
    update pending set attempts = least(attempts, ${attemptsCountMax}::int) + 1,
      not_before = now() + interval '1 second' * 2 ^ least(attempts, 8)
    where inbox_id = (select inbox_id from pending where inbox_id = ${inboxId} for update skip locked) returning attempts`
  return row?.attempts ?? null
}
/**
 * Bound of the attempts counter, a smallint. A message whose exception cannot be stored is retried
 * for ever.
 */
const attemptsCountMax = 32_766
