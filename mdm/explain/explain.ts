import { fixed } from '../../schema/kit/numberText.ts'
import { isUuid } from '../../schema/uuid.ts'
import type { Sql, Transaction } from '../db/database.ts'
import type { Engine, Features } from '../match/engine.ts'
import { hashRecordsMax } from '../match/keyBound.ts'
import { type WaterfallStep, waterfall } from '../match/waterfall.ts'
import type { SourceRecord } from '../records/records.ts'
import { loadBlocks } from '../resolution/blockingKeys.ts'
import { engineOf, isLive, type ResolutionContext } from '../resolution/context.ts'
import { possibleBetween } from '../resolution/possibleMatches.ts'
import { isHiddenComparison, loadEvidence, missingEvidence, type Scopes } from './evidence.ts'
import { assertionsBetween, type StewardAssertion } from './stewardAssertions.ts'

/**
 * TOGETHER: in one golden record. POSSIBLE_MATCH: alike, and left to a steward. FORBIDDEN: a
 * constraint rules the match out, whatever else agrees. POSSIBLY_RELATED: rather two related things
 * (a household, sister companies, variants of a product) than strangers. APART: too little agrees,
 * or nothing can be compared.
 */
export type Verdict = 'TOGETHER' | 'POSSIBLE_MATCH' | 'FORBIDDEN' | 'POSSIBLY_RELATED' | 'APART'

/**
 * Why two source records are one thing or not, under the active engine. Weights are in bits: log2
 * of odds.
 */
export interface Explanation {
  type: string
  a: SourceRecord
  b: SourceRecord
  verdict: Verdict
  because: string
  /** Pairs of records of which this one is the best; 1 if two source records were given. */
  pairsCompared: number
  /** Null if one of the two has no evidence of its own because it is deleted or incomplete. */
  weight: number | null
  probability: number | null
  /** Probability that they are two related things, neither one thing nor strangers. */
  relatedProbability: number | null
  prior: number
  threshold: number
  linkThreshold: number
  steps: WaterfallStep[]
  /** The constraint that forbids the pair. It quotes values. */
  forbidden: string | null
  assertions: StewardAssertion[]
  /** Blocking keys that both have, and how many of them have few enough records to be used. */
  sharedKeys: number
  usableKeys: number
  /**
   * The stored weight, in single precision. Null if the two are not linked, or if the caller may
   * not see every compared field.
   */
  linkWeight: number | null
  /** Version of the matching model. */
  model: string
}

/** Why there is no explanation. */
export interface Unexplained {
  code: 'UNKNOWN_ID' | 'NOT_MATCHED' | 'DIFFERENT_TYPES' | 'SAME_RECORD'
  detail: string
}

/** Largest number of source records of a golden record that are compared; the oldest ones. */
const membersComparedMax = 100

interface Place {
  id: number
  key: string
  type: string
  goldenId: string | null
}

/**
 * Explains two records by any ids. An active golden id stands for the whole golden record unless
 * the other id is one of its own records; then the best pair is explained. With `whole` false, it
 * stands for the source record with that key. Reads one snapshot in a fixed number of statements.
 *
 * With `scopes`, everything but the verdict is computed from the values that they cover, the best
 * pair too: so it does not depend on hidden values. The verdict states which records are one golden
 * record, which everyone sees.
 */
