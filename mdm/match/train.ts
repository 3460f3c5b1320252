import { blockRecords } from './blockRecords.ts'
import { type Completeness, estimateCompleteness } from './completeness.ts'
import { findDrift, TRAINING_RECORDS_MIN } from './drift.ts'
import { createEngine, type Engine } from './engine.ts'
import { type CompetingVectors, type Estimate, estimate } from './estimate.ts'
import { countValues, frequenciesOf } from './frequencies.ts'
import { type CompetingPair, OneToOne } from './oneToOne.ts'
import { FeatureReader, type PackedFeatures, recordsWith } from './packedFeatures.ts'
import {
  type Frequencies,
  levelsByName,
  type Parameters,
  priorParameters,
  RARELY_TWICE_BITS,
} from './parameters.ts'
import { type Comparison, type ComparisonKind, type MatchType, planComparisons } from './plan.ts'
import { forEachCandidate, type Postings } from './postings.ts'
import { createSeededRandom } from './random.ts'
import { countRandomPairs, drawRandomPairs, type RandomPairs } from './randomPairs.ts'
import { sameSourceWeight } from './sameSource.ts'
import { VectorCounter, type Vectors } from './vectors.ts'

export interface TrainOptions {
  seed?: number
  /** Upper bound of random pairs for u (all pairs if there are fewer). */
  randomPairsMax?: number
  /** Upper bound of candidate pairs for m; beyond it, records are sampled. */
  candidatePairsMax?: number
}

/** A trained model, the features it was trained on (with its bits) and what training found. */
export interface Training {
  parameters: Parameters
  engine: Engine
  features: FeatureReader
  postings: Postings
  estimate: Estimate
  /** Why the trained model is not used but the shipped one, with shares and frequencies trained. */
  drift: string | undefined
  completeness: Completeness | null
  candidatePairs: number
}

const RANDOM_PAIRS_MAX = 1_000_000
const CANDIDATE_PAIRS_MAX = 250_000

/** Counts the values of packed features and returns parameters with their frequency tables. */
function learnFrequencies(type: MatchType, { columns }: PackedFeatures): Parameters {
  const frequencies: [string, Record<string, Frequencies>][] = []
  for (const [index, comparison] of planComparisons(type).entries()) {
    const column = columns[index]!
    const tables = [...countValues(comparison.kind, column)].map(
      ([sort, counts]): [string, Frequencies] => [
        sort,
        frequenciesOf(sort, counts, recordsWith(column), comparison.kind === 'name'),
      ],
    )
    if (tables.length > 0) frequencies.push([comparison.name, Object.fromEntries(tables)])
  }
  return { ...priorParameters(type), frequencies: Object.fromEntries(frequencies) }
}

/**
 * Trains a model on records already parsed by an engine of the type (`Engine.parse`). Frequencies
 * come from all records, u from seeded random pairs, the rest from EM over the candidate pairs, and
 * the prior also from the matches that blocking misses.
 */
export function train(
  type: MatchType,
  features: PackedFeatures,
  options: TrainOptions = {},
): Training {
  const begun = beginTraining(type, features, options)
  const counter = new VectorCounter(begun.engine.scorer.columns)
  countRandomPairs(begun.engine, begun.pairs, 0, begun.pairs.a.length, counter)
  const postings = blockRecords(begun.engine, begun.features)
  return finishTraining(begun, findCandidateVectors(begun, postings), counter.vectors())
}

/** A training whose frequencies are known and whose random pairs are drawn. */
export interface BegunTraining {
  type: MatchType
  features: FeatureReader
  options: TrainOptions
  /** The parameters so far: shipped levels, and the frequencies of the records. */
  parameters: Parameters
  engine: Engine
  pairs: RandomPairs
}

/** First part of `train`: learns frequencies and draws the random pairs. */
export function beginTraining(
  type: MatchType,
  packed: PackedFeatures,
  options: TrainOptions,
): BegunTraining {
  const parameters = learnFrequencies(type, packed)
  const engine = createEngine(type, parameters)
  const features = new FeatureReader(packed, engine)
  const { seed = 1, randomPairsMax = RANDOM_PAIRS_MAX } = options
  const pairs = drawRandomPairs(features, randomPairsMax, seed)
  return { type, features, options, parameters, engine, pairs }
}

