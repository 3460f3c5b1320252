import { DisjointSet } from '../../schema/kit/disjointSet.ts'
import { estimateCompleteness } from './completeness.ts'
import { whyShipped } from './drift.ts'
import {
  createEngine,
  type Edge,
  type Engine,
  type Features,
  type MatchRecord,
  UNDER_THRESHOLD,
} from './engine.ts'
import type { Parameters } from './parameters.ts'
import type { MatchType } from './plan.ts'
import { buildPostings, forEachCandidate, POSTINGS_RECORDS_MAX, type Postings } from './postings.ts'
import { type Training, type TrainOptions, train } from './train.ts'

/** A pair of records with its weight. `a` and `b` are indexes into the sorted list of records. */
export interface ScoredPair {
  a: number
  b: number
  weight: number
}

/** Two similar records in two clusters, and why they are not one. */
export interface PossiblePair extends ScoredPair {
  reason: string
}

/** Clusters and pairs that a batch found, with its statistics. */
export interface BatchResult {
  engine: Engine
  training: Training | undefined
  /** Records in the order of their keys; `clusterOf` and pairs hold indexes into this list. */
  records: readonly MatchRecord[]
  features: readonly Features[]
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
  features: readonly Features[]
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
      (i) => batch.features[i]!,
      batch.postings,
      from,
      to,
      stamp,
      found,
    )
  }
  batch.seconds.compare = (performance.now() - started) / 1000
  return finishBatch(batch, found, candidatePairs, options)
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
  return options.parameters
    ? blockBatch(batch)
    : trainedBatch(batch, train(type, batch.features, options))
}

/** A batch whose records are standardised, their bits still zero. */
export interface StandardisedBatch {
  parser: Engine
  records: readonly MatchRecord[]
  features: readonly Features[]
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
  const features = records.map((record, i) => {
    if (i % 10_000 === 0) progress?.('standardise', i / records.length)
    const feature = parser.parse(record)
    if (options.forgetFields)
      records[i] = { key: record.key, source: record.source, fields: NO_FIELDS }
    return feature
  })
  lap('standardise')
  if (!options.parameters) progress?.('train', 0)
  return { parser, records, features, seconds, lap }
}

/** Blocks a batch under the model of its parser. */
export function blockBatch({
  parser,
  records,
  features,
  seconds,
  lap,
}: StandardisedBatch): PreparedBatch {
  for (const feature of features) parser.reweigh(feature)
  const postings = buildPostings(
    records.length,
    (i) => parser.keys(features[i]!),
    parser.blockRecordsMax,
  )
  lap('block')
  return { engine: parser, training: undefined, records, features, postings, seconds }
}

/** Returns a batch with the model that was trained on its features. */
export function trainedBatch(
  { records, features, seconds, lap }: StandardisedBatch,
  training: Training,
): PreparedBatch {
  lap('train')
  const { engine, postings } = training
  return { engine, training, records, features, postings, seconds }
}

/**
 * Compares records `from` to `to` (exclusive) with their candidates of a higher index and adds the
 * found pairs to `found`. Returns the number of pairs compared. `stamp` is scratch with one entry a
 * record, for one caller only.
 */
export function compareRange(
  engine: Engine,
  features: (record: number) => Features,
  postings: Postings,
  from: number,
  to: number,
  stamp: Uint32Array,
  found: FoundPairs,
): number {
  let pairs = 0
  for (let i = from; i < to; i++) {
    const a = features(i)
    forEachCandidate(postings, i, stamp, (j) => {
      pairs++
      const b = features(j)
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

/** Second half of a batch: clusters the linked records. */
export function finishBatch(
  batch: PreparedBatch,
  { links: pairs, related }: FoundPairs,
  candidatePairs: number,
  options: BatchOptions,
): BatchResult {
  const { engine, records, features, postings, seconds, training } = batch
  options.progress?.('cluster', 0)
  const started = performance.now()
  const { clusterOf, clusters, possible, largestComponent } = clusterAll(
    engine,
    records,
    features,
    pairs,
  )
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
      largestComponent,
      seconds,
    },
  }
}

/** Finds connected components over edges that can join, and clusters each component alone. */
function clusterAll(
  engine: Engine,
  records: readonly MatchRecord[],
  features: readonly Features[],
  pairs: readonly ScoredPair[],
) {
  const n = records.length
  const sets = new DisjointSet(n)
  const strong = pairs.filter((pair) => engine.canJoin(pair.weight))
  for (const { a, b } of strong) sets.unite(a, b)
  const members = new Map<number, number[]>()
  const edges = new Map<number, ScoredPair[]>()
  for (const pair of strong) {
    const root = sets.find(pair.a)
    const list = edges.get(root)
    if (list) list.push(pair)
    else edges.set(root, [pair])
  }
  const clusterOf = new Int32Array(n).fill(-1)
  for (let i = 0; i < n; i++) {
    const root = sets.find(i)
    if (!edges.has(root)) continue
    const list = members.get(root)
    if (list) list.push(i)
    else members.set(root, [i])
  }
  const place = new Map<string, number>()
  const groups: number[][] = []
  const possible: PossiblePair[] = []
  let largestComponent = n > 0 ? 1 : 0
  for (const [root, list] of members) {
    largestComponent = Math.max(largestComponent, list.length)
    place.clear()
    for (const i of list) place.set(records[i]!.key, i)
    const found = engine.cluster(
      list.map((i) => ({
        key: records[i]!.key,
        source: records[i]!.source,
        features: features[i]!,
      })),
      edges.get(root)!.map(
        (pair): Edge => ({
          a: records[pair.a]!.key,
          b: records[pair.b]!.key,
          weight: pair.weight,
        }),
      ),
      [],
    )
    for (const keys of found.clusters) groups.push(keys.map((key) => place.get(key)!))
    for (const { a, b, weight, reason } of found.possible)
      possible.push({ a: place.get(a)!, b: place.get(b)!, weight, reason })
  }
  for (let i = 0; i < n; i++) if (!edges.has(sets.find(i))) groups.push([i])
  groups.sort((x, y) => x[0]! - y[0]!)
  for (const [number, group] of groups.entries()) for (const i of group) clusterOf[i] = number
  for (const { a, b, weight } of pairs)
    if (clusterOf[a] !== clusterOf[b] && !engine.canJoin(weight))
      possible.push({ a, b, weight, reason: UNDER_THRESHOLD })
  return { clusterOf, clusters: groups.length, possible, largestComponent }
}