export async function explain(
  sql: Sql,
  mastering: ResolutionContext,
  a: string,
  b: string,
  { whole = true, scopes = null }: { whole?: boolean; scopes?: Scopes } = {},
): Promise<Explanation | Unexplained> {
  if (a.toLowerCase() === b.toLowerCase()) return sameRecord(a)
  return await snapshot(sql, async (tx) => {
    const places = await loadPlacesOf(tx, [a, b])
    const [one, other] = [places.get(a.toLowerCase()), places.get(b.toLowerCase())]
    if (!one) return unknown(a)
    if (!other) return unknown(b)
    for (const { key, type } of [one, other])
      if (!mastering.engines.has(type))
        return {
          code: 'NOT_MATCHED',
          detail: `${key} is a record of ${type}, and these are not matched`,
        }
    if (one.type !== other.type)
      return {
        code: 'DIFFERENT_TYPES',
        detail: `${a} is a ${one.type} and ${b} is a ${other.type}: only records of one golden type can be one thing`,
      }
    const apart = one.goldenId !== other.goldenId
    const ids = async (p: Place) =>
      whole && apart && p.goldenId === p.key ? await memberIds(tx, p.key) : [p.id]
    const [mine, theirs] = [await ids(one), await ids(other)]
    const records = new Map<number, SourceRecord>()
    const type = mastering.policy.type(one.type)
    await loadEvidence(tx, mastering, type, records, [...mine, ...theirs], scopes)
    const best = bestPair(engineOf(mastering, type), records, mine, theirs)
    const pair = best ?? ([recordOf(records, one), recordOf(records, other)] as const)
    const [found] = await explainRecords(tx, mastering, [pair], scopes)
    return { ...found, pairsCompared: best ? mine.length * theirs.length : 1 } as Explanation
  })
}

/**
 * Explains pairs of source records by key, all at once. Pairs with a missing record are left out.
 */
export async function explainPairs(
  sql: Sql,
  mastering: ResolutionContext,
  pairs: readonly (readonly [string, string])[],
  scopes: Scopes = null,
): Promise<Map<string, Explanation>> {
  return await snapshot(sql, async (tx) => {
    const places = await loadPlacesOf(tx, pairs.flat())
    const records = new Map<number, SourceRecord>()
    for (const [name, own] of Map.groupBy(places.values(), (p) => p.type))
      if (mastering.engines.has(name))
        await loadEvidence(
          tx,
          mastering,
          mastering.policy.type(name),
          records,
          own.map((p) => p.id),
          scopes,
        )
    const byKey = new Map([...records.values()].map((r) => [r.key, r]))
    const found = pairs.flatMap(([a, b]): [SourceRecord, SourceRecord][] => {
      const [x, y] = [byKey.get(a), byKey.get(b)]
      return x && y && x.type === y.type ? [[x, y]] : []
    })
    const explained = await explainRecords(tx, mastering, found, scopes)
    return new Map(explained.map((e) => [pairName(e.a.key, e.b.key), e]))
  })
}

/** Names a pair of keys in the result of `explainPairs`. */
export function pairName(a: string, b: string): string {
  return `${a} ${b}`
}

/** Runs reads in one snapshot without blocking writers. */
export async function snapshot<T>(sql: Sql, state: (tx: Transaction) => Promise<T>): Promise<T> {
  return (await sql.begin('isolation level repeatable read read only', state)) as T
}

