import type { Transaction } from './database.ts'

/** Connections of one of our pools, in all processes, that are in one state. */
export interface ConnectionFigure {
  pool: string
  state: string
  count: number
}

/** Pools are known by the name with which they connect; those of others are not counted. */
export async function connectionFigures(tx: Transaction): Promise<ConnectionFigure[]> {
  return await tx<ConnectionFigure[]>`
    select substr(application_name, 12) as pool, coalesce(state, 'unknown') as state, count(*)::int as count
    from pg_stat_activity where datname = current_database() and application_name like 'touchstone-%' group by 1, 2`
}

const TABLES = ['inbox', 'outcome', 'source_record', 'golden', 'change', 'link', 'match_key', 'task', 'audit']

/** How many rows the planner takes a table to have: costs nothing, and is about right. */
export async function tableFigures(tx: Transaction): Promise<{ table: string; rows: number; bytes: number }[]> {
  return await tx<{ table: string; rows: number; bytes: number }[]>`
    select relname as table, greatest(reltuples, 0)::float8 as rows, (relpages::bigint * 8192)::float8 as bytes
    from pg_class where relname = any(${TABLES}::text[]) and relnamespace = 'public'::regnamespace and relkind = 'r'`
}
