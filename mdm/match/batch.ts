import { blockRecords } from './blockRecords.ts'
import { estimateCompleteness } from './completeness.ts'
import { type Components, clusterComponents, findComponents } from './components.ts'
import { whyShipped } from './drift.ts'
import { createEngine, type Engine, type MatchRecord, UNDER_THRESHOLD } from './engine.ts'
import { FeatureReader, type PackedFeatures, packFeatures, sharedUint32 } from './packedFeatures.ts'
import type { Parameters } from './parameters.ts'
import type { MatchType } from './plan.ts'
import { forEachCandidate, POSTINGS_RECORDS_MAX, type Postings } from './postings.ts'
import type { PossiblePair, ScoredPair } from './scoredPair.ts'
import { type Training, type TrainOptions, train } from './train.ts'

/** Clusters and pairs that a batch found, with its statistics. */
export interface BatchResult {
  engine: Engine
  training: Training | undefined
  /** Records in the order of their keys; `clusterOf` and pairs hold indexes into this list. */
  records: readonly MatchRecord[]
  features: FeatureReader
  clusterOf: Int32Array
  clusters: number
  pairs: ScoredPair[]
  /** Possible matches. */
  possible: PossiblePair[]
  /**
   * Candidates that are not linked and are more likely related than random; `weight` is
   * `relatedWeight`. Empty unless `related` is set.
   */
  related: ScoredPair[]
  stats: BatchStats
}
export interface BatchStats {
  records: number
  keys: number
  saturatedKeys: number
  largestBlock: number
  /** Records all of whose shared keys are saturated; they were compared with no other record. */
  crowdedRecords: number
  candidatePairs: number
  /**
   * Estimated share of all matches that are among the candidate pairs; null if it cannot be
   * estimated.
   */
  pairsCompleteness: number | null
  /** Why the shipped levels are used after training; null if they are not. */
  shippedBecause: string | null
  edges: number
  largestComponent: number
  seconds: Record<string, number>
}

export interface BatchOptions extends TrainOptions {
  /**
   * Frees the memory of fields once they are standardised: empties the input array, and records of
   * the result have no fields, so reports show none. For very large inputs.
   */
  forgetFields?: boolean
  /** A trained model; without it the batch trains on its own records. */
  parameters?: Parameters
  /** Also find related pairs; each takes memory. */
  related?: boolean
  /** Called with the current stage and its progress, 0 to 1. */
  progress?: (stage: string, share: number) => void
}

/** A batch with standardised records, a trained model and known candidates. */
export interface PreparedBatch {
  engine: Engine
  training: Training | undefined
  records: readonly MatchRecord[]
  features: FeatureReader
  postings: Postings
  seconds: Record<string, number>
}

/**
 * Matches all records. Features, candidates, comparison and clustering are those of the live
 * engine, so the outcome is the same. Records are sorted by key first, so the result does not
 * depend on their order in the input.
 */
export function matchBatch(
  type: MatchType,
  input: MatchRecord[],
  options: BatchOptions = {},
): BatchResult {
  const batch = prepareBatch(type, input, options)
  const started = performance.now()
  const found = createFoundPairs(options)
  const stamp = new Uint32Array(batch.records.length)
  let candidatePairs = 0
  for (let from = 0; from < batch.records.length; from += COMPARE_RECORDS) {
    options.progress?.('compare', from / batch.records.length)
    const to = Math.min(from + COMPARE_RECORDS, batch.records.length)
    candidatePairs += compareRange(
      batch.engine,
      batch.features,
      batch.postings,
      from,
      to,
      stamp,
      found,
    )
  }
  batch.seconds.compare = (performance.now() - started) / 1000
  const begun = beginClustering(batch, found.links)
  const { engine, features } = batch
  const { components, firstOf } = begun
  const possible = clusterComponents(engine, features, components, 0, components.count, firstOf)
  return finishBatch(batch, begun, possible, found, candidatePairs, options)
}

/** Collects the pairs that comparison finds. */
export interface FoundPairs {
  links: ScoredPair[]
  /** Null unless related pairs were requested. */
  related: ScoredPair[] | null
}

export function createFoundPairs(options: BatchOptions): FoundPairs {
  return { links: [], related: options.related ? [] : null }
}

/** Records compared between two progress reports, and as one piece of a thread's work. */
export const COMPARE_RECORDS = 2000

const NO_FIELDS = {}

/** First half of a batch: standardises the records, trains unless a model is passed, and blocks. */
export function prepareBatch(
  type: MatchType,
  input: MatchRecord[],
  options: BatchOptions,
): PreparedBatch {
  const batch = standardiseBatch(type, input, options)
  if (!options.parameters) return trainedBatch(batch, train(type, batch.features, options))
  const features = new FeatureReader(batch.features, batch.parser)
  return blockedBatch(batch, features, blockRecords(batch.parser, features))
}

/** A batch whose records are standardised. */
export interface StandardisedBatch {
  parser: Engine
  records: readonly MatchRecord[]
  features: PackedFeatures
  seconds: Record<string, number>
  /** Notes the seconds since the last stage ended. */
  lap(stage: string): void
}