/** Blocks of the records, and the vectors of their candidate pairs. */
export interface CandidateVectors {
  postings: Postings
  vectors: Vectors
  pairs: number
  competing: CompetingVectors | undefined
}

/** Second part of `train`: compares candidates, independent of random pairs. */
export function findCandidateVectors(
  { features, options, engine }: BegunTraining,
  postings: Postings,
): CandidateVectors {
  const { seed = 1, candidatePairsMax = CANDIDATE_PAIRS_MAX } = options
  const { isUniqueSource } = engine
  const found = candidateVectors(
    engine,
    features,
    isUniqueSource,
    postings,
    candidatePairsMax,
    seed,
  )
  return { postings, ...found }
}

/** Last part of `train`: estimates the model. */
export function finishTraining(
  { type, features, options, parameters, engine: weighed }: BegunTraining,
  candidates: CandidateVectors,
  random: Vectors,
): Training {
  const { seed = 1, candidatePairsMax = CANDIDATE_PAIRS_MAX } = options
  const { postings } = candidates
  let fitted = fit(weighed, features, weighed.isUniqueSource, candidates, random)
  setModel(parameters, weighed, fitted.found)
  parameters.sameSourceWeight = sameSourceWeight(
    createEngine(type, parameters),
    features,
    postings,
    candidates.pairs,
    seed,
  )
  if (type.uniqueIn.length === 0 && parameters.sameSourceWeight <= RARELY_TWICE_BITS) {
    const isApart = () => true
    const across = candidateVectors(weighed, features, isApart, postings, candidatePairsMax, seed)
    fitted = fit(weighed, features, isApart, { postings, ...across }, random)
    setModel(parameters, weighed, fitted.found)
  }
  const { found, drift } = fitted
  // EM counts the matches that blocking finds; the missed ones belong to the odds of a match too.
  const engine = createEngine(type, parameters)
  const completeness = estimateCompleteness(engine, features, postings, candidates.pairs, seed)
  if (completeness) parameters.priorWeight -= Math.log2(completeness.share)
  parameters.trained = { records: features.length, pairs: candidates.pairs, seed }
  return {
    parameters,
    engine: createEngine(type, parameters),
    features,
    postings,
    estimate: found,
    drift,
    completeness,
    candidatePairs: candidates.pairs,
  }
}

/**
 * Estimates the model. `isApart`: sources within which a pair is no match, or hardly ever one. Their
 * pairs teach nothing, and between two of them counterparts compete.
 */
function fit(
  weighed: Engine,
  features: FeatureReader,
  isApart: (source: string) => boolean,
  candidates: CandidateVectors,
  random: Vectors,
): { found: Estimate; drift: string | undefined } {
  const given = {
    pairsInAll: pairsBetween(features, isApart),
    records: features.length,
    matchesGuess: guessMatches(features, isApart),
    views: viewsOf(weighed.comparisons, features),
    ...(candidates.competing ? { competing: candidates.competing } : {}),
  }
  const estimateWith = (shippedLevels: boolean) =>
    estimate(weighed.scorer.columns, candidates.vectors, random, { ...given, shippedLevels })
  const shipped = estimateWith(true)
  const trained = features.length < TRAINING_RECORDS_MIN ? shipped : estimateWith(false)
  const drift = findDrift(trained, shipped, candidates.vectors, features.length)
  return { found: drift === undefined ? trained : shipped, drift }
}

/** Sets the estimated levels and odds. */
function setModel(parameters: Parameters, weighed: Engine, found: Estimate): void {
  parameters.levels = levelsByName(
    weighed.scorer.columns.map(({ comparison, name, at }) => [
      comparison.name,
      name,
      { m: found.m[at]!, r: found.r[at]!, u: found.u[at]!, expected: found.expected[at]! },
    ]),
  )
  parameters.priorWeight = logOdds(found.matchShare)
  parameters.relatedWeight = logOdds(found.relatedShare)
  parameters.oneToOneWeight = found.oneToOneWeight
}

function logOdds(share: number): number {
  return Math.log2(share / (1 - share))
}

/**
 * Returns half the number of matches that there could be if no record had two: half of the records
 * have a match, and of unique sources the smaller ones have no more than they have records.
 */
