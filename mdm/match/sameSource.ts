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
 * two sources; 0 if it is hardly less. Both shares are sums of the model's own probabilities over
 * candidate pairs. Pairs within a source use the weight found so far, until it converges
 * (expectation maximisation of this one prior). One extra match is counted, so that no match seen
 * does not mean never.
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
  const same: number[] = []
  let matchesOther = 0
  for (let i = 0; i < features.length; i++) {
    if (share < 1 && random() >= share) continue
    const a = features[i]!
    forEachCandidate(postings, i, stamp, (j) => {
      const b = features[j]!
      if (a.s !== b.s) matchesOther += probability(engine.weight(a, b))
      else if (!engine.isUniqueSource(a.s)) same.push(engine.weight(a, b))
    })
  }
  if (matchesOther < MATCHES_MIN) return 0
  let weight = 0
  for (let round = 0; round < ROUNDS; round++) {
    const matchesSame = same.reduce((sum, w) => sum + probability(w + weight), 1)
    weight = Math.min(0, Math.log2((matchesSame / inSame) * (inOther / matchesOther)))
  }
  return weight > -BITS_MIN ? 0 : weight
}

function probability(weight: number): number {
  return 1 / (1 + 2 ** -weight)
}
