import type { Sql, Transaction } from '../db/database.ts'
import { opinionsOn } from './secondOpinions.ts'

/** The work of one steward over some days. */
export interface StewardFigures {
  actor: string
  /** Actions that the steward did or proposed; a bulk action is one. */
  decisions: number
  /** Those that were undone since, by anybody. */
  undone: number
  /** Median time between two decisions of one sitting, in seconds. Null without any. */
  medianSeconds: number | null
  /** Second opinions of others on the steward's decisions, and how many agree. */
  opinions: number
  agreed: number
  /** Decisions of each day, today last. */
  perDay: number[]
}

/** What is no decision about golden records: the undo of one, the end of a value, a policy. */
const NO_DECISIONS = ['UNDO', 'EXPIRE', 'PUBLISH']
/** A longer pause begins another sitting, and is not counted as time for a decision. */
const pauseSecondsMax = 600
/** The latest actions that are read: days of many bulk loads end sooner. */
const actionsMax = 100_000
export const daysMax = 90

/**
 * Returns the figures of every steward with a decision in the last `days` days, today included, the
 * busiest first. Days are those of UTC. Reads at most `actionsMax` actions.
 */
export async function stewardFigures(
  sql: Sql | Transaction,
  days: number,
): Promise<StewardFigures[]> {
  const rows = await sql<
    (Omit<StewardFigures, 'perDay' | 'opinions' | 'agreed'> & { days: number[] })[]
  >`
    with latest as (
      select id, actor, kind, state, proposed_at from action
      where proposed_at >= date_trunc('day', now() at time zone 'UTC') at time zone 'UTC' - ${days - 1} * interval '1 day'
      order by proposed_at desc, id desc limit ${actionsMax}),
    decided as (
      select actor, state,
        extract(day from now() at time zone 'UTC' - date_trunc('day', proposed_at at time zone 'UTC'))::int as age,
        extract(epoch from proposed_at - lag(proposed_at) over (partition by actor order by proposed_at))::float8 as seconds
      from latest where kind <> all(${NO_DECISIONS}))
    select actor, count(*)::int as decisions, (count(*) filter (where state = 'UNDONE'))::int as undone,
      percentile_cont(0.5) within group (order by seconds) filter (where seconds <= ${pauseSecondsMax}) as "medianSeconds",
      array_agg(age) as days
    from decided group by actor order by decisions desc, actor`
  const opinions = await opinionsOn(sql, days)
  return rows.map(({ days: ages, ...row }) => {
    const own = opinions.filter((o) => o.actor === row.actor)
    const perDay = Array.from({ length: days }, () => 0)
    for (const age of ages) {
      const at = days - 1 - age
      perDay[at] = (perDay[at] ?? 0) + 1
    }
    return {
      ...row,
      perDay,
      opinions: own.length,
      agreed: own.filter((o) => o.agrees).length,
    }
  })
}
