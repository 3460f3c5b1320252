import type { syncRun, syncState } from '../../schema/tables/sync.ts'
import type { Transaction } from '../db/database.ts'
import { foreignCountMax } from '../tasks/foreignGoldenIds.ts'

/** How one object stands. Ages and times are in seconds. */
export interface PullFigure {
  source: string
  object: string
  state: (typeof syncState.$inferSelect)['state']
  rows: number
  /** Since the last complete run; null where none was. */
  lag: number | null
  failed: number
  positionAge: number | null
  expiresIn: number | null
  censusMissing: number
  /** Records that events named and that are not read yet, and the age of the oldest. */
  hints: number
  hintAge: number
  /** Records that hold another text in the place of their golden id, counted to 10,000. */
  foreignGoldenIds: number
}

/** Returns the figures of all objects: their number is that of the configuration. */
export async function pullFigures(tx: Transaction): Promise<PullFigure[]> {
  return await tx<PullFigure[]>`
    select source, object, state, rows, greatest(extract(epoch from clock_timestamp() - success_at), 0)::float8 as lag,
      greatest(coalesce(extract(epoch from clock_timestamp() - failed_since), 0), 0)::float8 as failed,
      greatest(extract(epoch from clock_timestamp() - position_at), 0)::float8 as "positionAge",
      extract(epoch from expires_at - clock_timestamp())::float8 as "expiresIn", coalesce(census_missing, 0) as "censusMissing",
      coalesce(h.hints, 0) as hints, coalesce(h.age, 0) as "hintAge",
      (select count(*)::int from (select from foreign_golden_id f
        where f.source = s.source and f.object = s.object limit ${foreignCountMax}) x) as "foreignGoldenIds"
    from sync_state s left join (
      select source, object, count(*)::int as hints, greatest(extract(epoch from clock_timestamp() - min(since)), 0)::float8 as age
      from read_hint group by 1, 2) h using (source, object)`
}

export interface RunFigure {
  source: string
  state: (typeof syncRun.$inferSelect)['state']
  count: number
}

/** Counts the runs that ended in the last hour; a scan of the index on their end. */
export async function runFigures(tx: Transaction): Promise<RunFigure[]> {
  return await tx<RunFigure[]>`
    select source, state, count(*)::int as count from sync_run
    where ended_at > clock_timestamp() - interval '1 hour' group by 1, 2`
}
