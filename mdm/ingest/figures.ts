import type { Transaction } from '../db/database.ts'

/** Messages of one system and object that wait; `object` as the message names it. */
export interface WaitingFigure {
  system: string
  object: string | null
  count: number
  oldestAt: Date
}

/** Of the queue so much is looked at: its oldest messages. What waits longest is among them. */
export const waitingRowsMax = 10_000
/** The queue is counted up to here. */
export const queueRowsMax = 100_000

/** What waits, by system and object, among the oldest of the queue: a walk along its primary key. */
export async function waitingFigures(tx: Transaction): Promise<WaitingFigure[]> {
  return await tx<WaitingFigure[]>`
    with oldest as (select inbox_id from pending order by inbox_id limit ${waitingRowsMax})
    select i.source as system, i.object, count(*)::int as count, min(coalesce(i.received_at, now())) as "oldestAt"
    from oldest o join inbox i on i.id = o.inbox_id group by 1, 2`
}

export interface QueueFigure {
  /** Up to the bound. */
  messages: number
  /** Put back after a failure, to be tried again later; up to the bound. */
  postponed: number
  replayed: number
  /** The highest number given out: messages ever accepted, and some that were refused as known. */
  newest: number
}

export async function queueFigure(tx: Transaction): Promise<QueueFigure> {
  const [row] = await tx<QueueFigure[]>`
    select count(*)::int as messages, (count(*) filter (where attempts > 0))::int as postponed,
      (count(*) filter (where replay))::int as replayed, (select coalesce(max(id), 0) from inbox) as newest
    from (select attempts, replay from pending limit ${queueRowsMax}) p`
  return row ?? { messages: 0, postponed: 0, replayed: 0, newest: 0 }
}

/** Open exceptions by system and code, with when the oldest was first met: a pass over the partial index of what is open. */
export async function exceptionFigures(
  tx: Transaction,
): Promise<{ system: string; code: string; count: number; oldestAt: Date }[]> {
  return await tx<{ system: string; code: string; count: number; oldestAt: Date }[]>`
    select source as system, code, count(*)::int as count, min(at) as "oldestAt"
    from outcome where outcome = 'EXCEPTION' group by 1, 2`
}

/** Waiting messages that came longer ago than this, by system and object, among the oldest of the queue; replays are not late. */
export async function lateFigures(tx: Transaction, withinMs: number): Promise<Omit<WaitingFigure, 'oldestAt'>[]> {
  return await tx<Omit<WaitingFigure, 'oldestAt'>[]>`
    with oldest as (select inbox_id from pending where not replay order by inbox_id limit ${waitingRowsMax})
    select i.source as system, i.object, count(*)::int as count
    from oldest o join inbox i on i.id = o.inbox_id
    where i.received_at < now() - make_interval(secs => ${withinMs / 1_000}::float8) group by 1, 2`
}