async function explainRecords(
  tx: Transaction,
  mastering: ResolutionContext,
  pairs: readonly (readonly [SourceRecord, SourceRecord])[],
  scopes: Scopes,
): Promise<Explanation[]> {
  if (pairs.length === 0) return []
  const placed = pairs.map(([a, b]) => ({
    a: a.key,
    b: b.key,
    goldenA: a.goldenId,
    goldenB: b.goldenId,
  }))
  const shared = pairs.map(([a, b]) => a.keys.filter((k) => b.keys.includes(k)))
  const bound = Math.max(...pairs.map(([a]) => engineFor(mastering, a).blockRecordsMax))
  const [assertions, possible, linked, blocks] = await Promise.all([
    assertionsBetween(tx, placed),
    possibleBetween(tx, placed),
    linkWeights(tx, pairs),
    loadBlocks(tx, [...new Set(shared.flat())], bound),
  ])
  return pairs.map(([a, b], i): Explanation => {
    const engine = engineFor(mastering, a)
    // The record that arrived first is compared first, as in the pipeline, so the sum is equal to
    // the last bit.
    const [first, second] = a.id < b.id ? [a, b] : [b, a]
    const comparison =
      isLive(a) && isLive(b)
        ? engine.compare(first.features as Features, second.features as Features)
        : null
    const { matchWeightMin, linkWeightMin, parameters, version } = engine
    const type = mastering.policy.type(a.type)
    const missing = missingEvidence(mastering.policy, type, scopes)
    const isShown = ({ field }: WaterfallStep) => {
      const compared = engine.comparisons.find((c) => c.name === field)
      return !compared || !isHiddenComparison(compared, type, scopes)
    }
    const explained: Omit<Explanation, 'verdict' | 'because'> = {
      type: a.type,
      a,
      b,
      pairsCompared: 1,
      weight: comparison?.weight ?? null,
      probability: comparison?.probability ?? null,
      relatedProbability: comparison?.relatedProbability ?? null,
      prior: parameters.priorWeight,
      threshold: matchWeightMin,
      linkThreshold: linkWeightMin,
      steps: comparison ? waterfall(comparison).filter(isShown) : [],
      forbidden: comparison?.conflict ?? null,
      assertions: assertions[i] ?? [],
      sharedKeys: shared[i]?.length ?? 0,
      usableKeys:
        shared[i]?.filter(
          (k) => (blocks.get(k)?.length ?? 0) <= hashRecordsMax(k, engine.blockRecordsMax),
        ).length ?? 0,
      linkWeight: (missing === null ? linked[i] : null) ?? null,
      model: version,
    }
    const oneToOne = engine.competes(a.source) && engine.competes(b.source)
    return {
      ...explained,
      ...judged(
        explained,
        possible[i]?.reason ?? null,
        oneToOne ? engine.oneToOneWeight : null,
        missing,
      ),
    }
  })
}

/**
 * Returns the verdict on a pair; reasons are checked in order of precedence. `oneToOne`: the bits
 * that the pair gains because both sources hold a thing at most once; null if not. `missing`: the
 * scope of compared fields that the caller may not see, whose part in the verdict is not stated.
 */
function judged(
  e: Omit<Explanation, 'verdict' | 'because'>,
  possible: string | null,
  oneToOne: number | null,
  missing: string | null,
): { verdict: Verdict; because: string } {
  const says = (kind: StewardAssertion['kind']) => e.assertions.find((s) => s.kind === kind)
  const together = e.a.goldenId !== null && e.a.goldenId === e.b.goldenId
  const absent = [e.a, e.b].find((r) => !isLive(r))
  if (together) {
    if (says('SAME')) return { verdict: 'TOGETHER', because: 'a steward declared them the same' }
    if (absent)
      return {
        verdict: 'TOGETHER',
        because: `${stateOf(absent)}, and stays with the golden record that it was in`,
      }
    if (missing !== null) return { verdict: 'TOGETHER', because: undisclosed(missing) }
    if (e.weight !== null && e.weight >= e.threshold && e.forbidden === null)
      return { verdict: 'TOGETHER', because: 'what the two have in common is enough' }
    if (oneToOne !== null && e.linkWeight !== null)
      return {
        verdict: 'TOGETHER',
        because: `their sources hold each thing once, so each other's best gain ${fixed(oneToOne, 1)} bits; or other records hold them together`,
      }
    return { verdict: 'TOGETHER', because: 'other records of the golden record hold them together' }
  }
  if (says('NOT_SAME'))
    return { verdict: 'FORBIDDEN', because: 'a steward declared them not the same' }
  if (absent)
    return { verdict: 'APART', because: `${stateOf(absent)}, and has no evidence of its own` }
  if (e.forbidden !== null) return { verdict: 'FORBIDDEN', because: e.forbidden }
  if (possible !== null)
    return {
      verdict: 'POSSIBLE_MATCH',
      because: missing === null ? possible : undisclosed(missing),
    }
  if ((e.weight ?? 0) < e.linkThreshold && (e.relatedProbability ?? 0) >= 0.5)
    return {
      verdict: 'POSSIBLY_RELATED',
      because: 'what agrees agrees between two related things too, and too little else does',
    }
  if (missing !== null) return { verdict: 'APART', because: undisclosed(missing) }
  if (e.sharedKeys === 0)
    return { verdict: 'APART', because: 'they share no blocking key, so they are not compared' }
  if (e.usableKeys === 0)
    return {
      verdict: 'APART',
      because: 'what they share is shared by too many others to compare them by it',
    }
  if ((e.weight ?? 0) < e.linkThreshold)
    return { verdict: 'APART', because: 'too little agrees, or too much speaks against it' }
  return { verdict: 'APART', because: 'alike, but the other records of the two speak against it' }
}

