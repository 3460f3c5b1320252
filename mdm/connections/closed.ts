import { closedUntil } from '../../connectors/calendar.ts'
import { type ClosedTime, HOLDS, type Hold } from '../../schema/closedTime.ts'
import { laneNumber } from '../../schema/lane.ts'
import type { Sql } from '../db/database.ts'

/** What a calendar holds back, until when, and the reason for people. */
export interface ClosedWork {
  holds: Hold
  until: Date
  why: string
}

/** Returns what a calendar holds back at a time (ms since 1970). */
export function closedWork(
  calendar: readonly ClosedTime[] | undefined,
  now: number = Date.now(),
): ClosedWork[] {
  return HOLDS.flatMap((holds) => {
    const closed = closedUntil(calendar, holds, now)
    return closed ? [{ holds, until: new Date(closed.until), why: closed.why }] : []
  })
}

/** What waits for source systems that are closed, by source system. */
export type Waiting = ReadonlyMap<string, Readonly<Record<Hold, number>>>

/**
 * Counts what waits for some source systems: objects whose next run is due, writes that were planned,
 * and messages with financial documents that their calendar holds back. One statement.
 */
export async function readWaiting(sql: Sql, sources: readonly string[]): Promise<Waiting> {
  if (sources.length === 0) return new Map()
  const rows = await sql<({ source: string } & Record<Hold, number>)[]>`
    select n.source,
      (select count(*)::int from sync_state s
        where s.source = n.source and s.state <> 'PAUSED' and s.due_at <= clock_timestamp()) as "PULL",
      (select count(*)::int from write_intent w
        where w.source = n.source and w.state in ('PLANNED', 'UNKNOWN')) as "WRITE",
      (select count(*)::int from pending p join inbox i on i.id = p.inbox_id
        where i.source = n.source and p.lane = ${laneNumber('POSTINGS')}::smallint
          and p.not_before > clock_timestamp()) as "POSTINGS"
    from unnest(${[...sources]}::text[]) as n (source)`
  return new Map(rows.map(({ source, ...counts }) => [source, counts]))
}
