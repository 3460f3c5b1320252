import type { Connector } from '../../connectors/contract.ts'
import type { Sql } from '../db/database.ts'
import { lock, lockNumber } from '../db/locks.ts'
import { transaction } from '../db/transaction.ts'
import { withExclusiveLock } from '../db/withExclusiveLock.ts'
import { loadByKey } from '../records/records.ts'
import { saveForeignGoldenIds } from '../tasks/foreignGoldenIds.ts'
import type { ArrivedRecord } from './applyMessages.ts'
import { mapCreated } from './createdRecord.ts'
import { differs } from './mapAgain.ts'
import { masterRecords, type Pipeline } from './pipeline.ts'
import { issuesOf } from './ties.ts'
import { loadCreated } from './writtenRecords.ts'

export interface Remapped {
  /** Source records that were read, and those that changed. */
  records: number
  changed: number
  /**
   * Records that would change their type. They stay as they are until their system states them
   * again.
   */
  otherType: number
  events: number
}

const recordsPerStep = 200

/**
 * Maps the stored source records of one system again and resolves all that change, as if they had
 * just arrived: after a change of a mapping or of a code list in it. It can stop and run again.
 * Calls `onProgress` after each step. Throws if the system is not configured.
 */
export async function remap(
  pipeline: Pipeline,
  source: string,
  onProgress: (sofar: Remapped) => void = () => {},
): Promise<Remapped> {
  const connector = pipeline.connectors.get(source)
  if (!connector) throw new Error(`source system "${source}" is not configured`)
  const total: Remapped = { records: 0, changed: 0, otherType: 0, events: 0 }
  for (let last = 0; ; ) {
    const rows = await pipeline.sql<{ id: number; key: string }[]>`
      select id, key from source_record where source = ${source} and id > ${last} order by id limit ${recordsPerStep}`
    if (rows.length === 0) return total
    last = rows.at(-1)?.id ?? last
    const step = await transaction(pipeline.sql, async (tx) => {
      await lock(
        tx,
        'record',
        rows.map((r) => lockNumber(r.key)),
      )
      const records = await loadByKey(
        tx,
        rows.map((r) => r.key),
      )
      const cause = { source: 'remap', correlationId: crypto.randomUUID() }
      const created = await loadCreated(
        tx,
        records.map((r) => r.key),
      )
      const mapped = records.map((r) => {
        const map = (raw: Record<string, unknown>) => connector.map(r.object, raw)
        const written = created.get(r.key)
        return { r, now: written ? mapCreated(map, r.raw, written) : map(r.raw) }
      })
      const changed = mapped
        .filter(({ r, now }) => differs(r, now))
        .map(({ r, now }): ArrivedRecord => {
          const complete = now.complete || r.deleted
          return {
            record: {
              ...r,
              type: now.type,
              canonical: now.fields,
              issues: issuesOf(now, r.tied),
              complete,
            },
            stored: r,
            cause: { ...cause, object: r.object, sourceId: r.sourceId },
            settled: complete && !r.complete,
            doubted: false,
          }
        })
      const events =
        changed.length === 0
          ? 0
          : (
              await masterRecords(tx, pipeline, {
                records: changed,
                unchanged: [],
                restamped: [],
                outcomes: [],
              })
            ).events
      await saveForeignGoldenIds(
        tx,
        pipeline.connectors,
        records.map((r) => ({ record: r, stored: r })),
      )
      return {
        changed: changed.length,
        otherType: mapped.filter(({ r, now }) => now.type !== r.type && !differs(r, now)).length,
        events,
      }
    })
    total.records += rows.length
    total.changed += step.changed
    total.otherType += step.otherType
    total.events += step.events
    onProgress(total)
  }
}

/**
 * Returns the mapping versions of source systems. A held one has none: its records stay as they
 * are.
 */
export function mappingVersions(
  connectors: ReadonlyMap<string, Pick<Connector, 'mappingVersion' | 'held'>>,
): Map<string, string> {
  return new Map(
    [...connectors].flatMap(([name, c]) =>
      c.held === undefined ? [[name, c.mappingVersion]] : [],
    ),
  )
}

const LOCK = 'touchstone remap'

/**
 * Maps the records of all source systems whose mapping or code lists changed, one system after the
 * other and in one process at a time. An interrupted run starts again; finished records do not
 * change a second time. `versions` are the configured mappings by system. Takes two connections.
 */
export async function remapChanged(
  pipeline: Pipeline,
  versions: ReadonlyMap<string, string>,
  onProgress: (source: string, done: Remapped) => void = () => {},
): Promise<void> {
  const { sql } = pipeline
  await withExclusiveLock(sql, LOCK, async () => {
    for (const source of await changedMappings(sql, versions)) {
      onProgress(source, await remap(pipeline, source))
      await sql`
        insert into mapping_version (source, version) values (${source}, ${versions.get(source) ?? ''})
        on conflict (source) do update set version = excluded.version, at = clock_timestamp()`
    }
  })
}

/**
 * Returns systems whose records were mapped by another version than the configured one. A system
 * without records needs nothing.
 */
export async function changedMappings(
  sql: Sql,
  versions: ReadonlyMap<string, string>,
): Promise<string[]> {
  await sql`
    insert into mapping_version (source, version)
    select v.source, v.version
    from unnest(${[...versions.keys()]}::text[], ${[...versions.values()]}::text[]) as v (source, version)
    where not exists (select from source_record r where r.source = v.source)
    order by 1
    on conflict (source) do update set version = excluded.version, at = clock_timestamp()
    where mapping_version.version <> excluded.version`
  const known = await sql<
    { source: string; version: string }[]
  >`select source, version from mapping_version`
  return [...versions]
    .filter(([s, v]) => known.find((k) => k.source === s)?.version !== v)
    .map(([s]) => s)
}
