import { type OperationalType, tableOf } from '../../../schema/operational.ts'
import type { golden } from '../../../schema/tables/golden.ts'
import { isUuid } from '../../../schema/uuid.ts'
import type { Sql } from '../../db/database.ts'
import { Parameters, read } from '../../db/statement.ts'
import { type GoldenRow, goldenColumns, type OperationalRow, operationalColumns } from './list.ts'

/** A golden record found by an id. DELETED: it has ended, and its values are the last ones. */
export type FoundGolden = GoldenRow & { state: 'ACTIVE' | 'DELETED' }

/**
 * Returns golden records by any id: golden ids, retired ones (with their survivor) and keys of
 * source records. A golden record that has ended is among them. The result maps each requested id
 * to its row; ids that resolve to nothing or to another type are left out. Two index scans per id.
 */
export async function readGolden(
  sql: Sql,
  types: readonly string[],
  ids: readonly string[],
): Promise<Map<string, FoundGolden>> {
  const p = new Parameters()
  const text = `select w.id as asked, ${goldenColumns}, g.state
    from ${placed(p.keys(ids.filter(isUuid)))}
    join golden g on g.id = w.current and g.state <> 'MERGED' and g.type = any(${p.list(types, 'text')})`
  const rows = await read<FoundGolden & { asked: string }>(sql, text, p)
  return new Map(rows.map((r) => [r.asked, r]))
}

/**
 * Ids `w.id` and the golden ids they resolve to. A golden id is the key of a source record, whose
 * crosswalk entry gives the active golden id, however many merges lie between. The redirect serves
 * ids without a record. Fenced like membersOfParent.
 */
const placed = (
  ids: string,
) => `(select w.id, coalesce((select k.golden_id from source_record k where k.key = w.id),
    (select coalesce(o.redirect, o.id) from golden o where o.id = w.id)) as current
  from unnest(${ids}) w (id) offset 0) w`

/**
 * Returns the golden id of any id or record key: of active golden records, or also of those that
 * have ended.
 */
export async function readGoldenIds(
  sql: Sql,
  ids: readonly string[],
  { ended }: { ended: boolean },
): Promise<Map<string, string>> {
  const p = new Parameters()
  const text = `select w.id as asked, g.id from ${placed(p.keys(ids.filter(isUuid)))}
    join golden g on g.id = w.current and g.state ${ended ? "<> 'MERGED'" : "= 'ACTIVE'"}`
  const rows = await read<{ asked: string; id: string }>(sql, text, p)
  return new Map(rows.map((r) => [r.asked, r.id]))
}

/** The object of an id: a golden record, or the source record of an operational object. */
export interface Named {
  type: string
  id: string
  /** True for a golden record that has ended. */
  ended: boolean
}

export async function readNamed(sql: Sql, ids: readonly string[]): Promise<Map<string, Named>> {
  const p = new Parameters()
  const text = `select w.id as asked, coalesce(g.type, k.type) as type, coalesce(g.id, k.key) as id,
      coalesce(g.state = 'DELETED', false) as ended
    from ${placed(p.keys(ids.filter(isUuid)))}
    left join source_record k on k.key = w.id
    left join golden g on g.id = w.current and g.state <> 'MERGED'
    where g.id is not null or (k.golden_id is null and not k.deleted)`
  const rows = await read<Named & { asked: string }>(sql, text, p)
  return new Map(rows.map(({ asked, ...named }) => [asked, named]))
}

/** Returns operational objects by record key, without those deleted at the source. */
export async function readOperational(
  sql: Sql,
  type: OperationalType,
  keys: readonly string[],
): Promise<Map<string, OperationalRow>> {
  const p = new Parameters()
  const text = `select r.key as id, r.source as system, r.object, r.source_id as "sourceId", ${operationalColumns(type)}
    from source_record r join ${tableOf(type)} t on t.record_id = r.id
    where r.key = any(${p.keys(keys.filter(isUuid))}) and not t.deleted`
  const rows = await read<OperationalRow>(sql, text, p)
  return new Map(rows.map((r) => [r.id, r]))
}

/** Returns the retired golden ids that resolve to each golden record. */
export async function readAliases(
  sql: Sql,
  ids: readonly string[],
): Promise<Map<string, string[]>> {
  const p = new Parameters()
  const text = `select m.golden_id as id, array_agg(o.id order by o.id) as aliases
    from source_record m join golden o on o.id = m.key and o.id <> m.golden_id and o.state = 'MERGED'
    where m.golden_id = any(${p.keys(ids)}) group by m.golden_id`
  const rows = await read<{ id: string; aliases: string[] }>(sql, text, p)
  return new Map(rows.map((r) => [r.id, r.aliases]))
}

/** Stored provenance of a golden record: records and rule by field. */
export type StoredProvenance = Pick<typeof golden.$inferSelect, 'provenance' | 'policyVersion'>

export async function readProvenance(
  sql: Sql,
  ids: readonly string[],
): Promise<Map<string, StoredProvenance>> {
  const p = new Parameters()
  const text = `select g.id, g.provenance, g.policy_version as "policyVersion" from golden g
    where g.id = any(${p.keys(ids)})`
  const rows = await read<StoredProvenance & { id: string }>(sql, text, p)
  return new Map(rows.map((r) => [r.id, r]))
}

/** Returns which of these golden records have a parent that closes a ring; it is left out. */
export async function readRings(sql: Sql, ids: readonly string[]): Promise<Map<string, true>> {
  const p = new Parameters()
  const text = `select h.golden_id as id from hierarchy_ring h where h.golden_id = any(${p.keys(ids)})`
  const rows = await read<{ id: string }>(sql, text, p)
  return new Map(rows.map((r) => [r.id, true]))
}
