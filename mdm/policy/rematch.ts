import type { Cause } from '../../schema/events.ts'
import type { TypePolicy } from '../../schema/policy.ts'
import type { Sql } from '../db/database.ts'
import { transaction } from '../db/transaction.ts'
import { withExclusiveLock } from '../db/withExclusiveLock.ts'
import { engineOf, type ResolutionContext } from '../resolution/context.ts'
import type { TaskContext } from '../tasks/syncFindings.ts'
import type { Difference } from './rebuild.ts'
import { byRebuild, type Repaired, recordsPerStep, repairStep } from './repair.ts'

/**
 * Lock of publications and of passes over stale records: both match every record of a type, so only
 * one runs.
 */
export const MATCHING_LOCK = 'touchstone publication'

type Listener = (step: Repaired) => void | Promise<void>

/**
 * Matches records again whose features belong to another engine, in the order of first arrival.
 * Each finished record carries the engine's version, so a stopped run continues with the rest.
 */
export async function rematch(
  sql: Sql,
  mastering: TaskContext,
  type: TypePolicy,
  onStep: Listener,
  cause: () => Cause = byRebuild,
): Promise<void> {
  const { version } = engineOf(mastering, type)
  let last = 0
  for (;;) {
    const rows = await sql<{ id: number }[]>`
      select id from source_record
      where type = ${type.name} and id > ${last} and golden_id is not null and features_version is distinct from ${version}
      order by id limit ${recordsPerStep}`
    if (rows.length === 0) break
    const records = rows.map((r) => r.id)
    last = records.at(-1) ?? last
    const step: Difference = {
      type: type.name,
      goldenId: '',
      what: 'MEMBERS',
      detail: 'another model',
      records,
    }
    const events = await transaction(sql, (tx) =>
      repairStep(tx, mastering, type.name, [step], cause()),
    )
    await onStep({ done: records.length, events })
  }
  await sql`
    insert into match_version (type, version) select ${type.name}, ${version}
    -- A record whose features were cleared meanwhile leaves its type to the next pass.
    where not exists (select from source_record
      where type = ${type.name} and golden_id is not null and features_version is distinct from ${version})
    on conflict (type) do update set version = excluded.version, at = clock_timestamp()
    where match_version.version <> excluded.version`
}

/** Returns how many records `rematch` would match, all types together. Reads all of them. */
export async function countStale(sql: Sql, mastering: ResolutionContext): Promise<number> {
  const types = mastering.policy.types
  const [row] = await sql<{ n: number }[]>`
    select count(*)::int as n
    from unnest(${types.map((t) => t.name)}::text[], ${types.map((t) => engineOf(mastering, t).version)}::text[]) as e (type, version)
    join source_record s on s.type = e.type and s.golden_id is not null and s.features_version is distinct from e.version`
  return row?.n ?? 0
}

/**
 * Returns golden types with records that were not matched under the active engines, after an
 * upgrade or because features were broken.
 */
export async function staleTypes(sql: Sql, mastering: ResolutionContext): Promise<TypePolicy[]> {
  const types = mastering.policy.types
  await sql`
    insert into match_version (type, version)
    select e.type, e.version
    from unnest(${types.map((t) => t.name)}::text[], ${types.map((t) => engineOf(mastering, t).version)}::text[]) as e (type, version)
    where not exists (select from match_version m where m.type = e.type)
      and not exists (select from source_record r where r.type = e.type)
    order by 1 on conflict do nothing`
  const known = await sql<
    { type: string; version: string }[]
  >`select type, version from match_version`
  const versions = new Map(known.map((k) => [k.type, k.version]))
  return types.filter((type) => versions.get(type.name) !== engineOf(mastering, type).version)
}

/**
 * Matches the records of stale types again while everything else runs; one process at a time.
 * Returns how many records were matched and how many events resulted; null if another process does
 * it or publishes. Takes two connections.
 */
export async function rematchStale(sql: Sql, mastering: TaskContext): Promise<Repaired | null> {
  return await withExclusiveLock(sql, MATCHING_LOCK, async () => {
    const total: Repaired = { done: 0, events: 0 }
    for (const type of await staleTypes(sql, mastering))
      await rematch(sql, mastering, type, (step) => {
        total.done += step.done
        total.events += step.events
      })
    return total
  })
}
