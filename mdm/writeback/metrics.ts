import type { Transaction } from '../db/database.ts'
import { IS_DUE } from './due.ts'
import type { WriteState } from './read.ts'
import { conflictsMax } from './stop.ts'
import { POSSIBLE_MATCH } from './undecided.ts'

/** States in which a write waits or is under way. */
const OPEN: readonly WriteState[] = [
  'SHADOW',
  'PLANNED',
  'WAITING',
  'WAITING_APPROVAL',
  'HELD',
  'SENT',
  'UNKNOWN',
]
/** Writes are counted so far, so that a scrape stays short. */
const countedMax = 100_000
/** Writes with one code are counted so far: the code is in no index. */
const heldMax = 10_000

export interface WriteFigure {
  source: string
  state: WriteState
  count: number
  /** Age of the oldest in seconds; null without any. */
  oldest: number | null
}

/**
 * Counts the writes that have not ended, and those that a person has to decide about, by source system
 * and state. Each count reads at most `countedMax` entries of an index.
 */
export async function writeFigures(tx: Transaction): Promise<WriteFigure[]> {
  return await tx<WriteFigure[]>`
    select t.source, s.state, n.count,
      case when o.id is not null then greatest(extract(epoch from clock_timestamp() - o.planned_at), 0)::float8 end as oldest
    from write_target t cross join unnest(${[...OPEN]}::text[]) as s (state)
      -- The lowest id is that of the oldest. An order by id would walk the primary key instead.
      cross join lateral (
        select count(*)::int as count, min(x.id) as first from (
          select i.id from write_intent i where i.source = t.source and i.state = s.state limit ${countedMax}) x) n
      left join write_intent o on o.id = n.first
    union all
    select t.source, s.state, count(x.state)::int,
      case when count(x.state) > 0 then greatest(extract(epoch from clock_timestamp() - min(x.ended_at)), 0)::float8 end
    from write_target t cross join unnest(array['REFUSED', 'CONFLICT']) as s (state)
      left join lateral (
        select i.state, i.ended_at from write_intent i
        where i.source = t.source and i.state in ('REFUSED', 'CONFLICT') and i.released_at is null
          and (i.state = 'REFUSED' or i.conflicts >= ${conflictsMax}) limit ${countedMax}) x on x.state = s.state
    group by 1, 2`
}

export interface WriteTargetFigure {
  source: string
  /** Whether nothing is sent because the system did not respond. */
  isPaused: boolean
  /** Seconds since its attempts fail; 0 if the last did not. */
  failed: number
  /** Writes that are held because too many records would change, counted to 10,000. */
  heldByLimit: number
  /** Creates that wait until people decide about a possible match, counted to 10,000. */
  undecided: number
  /** Golden records that are still to be planned after a change of the configuration. */
  unscanned: number
  sentLastMinute: number
  sentLastDay: number
}

/** Returns how each source system stands that is written to. */
export async function writeTargetFigures(tx: Transaction): Promise<WriteTargetFigure[]> {
  return await tx<WriteTargetFigure[]>`
    select t.source, coalesce(t.paused_until > clock_timestamp(), false) as "isPaused",
      greatest(coalesce(extract(epoch from clock_timestamp() - t.failed_since), 0), 0)::float8 as failed,
      case when t.scanned_at is null then greatest(coalesce(t.scan_total, 0) - t.scanned, 0) else 0 end::float8 as unscanned,
      (select count(*)::int from (
        select from write_intent i where i.source = t.source and i.state = 'HELD' and i.code = 'TOO_MANY_RECORDS'
        limit ${heldMax}) x) as "heldByLimit",
      (select count(*)::int from (
        select from write_intent i where i.source = t.source and i.state = 'WAITING' and i.code = ${POSSIBLE_MATCH}
        limit ${heldMax}) x) as undecided,
      (select count(*)::int from write_intent i
        where i.source = t.source and i.sent_at > clock_timestamp() - interval '1 minute') as "sentLastMinute",
      (select count(*)::int from write_intent i
        where i.source = t.source and i.sent_at > clock_timestamp() - interval '1 day') as "sentLastDay"
    from write_target t`
}

export interface EndedFigure {
  source: string
  state: 'DONE' | 'CONFLICT' | 'REFUSED'
  count: number
}

/**
 * Counts the writes that ended in the last hour. The index on their end leaves out created records, so
 * these are counted by the time at which they were sent.
 */
export async function endedFigures(tx: Transaction): Promise<EndedFigure[]> {
  return await tx<EndedFigure[]>`
    select source, state, sum(count)::int as count from (
      select source, state, count(*) from write_intent
      where ended_at is not null and ended_at > clock_timestamp() - interval '1 hour' and not (operation = 'CREATE' and state = 'DONE')
      group by 1, 2
      union all
      select i.source, i.state, count(*) from write_target t join write_intent i on i.source = t.source
      where i.sent_at > clock_timestamp() - interval '1 hour' and i.operation = 'CREATE' and i.state = 'DONE' group by 1, 2) x
    group by 1, 2`
}

export interface DueFigure {
  /** Golden records whose writes have to be planned, counted to 100,000. */
  count: number
  /** How long the oldest of them is due, in seconds; 0 without any. */
  age: number
}

/** Returns how far planning is behind. */
export async function dueFigure(tx: Transaction): Promise<DueFigure> {
  const [row] = await tx<DueFigure[]>`
    select (select count(*)::int from (select from write_due d where ${tx.unsafe(IS_DUE)} limit ${countedMax}) x) as count,
      coalesce((select greatest(extract(epoch from clock_timestamp() - due_at), 0)::float8 from write_due d
        where ${tx.unsafe(IS_DUE)} order by due_at, id limit 1), 0) as age`
  return row ?? { count: 0, age: 0 }
}
