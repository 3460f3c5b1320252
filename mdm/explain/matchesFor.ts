import type { TypePolicy } from '../../schema/policy.ts'
import type { Sql, Transaction } from '../db/database.ts'
import { loadAssertions } from '../golden/stored.ts'
import { findCandidates } from '../match/candidates.ts'
import type { Engine, Features } from '../match/engine.ts'
import { waterfall } from '../match/waterfall.ts'
import { loadById, loadFeatures, type SourceRecord } from '../records/records.ts'
import { loadBlocks } from '../resolution/blockingKeys.ts'
import { lockFreeClosure } from '../resolution/closure.ts'
import { clusterRecords } from '../resolution/clusterRecords.ts'
import {
  engineOf,
  isLive,
  isStale,
  newResolutionState,
  type ResolutionContext,
  refresh,
} from '../resolution/context.ts'
import type { Link } from '../resolution/links.ts'
import { isHiddenComparison, loadEvidence, missingEvidence, type Scopes } from './evidence.ts'
import { type Explanation, snapshot, undisclosed } from './explain.ts'

/** The key of a record that is not stored. */
export const UNSTORED_KEY = '00000000-0000-0000-0000-000000000000'
/** Its id: it arrives after all others. */
const UNSTORED_ID = Number.MAX_SAFE_INTEGER

/**
 * What would happen to a record beside a golden record. MERGES: it would belong to it.
 * POSSIBLE_MATCH: a steward would decide. FORBIDDEN: alike, and some evidence forbids it.
 * POSSIBLY_RELATED: rather two related things than strangers.
 */
export type NewRecordVerdict = (typeof VERDICTS)[number]
export const VERDICTS = ['MERGES', 'POSSIBLE_MATCH', 'FORBIDDEN', 'POSSIBLY_RELATED'] as const

/** A golden record that a record which is not stored may be, by its best pair of source records. */
export interface MatchFor {
  goldenId: string
  verdict: NewRecordVerdict
  weight: number
  because: string
  explanation: Explanation
}

/** A record in canonical form. References are golden ids or keys of source records. */
export interface Unstored {
  values: Record<string, unknown>
  /** The source system that would state it; empty for one that holds no other record. */
  system: string
}

/** Largest number of records beside it that are clustered with it; of larger groups the nearest. */
const reachMax = 1_000

/**
 * Returns the golden records that a record may be, as the arrival of this record would find them: by
 * the same blocking keys, weights and clusters. Nothing is written or locked. With `scopes`, only
 * values that they cover count; then the groups that hidden values hold together are left out, and
 * the verdict is that of the pair.
 */
export async function matchesFor(
  sql: Sql,
  context: ResolutionContext,
  type: TypePolicy,
  record: Unstored,
  scopes: Scopes,
): Promise<MatchFor[]> {
  const engine = engineOf(context, type)
  return await snapshot(sql, async (tx) => {
    const own = await standardised(tx, engine, type, record)
    const candidates = await loadCandidates(tx, context, type, own, scopes)
    const compared = candidates.map((other) => ({
      other,
      weight: engine.link(other.features as Features, own.features as Features),
    }))
    const links = compared.flatMap(({ other, weight }): Link[] =>
      weight === null ? [] : [{ a: other.id, b: own.id, weight }],
    )
    const missing = missingEvidence(context.policy, type, scopes)
    const joined = await joinedWith(tx, context, type, own, candidates, links, missing === null)
    const best = new Map<string, MatchFor>()
    const active = await activeIds(tx, candidates)
    for (const { other, weight } of compared) {
      if (!other.goldenId || !active.has(other.goldenId)) continue
      const found = judge(context, type, own, other, weight, joined.has(other.goldenId), scopes)
      const known = best.get(other.goldenId)
      if (found && (!known || known.weight < found.weight)) best.set(other.goldenId, found)
    }
    return [...best.values()]
  })
}

async function standardised(
  tx: Transaction,
  engine: Engine,
  type: TypePolicy,
  { values, system }: Unstored,
): Promise<SourceRecord> {
  const record: SourceRecord = {
    ...{ id: UNSTORED_ID, key: UNSTORED_KEY, source: system, object: '', sourceId: '' },
    ...{ type: type.name, version: 0, tie: '', fieldVersions: null, tied: null, issues: null },
    ...{ deleted: false, complete: true, canonical: values, keys: [], anchor: null },
    ...{ features: null, featuresVersion: null, goldenId: null, statedGolden: null },
  }
  await refresh(tx, engine, type, [record], newResolutionState())
  return record
}

/** Returns the live records that share a usable blocking key, with the evidence of the caller. */
async function loadCandidates(
  tx: Transaction,
  context: ResolutionContext,
  type: TypePolicy,
  own: SourceRecord,
  scopes: Scopes,
): Promise<SourceRecord[]> {
  const engine = engineOf(context, type)
  const bound = engine.blockRecordsMax
  const blocks = await loadBlocks(tx, own.keys, bound)
  const keyed = { id: own.id, oldKeys: [], newKeys: own.keys }
  const { pairs } = findCandidates([keyed], blocks, new Map(), bound)
  const ids = [...new Set(pairs.flat())].filter((id) => id !== own.id)
  const records = new Map<number, SourceRecord>()
  if (missingEvidence(context.policy, type, scopes) !== null)
    await loadEvidence(tx, context, type, records, ids, scopes)
  else {
    // Most candidates turn out to be strangers: their features decide before anything else is read.
    const found = await loadFeatures(tx, ids)
    const near = found.filter(
      (c) => isStale(engine, c) || (isLive(c) && isNear(engine, own, c.features as Features)),
    )
    await loadEvidence(
      tx,
      context,
      type,
      records,
      near.map((c) => c.id),
      scopes,
    )
  }
  return [...records.values()].filter((r) => isLive(r) && r.features !== null)
}

