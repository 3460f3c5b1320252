import type { Cause } from '../../../schema/events.ts'
import type { Sql } from '../../db/database.ts'
import { Parameters, read } from '../../db/statement.ts'

/**
 * Why a golden record ended. NO_SOURCES: no source record belongs to it any more.
 * SOURCES_INCOMPLETE: what is not deleted lacks required fields.
 */
export const END_REASONS = [
  'SOURCES_DELETED',
  'SOURCES_INCOMPLETE',
  'NO_SOURCES',
  'RETIRED',
] as const
export type EndReason = (typeof END_REASONS)[number]

/** The end of a golden record: since when and why. */
export interface Tombstone {
  since: Date
  reason: EndReason
  /** Position of its event in the change feed. */
  position: number
  cause: Cause
}

/**
 * Columns of a tombstone, from the version `c` that ended a golden record. Whether its source
 * records are deleted or incomplete is read as it is now.
 */
export const tombstoneColumns = `c.at as since, c.position, c.cause,
  case when (c.cause ->> 'source' = 'stewardship' and c.cause ->> 'object' = 'RETIRE')
      or exists (select 1 from standing s where s.kind = 'RETIRED' and s.a = c.golden_id) then 'RETIRED'
    when c.members = '{}' then 'NO_SOURCES'
    when exists (select 1 from source_record r where r.key = any (c.members) and not r.deleted) then 'SOURCES_INCOMPLETE'
    else 'SOURCES_DELETED' end as reason`

/**
 * Returns the tombstones of golden records that have ended. The version that ended one never
 * expires: it is the newest.
 */
export async function readTombstones(
  sql: Sql,
  ids: readonly string[],
): Promise<Map<string, Tombstone>> {
  const p = new Parameters()
  const text = `select g.id, ${tombstoneColumns}
    from golden g join change c on c.golden_id = g.id and c.version = g.version
    where g.id = any(${p.keys(ids)}) and g.state = 'DELETED'`
  const rows = await read<Tombstone & { id: string }>(sql, text, p)
  return new Map(rows.map(({ id, ...tombstone }) => [id, tombstone]))
}