export function standardiseBatch(
  type: MatchType,
  input: MatchRecord[],
  options: BatchOptions,
): StandardisedBatch {
  if (input.length > POSTINGS_RECORDS_MAX)
    throw new Error(
      `${input.length} records; one run takes at most ${POSTINGS_RECORDS_MAX}: split them by country or region`,
    )
  const { progress } = options
  const seconds: Record<string, number> = {}
  let since = performance.now()
  const lap = (stage: string) => {
    const now = performance.now()
    // dictionary: stages are those below
    seconds[stage] = (now - since) / 1000
    since = now
  }
  const records = [...input].sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
  const parser = createEngine(type, options.parameters)
  if (options.forgetFields) input.length = 0
  const features = packFeatures(records.length, parser.comparisons.length, (i) => {
    if (i % 10_000 === 0) progress?.('standardise', i / records.length)
    const record = records[i]!
    if (options.forgetFields)
      records[i] = { key: record.key, source: record.source, fields: NO_FIELDS }
    return parser.parse(record)
  })
  lap('standardise')
  if (!options.parameters) progress?.('train', 0)
  return { parser, records, features, seconds, lap }
}

/** Returns a batch with the given model, that of its parser. */
export function blockedBatch(
  { parser, records, seconds, lap }: StandardisedBatch,
  features: FeatureReader,
  postings: Postings,
): PreparedBatch {
  lap('block')
  return { engine: parser, training: undefined, records, features, postings, seconds }
}

/** Returns a batch with the model that was trained on its features. */
export function trainedBatch(
  { records, seconds, lap }: StandardisedBatch,
  training: Training,
): PreparedBatch {
  lap('train')
  const { engine, features, postings } = training
  return { engine, training, records, features, postings, seconds }
}

/**
 * Compares records `from` to `to` (exclusive) with their candidates of a higher index and adds the
 * found pairs to `found`. Returns the number of pairs compared. `stamp` is scratch with one entry a
 * record, for one caller only.
 */
export function compareRange(
  engine: Engine,
  features: FeatureReader,
  postings: Postings,
  from: number,
  to: number,
  stamp: Uint32Array,
  found: FoundPairs,
): number {
  let pairs = 0
  for (let i = from; i < to; i++) {
    const a = features.at(i)
    forEachCandidate(postings, i, stamp, (j) => {
      pairs++
      const b = features.at(j)
      const weight = engine.link(a, b)
      if (weight !== null) found.links.push({ a: i, b: j, weight })
      else if (found.related) {
        const related = engine.relatedWeight(a, b)
        if (related >= 0) found.related.push({ a: i, b: j, weight: related })
      }
    })
  }
  return pairs
}

/** Components to be clustered, and the first record of each record's cluster, in shared memory. */
export interface BegunClustering {
  components: Components
  firstOf: Uint32Array
  started: number
}

/** Finds connected components over edges that can join; `clusterComponents` clusters each alone. */
export function beginClustering(
  { engine, records }: PreparedBatch,
  pairs: readonly ScoredPair[],
): BegunClustering {
  const started = performance.now()
  const components = findComponents(
    records.length,
    pairs.filter(({ weight }) => engine.canJoin(weight)),
  )
  const firstOf = sharedUint32(records.length)
  for (let i = 0; i < records.length; i++) firstOf[i] = i
  return { components, firstOf, started }
}

/** Last part of a batch: the outcome of its clustering. */
export function finishBatch(
  batch: PreparedBatch,
  { components, firstOf, started }: BegunClustering,
  possible: PossiblePair[],
  { links: pairs, related }: FoundPairs,
  candidatePairs: number,
  options: BatchOptions,
): BatchResult {
  const { engine, records, features, postings, seconds, training } = batch
  const clusterOf = new Int32Array(records.length)
  let clusters = 0
  for (const [i, first] of firstOf.entries())
    clusterOf[i] = first === i ? clusters++ : clusterOf[first]!
  for (const { a, b, weight } of pairs)
    if (clusterOf[a] !== clusterOf[b] && !engine.canJoin(weight))
      possible.push({ a, b, weight, reason: UNDER_THRESHOLD })
  const completeness = training
    ? training.completeness
    : estimateCompleteness(engine, features, postings, candidatePairs, options.seed ?? 1)
  seconds.cluster = (performance.now() - started) / 1000
  return {
    engine,
    training,
    records,
    features,
    clusterOf,
    clusters,
    pairs,
    possible,
    // Two records may join one cluster through others, which the pair alone does not show.
    related: related?.filter(({ a, b }) => clusterOf[a] !== clusterOf[b]) ?? [],
    stats: {
      records: records.length,
      keys: postings.keys,
      saturatedKeys: postings.saturated.length,
      largestBlock: postings.largestBlock,
      crowdedRecords: postings.crowded,
      candidatePairs,
      pairsCompleteness: completeness?.share ?? null,
      shippedBecause: (training && whyShipped(records.length, training.drift)) ?? null,
      edges: pairs.length,
      largestComponent: components.largest,
      seconds,
    },
  }
}
