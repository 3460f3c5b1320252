import type { Transaction } from './database.ts'

export interface ConnectionCount {
  pool: string
  state: string
  count: number
}

/**
 * Counts the connections of our pools, of all processes, by state. A pool is known by its
 * application name.
 */
export async function loadConnectionCounts(tx: Transaction): Promise<ConnectionCount[]> {
  return await tx<ConnectionCount[]>`
    select substr(application_name, 12) as pool, coalesce(state, 'unknown') as state, count(*)::int as count
    from pg_stat_activity where datname = current_database() and application_name like 'touchstone-%' group by 1, 2`
}

export interface TableSize {
  table: string
  rows: number
  bytes: number
}

const TABLES = [
  'inbox',
  'outcome',
  'source_record',
  'golden',
  'change',
  'link',
  'match_key',
  'task',
  'audit',
]

/** Returns the planner's estimates of table sizes: they cost nothing and are about right. */
export async function loadTableSizes(tx: Transaction): Promise<TableSize[]> {
  return await tx<TableSize[]>`
    select relname as table, greatest(reltuples, 0)::float8 as rows, (relpages::bigint * 8192)::float8 as bytes
    from pg_class where relname = any(${TABLES}::text[]) and relnamespace = 'public'::regnamespace and relkind = 'r'`
}