function guessMatches(features: FeatureReader, isUnique: (source: string) => boolean): number {
  const counts = features.countBySource()
  const largest = [...counts.keys()].every(isUnique) ? Math.max(0, ...counts.values()) : 0
  return Math.max(1, features.length - largest) / 2
}

/** Returns the number of pairs of records that can be one thing. */
function pairsBetween(features: FeatureReader, sameSource: (source: string) => boolean): number {
  let pairs = (features.length * (features.length - 1)) / 2
  for (const [source, count] of features.countBySource())
    if (sameSource(source)) pairs -= (count * (count - 1)) / 2
  return Math.max(1, pairs)
}

function candidateVectors(
  engine: Engine,
  features: FeatureReader,
  sameSource: (source: string) => boolean,
  postings: Postings,
  pairsMax: number,
  seed: number,
): { vectors: Vectors; pairs: number; competing: CompetingVectors | undefined } {
  const counter = new VectorCounter(engine.scorer.columns)
  const stamp = new Uint32Array(features.length)
  let pairs = 0
  for (let i = 0; i < features.length; i++) forEachCandidate(postings, i, stamp, () => pairs++)
  // Every record is drawn or skipped as a whole; drawn records count several times to make up for
  // the skipped ones.
  const share = Math.min(1, pairsMax / Math.max(1, pairs))
  const random = createSeededRandom(seed + 1)
  stamp.fill(0)
  const competing: (CompetingPair & { vector: number })[] = []
  for (let i = 0; i < features.length; i++) {
    if (share < 1 && random() >= share) continue
    const a = features.at(i)
    forEachCandidate(postings, i, stamp, (j) => {
      const b = features.at(j)
      if (a.s === b.s && sameSource(a.s)) return
      const vector = counter.add(engine.scorer.levels(a.u, b.u), 1 / share)
      if (a.s !== b.s && sameSource(a.s) && sameSource(b.s))
        competing.push({ a: i, b: j, sourceA: a.s, sourceB: b.s, vector })
    })
  }
  const vectors = counter.vectors()
  return {
    vectors,
    pairs,
    competing:
      competing.length > 0 ? competingVectors(competing, vectors, features, 1 / share) : undefined,
  }
}

function competingVectors(
  pairs: readonly (CompetingPair & { vector: number })[],
  vectors: Vectors,
  features: FeatureReader,
  times: number,
): CompetingVectors {
  const counts = features.countBySource()
  const numbers = new Map<string, number>()
  const sources: (readonly [number, number])[] = []
  const numberOf = ({ sourceA, sourceB }: CompetingPair) => {
    const [x, y] = sourceA < sourceB ? [sourceA, sourceB] : [sourceB, sourceA]
    const key = JSON.stringify([x, y])
    const known = numbers.get(key)
    if (known !== undefined) return known
    sources.push([counts.get(x)!, counts.get(y)!])
    numbers.set(key, sources.length - 1)
    return sources.length - 1
  }
  return {
    oneToOne: new OneToOne(pairs),
    rows: Uint32Array.from(pairs, ({ vector }) => vectors.rowOf[vector]!),
    sourcePairs: Uint32Array.from(pairs, numberOf),
    sources,
    times,
  }
}

/** Independent views of a thing that each kind of comparison gives if every record has it. */
const VIEWS: Record<ComparisonKind, number> = {
  person: 1.5,
  name: 1,
  email: 1,
  phone: 1,
  domain: 0.5,
  address: 1.2,
  birth: 1,
  date: 0.4,
  identifier: 1,
  product: 1,
  text: 0.2,
  category: 0.1,
  price: 0.2,
  number: 0.2,
  reference: 0.5,
}

/** A name of something else shows about as much of the thing as a text. */
const CONTEXT_VIEWS = 0.3

/**
 * Returns the average number of independent views in the records. Three identify a mixture of
 * classes; fewer do not.
 */
function viewsOf(comparisons: readonly Comparison[], features: FeatureReader): number {
  let views = 0
  for (const [index, comparison] of comparisons.entries()) {
    const present = features.recordsWith(index)
    const own = comparison.context ? CONTEXT_VIEWS : comparison.title ? 1 : VIEWS[comparison.kind]
    views += (own * present) / Math.max(1, features.length)
  }
  return views
}
