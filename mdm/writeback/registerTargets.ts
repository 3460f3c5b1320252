import type { Sql } from '../db/database.ts'
import { transaction } from '../db/transaction.ts'
import type { Target } from './target.ts'
import { closeWithoutTarget } from './writeTasks.ts'

/** Golden records that become due in one transaction after a change of the configuration. */
export const scanRowsMax = 2_000

/**
 * Stores which source systems are written to. From its commit on, changes make golden records due
 * for them. A target whose version is another one has all its golden records planned again. What
 * waits for a source system that is not written to any more is removed, and its tasks are closed; what
 * was sent stays.
 */
export async function registerTargets(
  sql: Sql,
  targets: ReadonlyMap<string, Target>,
): Promise<void> {
  const all = [...targets.values()]
  await transaction(sql, async (tx) => {
    const names = all.map((t) => t.source)
    await tx`delete from write_target where source <> all(${names}::text[])`
    await tx`
      delete from write_intent where source <> all(${names}::text[])
        and state in ('SHADOW', 'PLANNED', 'WAITING', 'WAITING_APPROVAL', 'HELD')`
    await closeWithoutTarget(tx, names)
    await tx`
      insert into write_target as t (source, version, registered_by)
      select source, version, pg_current_xact_id()::text::bigint
      from unnest(${names}::text[], ${all.map((t) => t.version)}::text[]) as n (source, version)
      on conflict (source) do update set version = excluded.version, registered_by = excluded.registered_by,
        scan_after = null, scanned = 0, scan_total = null, scanned_at = null
      where t.version <> excluded.version`
  })
}

/**
 * Makes the next golden records due for targets with a new version. Returns whether there may be
 * more. It begins once every transaction has ended that began before the version was stored: such a
 * one may have changed a golden record without making it due.
 */
export async function scanTargets(
  sql: Sql,
  targets: ReadonlyMap<string, Target>,
): Promise<boolean> {
  return await transaction(sql, async (tx) => {
    const [row] = await tx<{ source: string; after: string | null; total: number | null }[]>`
      select source, scan_after as after, scan_total as total from write_target
      where scanned_at is null and source = any(${[...targets.keys()]}::text[])
        and registered_by < pg_snapshot_xmin(pg_current_snapshot())::text::bigint
      order by source limit 1 for update skip locked`
    const target = row && targets.get(row.source)
    if (!target) return false
    const types = [...target.types.keys()]
    if (row.total === null)
      await tx`
        update write_target set scan_total = (
          select count(*) from golden where type = any(${types}::text[]) and state = 'ACTIVE')
        where source = ${row.source}`
    const due = await tx<{ id: string }[]>`
      insert into write_due (golden_id)
      select id from golden
      where id > ${row.after ?? '00000000-0000-0000-0000-000000000000'}::uuid and type = any(${types}::text[]) and state = 'ACTIVE'
      order by id limit ${scanRowsMax}
      returning golden_id as id`
    const last = due.length < scanRowsMax
    const after =
      due
        .map((d) => d.id)
        .sort()
        .at(-1) ?? row.after
    await tx`
      update write_target set scan_after = ${after}::uuid, scanned = scanned + ${due.length},
        scanned_at = case when ${last} then clock_timestamp() end
      where source = ${row.source}`
    return true
  })
}