function isNear(engine: Engine, own: SourceRecord, other: Features): boolean {
  const features = own.features as Features
  return (
    engine.weight(other, features) >= engine.linkWeightMin ||
    engine.relatedWeight(other, features) >= 0
  )
}

/** Returns the golden ids whose records would be in one cluster with the record. */
async function joinedWith(
  tx: Transaction,
  context: ResolutionContext,
  type: TypePolicy,
  own: SourceRecord,
  candidates: readonly SourceRecord[],
  links: Link[],
  isWhole: boolean,
): Promise<Set<string>> {
  const engine = engineOf(context, type)
  const joining = links.filter((l) => engine.canJoin(l.weight))
  if (joining.length === 0) return new Set()
  const seeds = joining.map((l) => l.a)
  const known = new Map(candidates.map((c) => [c.id, c]))
  const records = new Map<number, SourceRecord>([[own.id, own]])
  let stored: Link[] = []
  if (isWhole) {
    const reach = await lockFreeClosure(tx, seeds, engine.canJoin)
    if (reach.placed.size <= reachMax) {
      const missing = [...reach.placed.keys()].filter((id) => !known.has(id))
      const loaded = await loadById(tx, missing)
      await refresh(tx, engine, type, loaded, newResolutionState())
      for (const r of loaded) records.set(r.id, r)
      stored = reach.links
    }
  }
  for (const c of candidates) records.set(c.id, c)
  const all = [...records.values()]
  const { pairs } = isWhole
    ? await loadAssertions(
        tx,
        all.map((r) => r.key),
      )
    : { pairs: [] }
  const { clusters } = clusterRecords(engine, all, [...stored, ...links], pairs)
  const cluster = clusters.find((members) => members.includes(own)) ?? []
  return new Set(cluster.flatMap((r) => (r.goldenId ? [r.goldenId] : [])))
}

/** Returns golden ids that are active: not those that a steward retired. */
async function activeIds(
  tx: Transaction,
  candidates: readonly SourceRecord[],
): Promise<Set<string>> {
  const ids = [...new Set(candidates.flatMap((c) => (c.goldenId ? [c.goldenId] : [])))]
  if (ids.length === 0) return new Set()
  const rows = await tx<{ id: string }[]>`
    select id from golden where id = any(${ids}::uuid[]) and state = 'ACTIVE'`
  return new Set(rows.map((r) => r.id))
}

function judge(
  context: ResolutionContext,
  type: TypePolicy,
  own: SourceRecord,
  other: SourceRecord,
  link: number | null,
  isJoined: boolean,
  scopes: Scopes,
): MatchFor | null {
  const engine = engineOf(context, type)
  // Stored records come first, as in the pipeline, so that the sum is equal to the last bit.
  const score = engine.compare(other.features as Features, own.features as Features)
  const isAlike = link !== null || score.weight >= engine.linkWeightMin
  const conflict = score.conflict ?? null
  const isRelated = engine.relatedWeight(other.features as Features, own.features as Features) >= 0
  const verdict: NewRecordVerdict | null = isJoined
    ? 'MERGES'
    : isAlike
      ? conflict === null && link !== null
        ? 'POSSIBLE_MATCH'
        : 'FORBIDDEN'
      : isRelated
        ? 'POSSIBLY_RELATED'
        : null
  if (verdict === null || !other.goldenId) return null
  const missing = missingEvidence(context.policy, type, scopes)
  const because = missing === null ? reasonOf(verdict, conflict) : undisclosed(missing)
  const { matchWeightMin, linkWeightMin, parameters, version } = engine
  const isShown = (field: string) => {
    const compared = engine.comparisons.find((c) => c.name === field)
    return !compared || !isHiddenComparison(compared, type, scopes)
  }
  const shared = own.keys.filter((k) => other.keys.includes(k)).length
  return {
    goldenId: other.goldenId,
    verdict,
    weight: score.weight,
    because,
    explanation: {
      ...{ type: type.name, a: own, b: other, because, pairsCompared: 1, assertions: [] },
      verdict: verdict === 'MERGES' ? 'TOGETHER' : verdict,
      ...{ weight: score.weight, probability: score.probability, model: version },
      ...{ relatedProbability: score.relatedProbability, prior: parameters.priorWeight },
      ...{ threshold: matchWeightMin, linkThreshold: linkWeightMin, forbidden: conflict },
      steps: waterfall(score).filter(({ field }) => isShown(field)),
      ...{ sharedKeys: shared, usableKeys: shared, linkWeight: null },
    },
  }
}

function reasonOf(verdict: NewRecordVerdict, conflict: string | null): string {
  if (verdict === 'MERGES') return 'it would belong to this golden record'
  if (verdict === 'POSSIBLE_MATCH') return 'alike, but not enough to merge without a person'
  if (verdict === 'FORBIDDEN')
    return conflict ?? 'its source system holds each thing once, and has this one'
  return 'what agrees agrees between two related things too, and too little else does'
}
