import type { Engine } from './engine.ts'
import type { FeatureReader } from './packedFeatures.ts'
import { forEachCandidate, type Postings } from './postings.ts'
import { createSeededRandom } from './random.ts'

/** Approximate number of candidate pairs examined; beyond it, records are sampled. */
const PAIRS_MAX = 60_000
/** With fewer matches between sources there is no estimate for pairs within one. */
const MATCHES_MIN = 30
/**
 * A record with more matches than this in each other source is one of a crowd: many things of one
 * name. Which of them are one thing is unknown, so it shows nothing.
 */
const MATCHES_PER_SOURCE_MAX = 2.5
/** A weight of fewer bits counts as none: both shares are estimates. */
const BITS_MIN = 1

/**
 * Returns the bits that a pair of one source loses, because a source rarely holds a thing twice: log2
 * of the odds of a match within a source over those between two; 0 if they are hardly less.
 * A record that has its match in another source shows it. If its own source had the thing twice, that
 * record would be nearer than the match in every second case; related things are less near, however
 * many they are. One extra duplicate is counted, so that none seen does not mean never.
 */
export function sameSourceWeight(
  engine: Engine,
  features: FeatureReader,
  postings: Postings,
  candidatePairs: number,
  seed: number,
): number {
  const counts = features.countBySource()
  const pairsOf = (n: number) => (n * (n - 1)) / 2
  const within = [...counts].filter(([source]) => !engine.isUniqueSource(source))
  const inSame = within.reduce((sum, [, n]) => sum + pairsOf(n), 0)
  const inOther =
    pairsOf(features.length) - [...counts.values()].reduce((sum, n) => sum + pairsOf(n), 0)
  if (inSame === 0 || inOther === 0) return 0

  const share = Math.min(1, PAIRS_MAX / Math.max(1, candidatePairs))
  const random = createSeededRandom(seed + 2)
  const stamp = new Uint32Array(features.length)
  const bestSame = new Float64Array(features.length).fill(Number.NEGATIVE_INFINITY)
  const bestOther = bestSame.slice()
  const matchesOther = new Float64Array(features.length)
  for (let i = 0; i < features.length; i++) {
    if (share < 1 && random() >= share) continue
    const a = features.at(i)
    forEachCandidate(postings, i, stamp, (j) => {
      const b = features.at(j)
      if (a.s === b.s && engine.isUniqueSource(a.s)) return
      const best = a.s === b.s ? bestSame : bestOther
      const weight = engine.weight(a, b)
      best[i] = Math.max(best[i]!, weight)
      best[j] = Math.max(best[j]!, weight)
      if (a.s === b.s) return
      matchesOther[i]! += probability(weight)
      matchesOther[j]! += probability(weight)
    })
  }
  let [matched, twice] = [0, 1]
  for (const [i, other] of bestOther.entries()) {
    if (engine.isUniqueSource(features.sourceOf(i))) continue
    if (matchesOther[i]! > MATCHES_PER_SOURCE_MAX * (counts.size - 1)) continue
    matched += probability(other)
    const same = bestSame[i]!
    if (same >= other) twice += (same > other ? 2 : 1) * probability(other)
  }
  if (matched < 2 * MATCHES_MIN) return 0
  const weight = Math.min(0, Math.log2((twice / matched) * (inOther / inSame)))
  return weight > -BITS_MIN ? 0 : weight
}

function probability(weight: number): number {
  return 1 / (1 + 2 ** -weight)
}
