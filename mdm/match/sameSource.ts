import type { Engine, Features } from './engine.ts'
import { forEachCandidate, type Postings } from './postings.ts'
import { createSeededRandom } from './random.ts'

/** Approximate number of candidate pairs examined; beyond it, records are sampled. */
const PAIRS_MAX = 60_000
/** With fewer matches between sources there is no estimate for pairs within one. */
const MATCHES_MIN = 30
const ROUNDS = 50
/** A weight of fewer bits counts as none: both shares are estimates. */
const BITS_MIN = 1

/**
 * Returns the bits that a pair of one source loses, because a source rarely holds a thing twice.
 * That is log2 of the share of its pairs that are matches over the share of matches among pairs of
 * two sources; 0 if it is hardly less. Both are counted by records that have a match, not by pairs:
 * things of one name make a crowd of pairs, and their number says nothing of duplicates. A record
 * counts by its most likely match, under the model's own probabilities. Pairs within a source use
 * the weight found so far, until it converges (expectation maximisation of this one prior). One
 * extra match is counted, so that no match seen does not mean never.
 */
export function sameSourceWeight(
  engine: Engine,
  features: readonly Features[],
  postings: Postings,
  candidatePairs: number,
  seed: number,
): number {
  const counts = new Map<string, number>()
  for (const { s } of features) counts.set(s, (counts.get(s) ?? 0) + 1)
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
  for (let i = 0; i < features.length; i++) {
    if (share < 1 && random() >= share) continue
    const a = features[i]!
    forEachCandidate(postings, i, stamp, (j) => {
      const b = features[j]!
      if (a.s === b.s && engine.isUniqueSource(a.s)) return
      const best = a.s === b.s ? bestSame : bestOther
      const weight = engine.weight(a, b)
      best[i] = Math.max(best[i]!, weight)
      best[j] = Math.max(best[j]!, weight)
    })
  }
  const matched = (best: Float64Array, weight: number) =>
    best.reduce((sum, w) => sum + probability(w + weight), 0) / 2
  const matchesOther = matched(bestOther, 0)
  if (matchesOther < MATCHES_MIN) return 0
  let weight = 0
  for (let round = 0; round < ROUNDS; round++)
    weight = Math.min(
      0,
      Math.log2(((matched(bestSame, weight) + 1) / inSame) * (inOther / matchesOther)),
    )
  return weight > -BITS_MIN ? 0 : weight
}

function probability(weight: number): number {
  return 1 / (1 + 2 ** -weight)
}