/** Returns the reason of a verdict to which hidden fields contributed. */
export function undisclosed(scope: string): string {
  return `what decides is not shown without the scope ${scope}`
}

function stateOf(r: SourceRecord): string {
  const name = `${r.source} ${r.object} ${r.sourceId}`
  return r.deleted ? `${name} is deleted at its source` : `${name} waits for required fields`
}

/** Returns the live pair with the highest weight; ties are decided by key. */
function bestPair(
  engine: Engine,
  records: ReadonlyMap<number, SourceRecord>,
  mine: readonly number[],
  theirs: readonly number[],
): readonly [SourceRecord, SourceRecord] | null {
  if (mine.length * theirs.length === 1) return null
  const live = (ids: readonly number[]) =>
    ids
      .map((id) => records.get(id))
      .filter((r): r is SourceRecord => r !== undefined && isLive(r))
      .sort((x, y) => (x.key < y.key ? -1 : 1))
  const others = live(theirs)
  let best: readonly [SourceRecord, SourceRecord] | null = null
  let most = Number.NEGATIVE_INFINITY
  for (const a of live(mine))
    for (const b of others) {
      const [first, second] = a.id < b.id ? [a, b] : [b, a]
      const weight = engine.weight(first.features as Features, second.features as Features)
      if (weight <= most) continue
      most = weight
      best = [a, b]
    }
  return best
}

function engineFor(mastering: ResolutionContext, r: SourceRecord): Engine {
  return engineOf(mastering, mastering.policy.type(r.type))
}

function recordOf(records: ReadonlyMap<number, SourceRecord>, place: Place): SourceRecord {
  const record = records.get(place.id)
  if (!record) throw new Error(`source record ${place.key} is gone within one snapshot`)
  return record
}

/** Returns the source records with these keys. Other ids are left out. */
async function loadPlacesOf(tx: Transaction, ids: readonly string[]): Promise<Map<string, Place>> {
  const keys = [...new Set(ids.map((id) => id.toLowerCase()))].filter(isUuid)
  const rows = await tx<Place[]>`
    select id, key, type, golden_id as "goldenId" from source_record where key = any(${keys}::uuid[])`
  return new Map(rows.map((r) => [r.key, r]))
}

async function memberIds(tx: Transaction, goldenId: string): Promise<number[]> {
  const rows = await tx<{ id: number }[]>`
    select id from source_record where golden_id = ${goldenId} order by id limit ${membersComparedMax}`
  return rows.map((r) => r.id)
}

/** Returns the stored weights of pairs, in their order. */
async function linkWeights(
  tx: Transaction,
  pairs: readonly (readonly [SourceRecord, SourceRecord])[],
): Promise<(number | undefined)[]> {
  const rows = await tx<{ n: number; weight: number }[]>`
    select p.n::int as n, l.weight from unnest(${pairs.map(([x, y]) => Math.min(x.id, y.id))}::bigint[],
      ${pairs.map(([x, y]) => Math.max(x.id, y.id))}::bigint[]) with ordinality as p (a, b, n)
    join link l on l.a = p.a and l.b = p.b`
  const byPair = new Map(rows.map((r) => [r.n, r.weight]))
  return pairs.map((_, i) => byPair.get(i + 1))
}

function sameRecord(id: string): Unexplained {
  return { code: 'SAME_RECORD', detail: `a and b are both ${id}: give two records` }
}

function unknown(id: string): Unexplained {
  return {
    code: 'UNKNOWN_ID',
    detail: `nothing has the id ${id}; give golden ids or keys of source records`,
  }
}
