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

/** Waiting messages of one system and object that came longer ago than allowed: one count for each of the spans asked for. */
export interface LateFigure {
  system: string
  object: string | null
  counts: number[]
}

/** What waits too long, for several spans in one pass over the oldest of the queue; replays are not late. */
export async function lateFigures(tx: Transaction, withinMs: readonly number[]): Promise<LateFigure[]> {
  if (withinMs.length === 0) return []
  const counts = withinMs.map((ms) => `count(*) filter (where i.received_at < now() - interval '${Number(ms)} ms')`)
  return await tx.unsafe<LateFigure[]>(`
    with oldest as (select inbox_id from pending where not replay order by inbox_id limit ${waitingRowsMax})
    select i.source as system, i.object, array[${counts.join(', ')}]::int[] as counts
    from oldest o join inbox i on i.id = o.inbox_id group by 1, 2`)
}
