import type { Engine, Features } from './engine.ts'
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
 * identifier, name with postcode, day of birth ...). The matches that only one kind finds, f1, and
 * that two kinds find, f2, show how many no kind finds. Chao's estimator in its bias-corrected
 * form, f1 (f1 - 1) / (2 (f2 + 1)), is a lower bound if some pairs are easier to find than others
 * (A. Chao, Scandinavian Journal of Statistics 11, 1984; Biometrics 43, 1987). A pair counts by its
 * probability. Returns null if there is too little data.
 */
export function estimateCompleteness(
  engine: Engine,
  features: readonly Features[],
  postings: Postings,
  candidatePairs: number,
  seed: number,
): Completeness | null {
  const sampled = Math.min(1, PAIRS_MAX / Math.max(1, candidatePairs))
  const random = createSeededRandom(seed + 3)
  const stamp = new Uint32Array(features.length)
  const usable = (record: number) =>
    engine.keys(features[record]!).filter((key) => !isSaturated(postings, key))
  let [matches, once, twice] = [0, 0, 0]
  for (let i = 0; i < features.length; i++) {
    if (sampled < 1 && random() >= sampled) continue
    const a = features[i]!
    let own: Set<string> | undefined
    forEachCandidate(postings, i, stamp, (j) => {
      const b = features[j]!
      if (a.s === b.s && engine.isUniqueSource(a.s)) return
      const probability = probabilityOf(engine.weight(a, b))
      if (probability < PROBABILITY_MIN) return
      own ??= new Set(usable(i))
      const kinds = new Set<string>()
      for (const key of usable(j)) if (own.has(key)) kinds.add(key.slice(0, key.indexOf(':')))
      matches += probability
      if (kinds.size === 1) once += probability
      if (kinds.size === 2) twice += probability
    })
  }
  if (matches < MATCHES_MIN || once > ONCE_SHARE_MAX * matches) return null
  const missed = Math.max(0, (once * (once - 1)) / (2 * (twice + 1)))
  const share = Math.max(SHARE_MIN, matches / (matches + missed))
  return { matches: matches / sampled, missed: (matches / share - matches) / sampled, share }
}
