import { LANES, laneNumber } from '../../schema/lane.ts'
import type { Transaction } from '../db/database.ts'

/** Waiting messages of one system and object, by the object name in the message. */
export interface WaitingFigure {
  system: string
  object: string | null
  count: number
  oldestAt: Date
}

/**
 * Only this many of the oldest messages of each class of work are read. The one that waits longest
 * is among them.
 */
export const waitingRowsMax = 10_000
const LANE_NUMBERS = LANES.map(laneNumber)
/** Largest counted length of the queue. */
export const queueRowsMax = 100_000

/** Counts waiting messages by system and object among the oldest of the queue; index scans. */
export async function waitingFigures(tx: Transaction): Promise<WaitingFigure[]> {
  return await tx<WaitingFigure[]>`
    with oldest as (
      select p.inbox_id from unnest(${LANE_NUMBERS}::int[]) as l (lane), lateral (
        select inbox_id from pending where lane = l.lane order by inbox_id limit ${waitingRowsMax}) p)
    select i.source as system, i.object, count(*)::int as count, min(coalesce(i.received_at, now())) as "oldestAt"
    from oldest o join inbox i on i.id = o.inbox_id group by 1, 2`
}

export interface QueueFigure {
  /** At most the bound. */
  messages: number
  /** Messages that wait for another attempt after a failure; at most the bound. */
  postponed: number
  replayed: number
  postings: number
  usage: number
  /** The highest assigned number: messages ever accepted, and some that were rejected as known. */
  newest: number
}

export async function queueFigure(tx: Transaction): Promise<QueueFigure> {
  const [row] = await tx<QueueFigure[]>`
    select count(*)::int as messages, (count(*) filter (where attempts > 0))::int as postponed,
      (count(*) filter (where replay))::int as replayed,
      (count(*) filter (where lane = ${laneNumber('POSTINGS')}::smallint))::int as postings,
      (count(*) filter (where lane = ${laneNumber('USAGE')}::smallint))::int as usage, (select coalesce(max(id), 0) from inbox) as newest
    from (select attempts, replay, lane from pending limit ${queueRowsMax}) p`
  return row ?? { messages: 0, postponed: 0, replayed: 0, postings: 0, usage: 0, newest: 0 }
}

/**
 * Counts open exceptions by system and code, with the time of the oldest; a pass over the partial
 * index of open ones.
 */
export async function exceptionFigures(
  tx: Transaction,
): Promise<{ system: string; code: string; count: number; oldestAt: Date }[]> {
  return await tx<{ system: string; code: string; count: number; oldestAt: Date }[]>`
    select source as system, code, count(*)::int as count, min(at) as "oldestAt"
    from outcome where outcome = 'EXCEPTION' group by 1, 2`
}

/**
 * Waiting messages of one system and object that exceed an allowed age: one count for each
 * requested age.
 */
export interface LateFigure {
  system: string
  object: string | null
  counts: number[]
}

/**
 * Counts messages that wait too long, for several ages in one pass over the oldest of the queue.
 * Replays and messages that are not measured are never late.
 */
export async function lateFigures(
  tx: Transaction,
  withinMs: readonly number[],
): Promise<LateFigure[]> {
  if (withinMs.length === 0) return []
  const counts = withinMs.map(
    (ms) => `count(*) filter (where i.received_at < now() - interval '${Number(ms)} ms')`,
  )
  return await tx.unsafe<LateFigure[]>(`
    with oldest as (
      select p.inbox_id from unnest(array[${LANE_NUMBERS.join(', ')}]::int[]) as l (lane), lateral (
        select inbox_id from pending where lane = l.lane and not replay and measured order by inbox_id limit ${waitingRowsMax}) p)
    select i.source as system, i.object, array[${counts.join(', ')}]::int[] as counts
    from oldest o join inbox i on i.id = o.inbox_id group by 1, 2`)
}
