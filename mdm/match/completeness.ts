import type { Engine } from './engine.ts'
import { type CompetingPair, OneToOne } from './oneToOne.ts'
import type { FeatureReader } from './packedFeatures.ts'
import { forEachCandidate, isSaturated, type Postings } from './postings.ts'
import { probabilityOf } from './probability.ts'
import { createSeededRandom } from './random.ts'

/** Estimate of the share of all matches that blocking finds. */
export interface Completeness {
  /** Expected matches among the candidate pairs. */
  matches: number
  /** Expected matches that share no usable key. */
  missed: number
  /** Pairs completeness: `matches` as a share of `matches + missed`, 0 to 1. */
  share: number
}

/** Approximate number of candidate pairs examined; beyond it, records are sampled. */
const PAIRS_MAX = 60_000
/** Pairs with a lower match probability are ignored: they add almost nothing. */
const PROBABILITY_MIN = 0.01
/** With fewer matches there is no estimate. */
const MATCHES_MIN = 30
/**
 * No estimate either if more than this share of matches is found by one kind of key alone: then
 * there is nothing to recapture them by.
 */
const ONCE_SHARE_MAX = 0.5
/** Lower bound of the estimate: missed matches count as at most as many as found ones. */
const SHARE_MIN = 0.5

/**
 * Estimates pairs completeness by capture and recapture over the kinds of blocking keys (exact
 * identifier, name with postcode, day of birth ...). A pair counts by its probability among the
 * counterparts of its two records: variants of a product, or a household, are mostly found by one
 * kind of key, and would count as many missed matches. Returns null if there is too little data.
 */
export function estimateCompleteness(
  engine: Engine,
  features: FeatureReader,
  postings: Postings,
  candidatePairs: number,
  seed: number,
): Completeness | null {
  const sampled = Math.min(1, PAIRS_MAX / Math.max(1, candidatePairs))
  const usable = (record: number) =>
    engine.keys(features.at(record)).filter((key) => !isSaturated(postings, key))
  const allKinds = new Set<string>()
  /** Matches that are found by 0, 1, 2 ... kinds of keys. */
  const foundBy: number[] = [0, 0, 0, 0, 0]
  let matches = 0
  for (const { a, b, probability } of likelyPairs(engine, features, postings, sampled, seed)) {
    const own = new Set(usable(a))
    const kinds = new Set<string>()
    for (const key of usable(b)) if (own.has(key)) kinds.add(key.slice(0, key.indexOf(':')))
    for (const kind of kinds) allKinds.add(kind)
    matches += probability
    foundBy[kinds.size] = (foundBy[kinds.size] ?? 0) + probability
  }
  if (matches < MATCHES_MIN || foundBy[1]! > ONCE_SHARE_MAX * matches) return null
  const share = Math.max(SHARE_MIN, matches / (matches + missedBy(allKinds.size, foundBy)))
  return { matches: matches / sampled, missed: (matches / share - matches) / sampled, share }
}

/**
 * Returns how many matches none of t kinds finds, from those that one, two, three and four find (f1
 * to f4). The first term is Chao's estimator in its bias-corrected form, a lower bound if some
 * pairs are easier to find than others (A. Chao, Biometrics 43, 1987). The second is what it misses
 * then at least: kinds that share a value (a date of birth) find the same pairs (C.-H. Chiu et al.,
 * iChao2, Biometrics 70, 2014).
 */
function missedBy(t: number, [, f1, f2, f3, f4]: readonly number[]): number {
  const chao = (((t - 1) / t) * f1! * (f1! - 1)) / (2 * (f2! + 1))
  if (t <= 3) return Math.max(0, chao)
  const ratio = f3! / Math.max(1, f4!)
  const more = ((t - 3) / (4 * t)) * ratio * (f1! - ((t - 3) / (2 * (t - 1))) * f2! * ratio)
  return Math.max(0, chao) + Math.max(0, more)
}

interface LikelyPair extends CompetingPair {
  probability: number
}

/**
 * Draws a share of the records with their candidates. Returns the pairs that may be matches, with
 * their probabilities; where sources hold a thing once, among all counterparts of their records.
 */
function likelyPairs(
  engine: Engine,
  features: FeatureReader,
  postings: Postings,
  sampled: number,
  seed: number,
): LikelyPair[] {
  const random = createSeededRandom(seed + 3)
  const stamp = new Uint32Array(features.length)
  const weights = new Map<number, number>()
  const pairs: (CompetingPair & { weight: number })[] = []
  const add = (i: number, j: number) => {
    const [a, b] = i < j ? [i, j] : [j, i]
    const [one, other] = [features.at(a), features.at(b)]
    if (one.s === other.s && engine.isUniqueSource(one.s)) return
    const code = a * features.length + b
    if (weights.has(code)) return
    const weight = engine.weight(one, other)
    weights.set(code, weight)
    if (probabilityOf(weight) >= PROBABILITY_MIN)
      pairs.push({ a, b, sourceA: one.s, sourceB: other.s, weight })
  }
  for (let i = 0; i < features.length; i++)
    if (sampled === 1 || random() < sampled) forEachCandidate(postings, i, stamp, (j) => add(i, j))
  const drawn = pairs.length
  const competes = ({ sourceA, sourceB }: CompetingPair) =>
    engine.competes(sourceA) && engine.competes(sourceB)
  if (sampled < 1) {
    // Counterparts of the drawn records that were not drawn themselves.
    stamp.fill(0)
    const records = new Set(pairs.filter(competes).flatMap(({ a, b }) => [a, b]))
    for (const i of records) forEachCandidate(postings, i, stamp, (j) => add(i, j), -1)
  }
  const rivals = pairs.filter(competes)
  const odds = new OneToOne(rivals).compete(rivals.map((p) => p.weight + engine.oneToOneWeight))
  const oneToOne = new Map(rivals.map((pair, at) => [pair, odds[at]!]))
  return pairs
    .slice(0, drawn)
    .map((pair) => ({ ...pair, probability: probabilityOf(oneToOne.get(pair) ?? pair.weight) }))
}
