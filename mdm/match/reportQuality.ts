import { counted, fixed, percent } from '../../schema/kit/numberText.ts'
import type { BatchResult } from './batch.ts'
import { createEngine, type PairScore } from './engine.ts'
import type { MatchType } from './plan.ts'
import { probabilityOf } from './probability.ts'
import { recordName } from './recordName.ts'
import type { MatchReport, ReportExample } from './report.ts'
import type { ScoredPair } from './scoredPair.ts'
import { spread } from './spread.ts'

/** How far a result can be trusted, as the model itself expects it. */
export interface MatchQuality {
  training: TrainingHealth
  /** Expected precision and recall of the pairs of one cluster. */
  expected: Expected
  /** The same for pairs from a weight on, before constraints. */
  thresholds: (Expected & { weight: number; probability: number })[]
  /** Contribution of each column, the largest first. */
  contributions: Contribution[]
  /** Linked pairs nearest to the threshold, whatever became of them. */
  doubtful: ReportExample[]
}

export interface TrainingHealth {
  /** False for a model that was given. */
  isTrained: boolean
  records: number
  candidatePairs: number
  /** Sum of the probabilities of all linked pairs. */
  expectedMatches: number
  /** Share of the records that share a cluster with another one. */
  matchedRecords: number
  /**
   * Share of the linked pairs on which the shipped levels decide the same; null without linked
   * pairs.
   */
  agreement: number | null
  /** Reasons against trusting the model, in sentences; empty if there are none. */
  warnings: string[]
}

export interface Expected {
  pairs: number
  /** Mean probability of the pairs; null without pairs. */
  precision: number | null
  /** Their share of all expected matches, those that blocking misses included. */
  recall: number | null
}

export interface Contribution {
  field: string
  name: string
  /** Average bits in pairs of one cluster, and in linked pairs that are not of one. */
  bitsInMatches: number
  bitsInOthers: number
  /** Share of the pairs of one cluster in which the column speaks for a match. */
  supports: number
  /** Share of the pairs over the threshold that would be under it without the column. */
  decides: number
}

/** Pairs that are compared again for a figure, spread over all linked pairs. */
const SAMPLE_PAIRS_MAX = 2_000
const DOUBTFUL_MAX = 10
const AGREEMENT_MIN = 0.85
const COMPLETENESS_MIN = 0.9
/** More pairs over the threshold than this share that are refused: the model calls too much alike. */
const REFUSED_SHARE_MAX = 0.2
/** Beyond it a weight speaks for a match or against one, and is not near zero by chance. */
const INVERTED_BITS = 0.5
/** From this share on a cluster is more likely a chain than a thing. */
const CLUSTER_SHARE_MAX = 0.05
const CLUSTER_RECORDS_MIN = 50
/** Weights from which on the pairs are counted, relative to the threshold. */
const STEPS = [-2, -1, 0, 1, 2, 3, 5, 7, 10, 15, 20]

/**
 * Returns what the model expects of its own result. The figures are as right as its probabilities;
 * labels measure them.
 */
export function reportQuality(type: MatchType, result: BatchResult): MatchQuality {
  const { engine, pairs, clusterOf, features, stats } = result
  const isOne = ({ a, b }: ScoredPair) => clusterOf[a] === clusterOf[b]
  const expectedMatches = sum(pairs)
  const all =
    Math.max(expectedMatches, result.training?.completeness?.matches ?? 0) /
    (stats.pairsCompleteness ?? 1)
  const expected = (list: readonly ScoredPair[]): Expected => ({
    pairs: list.length,
    precision: list.length > 0 ? sum(list) / list.length : null,
    recall: all > 0 ? Math.min(1, sum(list) / all) : null,
  })
  const { matchWeightMin } = engine
  const scores = (list: readonly ScoredPair[]) =>
    spread(list, SAMPLE_PAIRS_MAX).map(({ a, b }) => engine.compare(features.at(a), features.at(b)))
  return {
    training: trainingHealth(type, result, expectedMatches),
    expected: expected(pairs.filter(isOne)),
    thresholds: STEPS.map((step) => {
      const weight = matchWeightMin + step
      return {
        weight,
        probability: probabilityOf(weight),
        ...expected(pairs.filter((pair) => pair.weight >= weight)),
      }
    }),
    contributions: contributionsOf(
      scores(pairs.filter(isOne)),
      scores(pairs.filter((pair) => !isOne(pair))),
      matchWeightMin,
    ),
    doubtful: doubtfulPairs(result),
  }
}

