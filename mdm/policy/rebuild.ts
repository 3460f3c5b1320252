import { isDeepStrictEqual } from 'node:util'
import { counted } from '../../schema/kit/numberText.ts'
import type { TypePolicy } from '../../schema/policy.ts'
import type { Sql, Transaction } from '../db/database.ts'
import { type Assigned, assign } from '../golden/assign.ts'
import { changedFields, type StoredGolden } from '../golden/derive.ts'
import { loadAssertions, type PairAssertion } from '../golden/stored.ts'
import { type Golden, survive } from '../golden/survive.ts'
import type { Engine, Features } from '../match/engine.ts'
import { hashRecordsMax } from '../match/keyBound.ts'
import type { SourceRecord } from '../records/records.ts'
import { keyHash } from '../resolution/blockingKeys.ts'
import { clusterRecords } from '../resolution/clusterRecords.ts'
import {
  isLive,
  matchRecord,
  type ResolutionContext,
  referenceFields,
  survivor,
  targetOf,
} from '../resolution/context.ts'
import type { Link } from '../resolution/links.ts'

/** A golden record that differs from what the source records and assertions give. */
export interface Difference {
  type: string
  goldenId: string
  what: 'MISSING' | 'SURPLUS' | 'MEMBERS' | 'VALUES' | 'PROVENANCE'
  detail: string
  /** Ids of its source records. */
  records: number[]
}

/** A golden record computed from source records and assertions. */
export interface Rebuilt {
  at: Assigned<SourceRecord>
  /** Null if no record is live or a steward has retired it. */
  golden: Golden | null
}

/**
 * Computes every golden record from the source records and the stewards' assertions, without
 * reading stored links, keys or golden values, and compares (I1). Reads one snapshot. Memory grows
 * with the number of records of one golden type, about 2 kB each.
 */
export async function checkRebuild(
  sql: Sql,
  mastering: ResolutionContext,
): Promise<{ records: number; golden: number; differences: Difference[] }> {
  return (await sql.begin('isolation level repeatable read read only', async (tx) => {
    await unhurried(tx)
    const total = { records: 0, golden: 0, differences: [] as Difference[] }
    const targets = new Map<string, string>()
    for (const type of mastering.policy.types) {
      const stored = await readStored(tx, type.name)
      const { records, rebuilt } = await rebuildType(tx, mastering, type, targets)
      total.records += records
      for (const { at, golden } of rebuilt) {
        total.differences.push(...differencesOf(type.name, at, golden, stored.get(at.goldenId)))
        if (!golden) continue
        total.golden++
        stored.delete(at.goldenId)
      }
      for (const id of stored.keys())
        total.differences.push({
          type: type.name,
          goldenId: id,
          what: 'SURPLUS',
          detail: 'no source record belongs to it, or it is retired',
          records: rebuilt.find((r) => r.at.goldenId === id)?.at.members.map((m) => m.id) ?? [],
        })
    }
    return total
  })) as { records: number; golden: number; differences: Difference[] }
}

/**
 * Lifts the time limits of daily work: a pass over everything takes longer, also between two
 * statements.
 */
export async function unhurried(tx: Transaction): Promise<void> {
  await tx`select set_config('statement_timeout', '0', true), set_config('idle_in_transaction_session_timeout', '0', true)`
}

/** Returns the stored active golden records of a type. */
export async function readStored(
  tx: Transaction,
  type: string,
): Promise<Map<string, StoredGolden>> {
  const rows = await tx<StoredGolden[]>`
    select id, version, state, values, provenance from golden where type = ${type} and state = 'ACTIVE'`
  return new Map(rows.map((g) => [g.id, g]))
}

/**
 * Computes every golden record of a type. `targets` holds the values by which references to records
 * of earlier types are compared; those of this type are added. `only` limits it to some source
 * records, which must include all that can reach each other.
 */
