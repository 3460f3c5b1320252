import { count, counted, percent } from '../../schema/kit/numberText.ts'
import type { Estimate } from './estimate.ts'
import type { Vectors } from './vectors.ts'

/** With fewer records the shipped levels are better than trained ones: a few odd pairs move them. */
export const TRAINING_RECORDS_MIN = 500
/** Records with more than this many matches on average are a crowd, not one thing. */
const MATCHES_PER_RECORD_MAX = 5
/** If more matches than this lose against a better counterpart, "match" means "related". */
const LOST_SHARE_MAX = 0.5
/** With less agreement than this, the two models speak of different things. */
const AGREEMENT_MIN = 0.5

/**
 * Returns why a trained model is not to be used; undefined if it may be. Training without labels can
 * end with a model that finds related things: those of one brand, street or author.
 */
export function findDrift(
  trained: Estimate,
  shipped: Estimate,
  candidates: Vectors,
  records: number,
): string | undefined {
  const [matches, agreement] = compareMatches(trained, shipped, candidates)
  if (matches > MATCHES_PER_RECORD_MAX * records)
    return `a record has ${(matches / records).toFixed(1)} matches on average`
  if (trained.lostShare > LOST_SHARE_MAX)
    return `${percent(trained.lostShare, 0)} of the matches have a better counterpart in a unique source`
  if (agreement < AGREEMENT_MIN)
    return `the trained and the shipped model agree on ${percent(agreement, 0)} of the matches`
  return undefined
}

/**
 * Returns why the shipped levels are used after training; undefined if the trained ones are.
 * @param drift the result of `findDrift`
 */
export function whyShipped(records: number, drift: string | undefined): string | undefined {
  if (records < TRAINING_RECORDS_MIN)
    return `${counted(records, 'record teaches', 'records teach')} too little (${count(TRAINING_RECORDS_MIN)} at least); the shipped levels are used`
  return drift && `training drifted: ${drift}; the shipped levels are used`
}

/**
 * Returns the number of matches that the trained model expects, and which share of the matches of
 * either model is a match of both.
 */
function compareMatches(
  trained: Estimate,
  shipped: Estimate,
  candidates: Vectors,
): [matches: number, agreement: number] {
  let [matches, both, either] = [0, 0, 0]
  for (let row = 0; row < candidates.length; row++) {
    const count = candidates.counts[row]!
    const [p, q] = [trained.probabilities[row]!, shipped.probabilities[row]!]
    matches += count * p
    both += count * Math.min(p, q)
    either += count * Math.max(p, q)
  }
  return [matches, either > 0 ? both / either : 1]
}