function trainingHealth(
  type: MatchType,
  result: BatchResult,
  expectedMatches: number,
): TrainingHealth {
  const { engine, training, pairs, clusterOf, features, stats } = result
  const sizes = new Map<number, number>()
  for (const cluster of clusterOf) sizes.set(cluster, (sizes.get(cluster) ?? 0) + 1)
  let [matched, largest] = [0, 0]
  for (const size of sizes.values()) {
    if (size > 1) matched += size
    largest = Math.max(largest, size)
  }
  // The shipped levels with the trained odds and frequencies: what training changed are the levels.
  const shipped = createEngine(type, { ...engine.parameters, levels: {} })
  const sample = spread(pairs, SAMPLE_PAIRS_MAX)
  const agreed = sample.filter(
    ({ a, b, weight }) =>
      weight >= engine.matchWeightMin ===
      shipped.weight(features.at(a), features.at(b)) >= engine.matchWeightMin,
  ).length
  const agreement = sample.length > 0 ? agreed / sample.length : null
  const over = pairs.filter((pair) => pair.weight >= engine.matchWeightMin)
  const refused = over.filter(({ a, b }) => clusterOf[a] !== clusterOf[b]).length
  const warnings: string[] = []
  const warn = (is: boolean, text: string) => {
    if (is) warnings.push(text)
  }
  const { shippedBecause } = stats
  if (shippedBecause !== null)
    warnings.push(`${shippedBecause.charAt(0).toUpperCase()}${shippedBecause.slice(1)}.`)
  warn(
    agreement !== null && agreement < AGREEMENT_MIN,
    `The trained levels and the shipped ones decide ${percent(1 - (agreement ?? 0))} of the linked pairs differently: look at the weights of the levels.`,
  )
  for (const { comparison, name, levels, weights, at } of engine.scorer.columns)
    for (const [i, level] of levels.entries()) {
      const [weight = 0, before = 0] = [weights[i], shipped.scorer.columns[at]?.weights[i]]
      warn(
        weight > INVERTED_BITS && before < -INVERTED_BITS,
        `${comparison.name}, ${name}: the level "${level.name}" speaks for a match by ${fixed(weight, 1)} bits; in the shipped model it speaks against one by ${fixed(-before, 1)}.`,
      )
    }
  warn(
    stats.pairsCompleteness === null,
    'How many matches were never compared cannot be estimated: there are too few, or one kind of key finds most of them. Recall counts compared pairs only.',
  )
  warn(
    stats.pairsCompleteness !== null && stats.pairsCompleteness < COMPLETENESS_MIN,
    `About ${percent(1 - (stats.pairsCompleteness ?? 1))} of the matches share no key and were never compared: compare more fields.`,
  )
  warn(
    over.length > 0 && refused / over.length > REFUSED_SHARE_MAX,
    `${percent(refused / Math.max(1, over.length))} of the pairs over the threshold are not one, because of a conflict or of another record that fits better.`,
  )
  warn(
    largest >= CLUSTER_RECORDS_MIN && largest > CLUSTER_SHARE_MAX * stats.records,
    `The largest cluster has ${counted(largest, 'record')}: a chain of similar records rather than one thing.`,
  )
  return {
    isTrained: training !== undefined,
    records: stats.records,
    candidatePairs: stats.candidatePairs,
    expectedMatches,
    matchedRecords: matched / Math.max(1, stats.records),
    agreement,
    warnings,
  }
}

function contributionsOf(
  matches: readonly PairScore[],
  others: readonly PairScore[],
  matchWeightMin: number,
): Contribution[] {
  const found = new Map<string, Contribution>()
  const columnOf = (field: string, name: string) => {
    const key = JSON.stringify([field, name])
    const known = found.get(key)
    if (known) return known
    const fresh = { field, name, bitsInMatches: 0, bitsInOthers: 0, supports: 0, decides: 0 }
    found.set(key, fresh)
    return fresh
  }
  for (const { weight, fields } of matches)
    for (const { field, dimension, weight: bits } of fields) {
      const column = columnOf(field, dimension)
      column.bitsInMatches += bits / matches.length
      if (bits > 0) column.supports += 1 / matches.length
      if (weight >= matchWeightMin && weight - bits < matchWeightMin)
        column.decides += 1 / matches.length
    }
  for (const { fields } of others)
    for (const { field, dimension, weight: bits } of fields)
      columnOf(field, dimension).bitsInOthers += bits / others.length
  return [...found.values()].sort((x, y) => y.bitsInMatches - x.bitsInMatches)
}

function doubtfulPairs({ engine, pairs, records, features, clusterOf }: BatchResult) {
  const distance = ({ weight }: ScoredPair) => Math.abs(weight - engine.matchWeightMin)
  return pairs
    .toSorted((x, y) => distance(x) - distance(y) || x.a - y.a || x.b - y.b)
    .slice(0, DOUBTFUL_MAX)
    .map(({ a, b }): ReportExample => {
      const shown = (i: number) => ({
        key: recordName(records[i]!.key),
        fields: records[i]!.fields,
      })
      return {
        title: clusterOf[a] === clusterOf[b] ? 'In one cluster' : 'In two clusters',
        a: shown(a),
        b: shown(b),
        comparison: engine.compare(features.at(a), features.at(b)),
      }
    })
}

function sum(pairs: readonly ScoredPair[]): number {
  let probability = 0
  for (const { weight } of pairs) probability += probabilityOf(weight)
  return probability
}

/** A report with what the model expects of its result. */
export interface QualityReport extends MatchReport {
  quality: MatchQuality
}