export async function rebuildType(
  tx: Transaction,
  mastering: ResolutionContext,
  type: TypePolicy,
  targets: Map<string, string>,
  only: number[] | null = null,
): Promise<{ records: number; rebuilt: Rebuilt[] }> {
  const rows = await tx<SourceRecord[]>`
    select id, key, source, object, source_id as "sourceId", type, version, tie, null as tied, deleted, complete, canonical,
      null as features, null as "featuresVersion", '{}'::bigint[] as keys, golden_id as "goldenId", anchor, stated_golden as "statedGolden"
    from source_record where type = ${type.name} and (${only}::bigint[] is null or id = any(${only}::bigint[])) order by id`
  const assertions = await loadAssertions(
    tx,
    rows.map((r) => r.key),
  )
  const assigned = assign(
    clustersOf(mastering, type, rows, targets, assertions.pairs),
    rows.filter((r) => !isLive(r)),
  )
  for (const r of rows) if (!isLive(r)) targets.set(r.key, targetOf(r))
  const rebuilt = assigned.map((at): Rebuilt => {
    for (const r of at.members) targets.set(r.key, at.goldenId)
    if (at.members.length === 0 || assertions.retired.has(at.goldenId)) return { at, golden: null }
    const members = at.members.map((r) => survivor(mastering, r))
    const values = [...at.members, ...at.inactiveMembers].flatMap(
      (r) => assertions.values.get(r.key) ?? [],
    )
    return { at, golden: survive(mastering.policy, type, members, values) }
  })
  return { records: rows.length, rebuilt }
}

function differencesOf(
  type: string,
  at: Assigned<SourceRecord>,
  golden: Golden | null,
  was: StoredGolden | undefined,
): Difference[] {
  const records = [...at.members, ...at.inactiveMembers].map((r) => r.id)
  const difference = (what: Difference['what'], detail: string) => ({
    type,
    goldenId: at.goldenId,
    what,
    detail,
    records,
  })
  const strangers = [...at.members, ...at.inactiveMembers].filter((r) => r.goldenId !== at.goldenId)
  const found: Difference[] = []
  if (strangers.length > 0)
    found.push(
      difference(
        'MEMBERS',
        `${strangers.map((r) => `${r.source} ${r.object} ${r.sourceId}`).join(', ')} belong to it`,
      ),
    )
  if (!golden) return found
  if (!was)
    found.push(
      difference(
        'MISSING',
        `${counted(at.members.length, 'source record has', 'source records have')} no golden record`,
      ),
    )
  else if (!isDeepStrictEqual(was.values, golden.values))
    found.push(difference('VALUES', changedFields(was.values, golden.values).join(', ')))
  else if (!isDeepStrictEqual(was.provenance, golden.provenance))
    found.push(
      difference('PROVENANCE', changedFields(was.provenance, { ...golden.provenance }).join(', ')),
    )
  return found
}

function clustersOf(
  mastering: ResolutionContext,
  type: TypePolicy,
  rows: SourceRecord[],
  targets: ReadonlyMap<string, string>,
  assertions: PairAssertion[],
): SourceRecord[][] {
  const engine = mastering.engines.get(type.name) as Engine
  const live = rows.filter(isLive)
  const references = referenceFields(type)
  const blocks = new Map<number, number[]>()
  for (const [i, r] of live.entries()) {
    const features = engine.standardise(matchRecord(r, references, targets))
    r.features = features
    for (const key of new Set(engine.keys(features).map((k) => keyHash(type.name, k)))) {
      const block = blocks.get(key)
      if (block) block.push(i)
      else blocks.set(key, [i])
    }
  }
  const idOf = (i: number) => live[i]?.id ?? 0
  const links = new Map<number, Link>()
  for (const [key, block] of blocks) {
    if (block.length > hashRecordsMax(key, engine.blockRecordsMax)) continue
    for (const [n, a] of block.entries())
      for (const b of block.slice(n + 1)) {
        const at = a * live.length + b
        if (links.has(at)) continue
        const weight = engine.link(live[a]?.features as Features, live[b]?.features as Features)
        if (weight !== null) links.set(at, { a: idOf(a), b: idOf(b), weight: Math.fround(weight) })
      }
  }
  return clusterRecords(engine, rows, [...links.values()], assertions).clusters
}
