import { isDeepStrictEqual } from 'node:util'
import type { TypePolicy } from '../schema/policy.ts'
import type { Link } from './cluster/links.ts'
import type { Sql } from './db/database.ts'
import { assign } from './golden/assign.ts'
import { changedFields, type StoredGolden } from './golden/derive.ts'
import { loadAssertions, type PairAssertion } from './golden/stored.ts'
import { survive } from './golden/survive.ts'
import type { SourceRecord } from './ingest/records.ts'
import { isLive, type Mastering, matchRecord, referenceFields, survivor } from './mastering.ts'
import { keyHash } from './match/blocks.ts'
import type { Engine, Features } from './match/engine.ts'
import { clusterRecords } from './recluster.ts'

/** One golden record that is stored otherwise than the source records and assertions say. */
export interface Difference {
  type: string
  goldenId: string
  what: 'MISSING' | 'SURPLUS' | 'MEMBERS' | 'VALUES' | 'PROVENANCE'
  detail: string
}

/**
 * Computes every golden record anew from the source records and the stewards' assertions, without looking at links, keys
 * or golden values that are stored, and compares (I1). Reads one snapshot; memory grows with the number of records of
 * one golden type, about 2 kB each.
 */
export async function checkRebuild(
  sql: Sql,
  mastering: Mastering,
): Promise<{ records: number; golden: number; differences: Difference[] }> {
  return (await sql.begin('isolation level repeatable read read only', async (tx) => {
    const crosswalk = new Map<string, string>()
    const differences: Difference[] = []
    let records = 0
    let golden = 0
    for (const type of mastering.policy.types) {
      const rows = await tx<SourceRecord[]>`
        select id, key, source, object, source_id as "sourceId", type, version, tie, deleted, complete, canonical,
          null as features, null as "featuresVersion", '{}'::bigint[] as keys, golden_id as "goldenId", anchor
        from source_record where type = ${type.name} order by id`
      const stored = new Map(
        (
          await tx<
            StoredGolden[]
          >`select id, version, state, values, provenance from golden where type = ${type.name} and state = 'ACTIVE'`
        ).map((g) => [g.id, g]),
      )
      const assertions = await loadAssertions(
        tx,
        rows.map((r) => r.key),
      )
      const assigned = assign(
        clustersOf(mastering, type, rows, crosswalk, assertions.pairs),
        rows.filter((r) => !isLive(r)),
      )
      for (const at of assigned) {
        for (const r of [...at.members, ...at.absent]) crosswalk.set(r.key, at.goldenId)
        const strangers = [...at.members, ...at.absent].filter((r) => r.goldenId !== at.goldenId)
        if (strangers.length > 0)
          differences.push({
            type: type.name,
            goldenId: at.goldenId,
            what: 'MEMBERS',
            detail: `${strangers.map((r) => `${r.source} ${r.object} ${r.sourceId}`).join(', ')} belong to it`,
          })
        if (at.members.length === 0 || assertions.retired.has(at.goldenId)) continue
        golden++
        const said = [...at.members, ...at.absent].flatMap((r) => assertions.values.get(r.key) ?? [])
        const now = survive(
          mastering.policy,
          type,
          at.members.map((r) => survivor(mastering, r)),
          said,
        )
        const was = stored.get(at.goldenId)
        stored.delete(at.goldenId)
        if (!was)
          differences.push({
            type: type.name,
            goldenId: at.goldenId,
            what: 'MISSING',
            detail: `${at.members.length} source records have no golden record`,
          })
        else if (!isDeepStrictEqual(was.values, now.values))
          differences.push({
            type: type.name,
            goldenId: at.goldenId,
            what: 'VALUES',
            detail: changedFields(was.values, now.values).join(', '),
          })
        else if (!isDeepStrictEqual(was.provenance, now.provenance))
          differences.push({
            type: type.name,
            goldenId: at.goldenId,
            what: 'PROVENANCE',
            detail: changedFields(was.provenance, { ...now.provenance }).join(', '),
          })
      }
      for (const id of stored.keys())
        differences.push({ type: type.name, goldenId: id, what: 'SURPLUS', detail: 'no source record belongs to it' })
      records += rows.length
    }
    return { records, golden, differences }
  })) as { records: number; golden: number; differences: Difference[] }
}

function clustersOf(
  mastering: Mastering,
  type: TypePolicy,
  rows: SourceRecord[],
  crosswalk: ReadonlyMap<string, string>,
  said: PairAssertion[],
): SourceRecord[][] {
  const engine = mastering.engines.get(type.name) as Engine
  const live = rows.filter(isLive)
  const references = referenceFields(type)
  const blocks = new Map<number, number[]>()
  for (const [i, r] of live.entries()) {
    const features = engine.standardise(matchRecord(r, references, crosswalk))
    r.features = features
    for (const key of new Set(engine.keys(features).map((k) => keyHash(type.name, k)))) {
      const block = blocks.get(key)
      if (block) block.push(i)
      else blocks.set(key, [i])
    }
  }
  const idOf = (i: number) => live[i]?.id ?? 0
  const links = new Map<number, Link>()
  for (const block of blocks.values()) {
    if (block.length > engine.blockRecordsMax) continue
    for (const [n, a] of block.entries())
      for (const b of block.slice(n + 1)) {
        const at = a * live.length + b
        if (links.has(at)) continue
        const { weight } = engine.compare(live[a]?.features as Features, live[b]?.features as Features)
        if (weight >= engine.linkWeightMin) links.set(at, { a: idOf(a), b: idOf(b), weight: Math.fround(weight) })
      }
  }
  return clusterRecords(engine, live, [...links.values()], said).clusters
}
