import { ownValue } from '../../schema/dictionary.ts'
import type { ComparisonFeature, FieldValue } from '../standardise/featureShapes.ts'
import { standardiseFields } from '../standardise/features.ts'
import { isSameGivenName } from '../standardise/personName.ts'
import { phoneticCode } from '../standardise/phoneticCode.ts'
import { countryOf, markPlaces } from '../standardise/places.ts'
import { weighFeature } from '../standardise/weigh.ts'
import { createBitsTable } from './bits.ts'
import type { Assertion, ClusterEdge, Clustering, ClusterMember } from './cluster.ts'
import { cluster } from './cluster.ts'
import { blockingKeys } from './keys.ts'
import { type Parameters, priorParameters, versionOf } from './parameters.ts'
import { type Comparison, type MatchType, planComparisons } from './plan.ts'
import { createScorer, type Failures, type PairScore, type Scorer, type Sources } from './scorer.ts'

export type { AddressParts } from '../standardise/address.ts'
export type { FieldValue, MoneyParts } from '../standardise/featureShapes.ts'
export type { Assertion, Clustering, MergeStep, PossibleMatch } from './cluster.ts'
export { UNDER_THRESHOLD } from './cluster.ts'
export type { Parameters } from './parameters.ts'
export type { Comparator, MatchField, MatchType } from './plan.ts'
export type { Failures, FieldWeight, PairScore } from './scorer.ts'

/**
 * A source record as matching sees it. `key` is stable and unique ("salesforce/Account/001..."); it breaks every tie, so no result
 * depends on the order of arrival. REFERENCE fields carry the golden id they resolve to.
 */
export interface MatchRecord {
  key: string
  source: string
  fields: Readonly<Record<string, FieldValue | FieldValue[] | null | undefined>>
}

/** The standardised record: JSON, compact, stored beside the source record and read back for every candidate. */
export interface Features {
  /** Source system, for types that are unique in some. */
  s: string
  /** One entry a comparison of the plan, in its order. */
  u: ComparisonFeature[]
}

/** A record of a component that is to be clustered. */
export type Member = ClusterMember<Features>
/** A stored candidate pair whose weight is at least `linkWeightMin`. */
export type Edge = ClusterEdge

/** The matching engine for one golden type and one model: pure functions over values, no I/O, the same live and in batch. */
export interface Engine {
  /** Content hash of the parameters and of the features' form; features stored under another version have to be recomputed. */
  readonly version: string
  readonly parameters: Parameters
  readonly comparisons: readonly Comparison[]
  /** Edges of this weight or more are stored (`link`). */
  readonly linkWeightMin: number
  /** Records of two clusters or one: from this weight on (log2 odds) a pair by itself is a match. */
  readonly matchWeightMin: number
  /** A key shared by more records than this gives no candidates; finer keys of the same records do. */
  readonly blockRecordsMax: number
  /** The record's features: parsed and weighed by the model's frequencies. One that cannot be standardised has no values. */
  standardise(record: MatchRecord): Features
  /** The first half of `standardise`: all bits are zero. */
  parse(record: MatchRecord): Features
  /** Its second half, with any source of bits; training counts values with it. */
  weigh(features: Features, bitsOf: (comparison: number, sort: string, value: string) => number): void
  /** Its second half, by the model's own frequencies. */
  reweigh(features: Features): void
  /** Whether the source holds a thing at most once. */
  isUniqueSource(source: string): boolean
  /** Levels and weights without the explanation, for training and batches. */
  readonly scorer: Scorer
  /** Records that could not be standardised, and pairs that could not be compared: nothing throws for their sake. */
  readonly failures: Readonly<Failures>
  /** Whether a value read from the store can be features of this engine: a cheap look, not a proof. */
  fits(features: unknown): boolean
  keys(features: Features): string[]
  compare(a: Features, b: Features): PairScore
  /** The weight that `compare` gives, without the explanation. */
  weight(a: Features, b: Features): number
  /** The `relatedWeight` that `compare` gives: from 0 on, two records that are not one are possibly related. */
  relatedWeight(a: Features, b: Features): number
  /**
   * The weight that two candidates are linked with; null where they are too little alike, or can at most be alike and something
   * forbids that they are one, or they cannot be compared.
   */
  link(a: Features, b: Features): number | null
  /** Whether a link of this weight connects a component. One that does not makes a possible match, and joins nothing. */
  canJoin(weight: number): boolean
  /** Clusters one component; a function of the sets given, whatever the order of the arrays. */
  cluster(members: readonly Member[], edges: readonly Edge[], assertions: readonly Assertion[]): Clustering
}

/** By so much the threshold of links is lower where sources are unique. */
const UNIQUE_LINK_BITS = 5

/** Creates the engine of a golden type. Without parameters it uses the priors that every comparator ships with. */
export function createEngine(type: MatchType, parameters: Parameters = priorParameters(type)): Engine {
  const comparisons = planComparisons(type)
  const bits = comparisons.map((comparison) => createBitsTable(ownValue(parameters.frequencies, comparison.name)))
  const failures: Failures = { count: 0, last: undefined }
  const scorer = createScorer(type, comparisons, parameters, isSameGivenName, failures)
  const uniqueSources = new Set(type.uniqueIn)
  const isUniqueSource = (source: string) => uniqueSources.has('*') || uniqueSources.has(source)
  const sourcesOf = (a: Features, b: Features): Sources =>
    a.s !== b.s ? 'DIFFERENT' : isUniqueSource(a.s) ? 'UNIQUE' : 'SAME'
  // Where sources are unique, being each other's best can lift a pair, so weaker ones have to be known.
  const linkWeightMin = parameters.linkWeightMin - (type.uniqueIn.length > 0 ? UNIQUE_LINK_BITS : 0)
  // A merge needs an average of so much, and that a pair of so much. Stored weights are of single precision, so all are
  // taken as such (I1).
  const joinWeightMin = type.uniqueIn.length > 0 ? linkWeightMin : parameters.matchWeightMin
  const canJoin = (weight: number) => Math.fround(weight) >= joinWeightMin
  const placesInNames = ['name', 'address'].every((kind) => comparisons.some((comparison) => comparison.kind === kind))
  /** Tries what a broken record may make fail; then the failure counts, and `otherwise` is the result. */
  const attempt = <T>(work: () => T, otherwise: () => T): T => {
    try {
      return work()
    } catch (error) {
      failures.count++
      failures.last = error
      return otherwise()
    }
  }
  const withoutValues = (source: string): Features => ({ s: source, u: comparisons.map(() => null) })
  const parseAll = (record: MatchRecord): Features => {
    const u: ComparisonFeature[] = []
    // Addresses come first: their country tells how phone numbers without one are read.
    for (const [index, comparison] of comparisons.entries())
      if (comparison.kind === 'address') u[index] = standardiseFields(comparison, record.fields)
    const country = countryOf(u, comparisons)
    for (const [index, comparison] of comparisons.entries())
      if (comparison.kind !== 'address') u[index] = standardiseFields(comparison, record.fields, country)
    if (placesInNames) markPlaces(u, comparisons)
    return { s: record.source, u }
  }
  const parse = (record: MatchRecord): Features =>
    attempt(
      () => parseAll(record),
      () => withoutValues(record.source),
    )
  const reweigh = (features: Features) => {
    for (const [index, comparison] of comparisons.entries())
      weighFeature(comparison.kind, features.u[index] ?? null, bits[index]!)
  }
  let version: string | undefined
  return {
    scorer,
    failures,
    fits: (features) => {
      const { u } = (features ?? {}) as Partial<Features>
      return Array.isArray(u) && u.length === comparisons.length
    },
    // Hashing large tables takes a while, and a batch never asks.
    get version() {
      version ??= versionOf(parameters, comparisons)
      return version
    },
    parameters,
    comparisons,
    linkWeightMin,
    canJoin,
    matchWeightMin: parameters.matchWeightMin,
    blockRecordsMax: parameters.blockRecordsMax,
    parse,
    weigh: (features, bitsOf) => {
      for (const [index, comparison] of comparisons.entries())
        weighFeature(comparison.kind, features.u[index] ?? null, (sort, value) => bitsOf(index, sort, value))
    },
    reweigh,
    isUniqueSource,
    standardise: (record) =>
      attempt(
        () => {
          const features = parseAll(record)
          reweigh(features)
          return features
        },
        () => withoutValues(record.source),
      ),
    keys: (features) =>
      attempt(
        () => blockingKeys(comparisons, features.u, phoneticCode, parameters.keysPerRecordMax),
        () => [],
      ),
    compare: (a, b) => scorer.compare(a.u, b.u, sourcesOf(a, b)),
    weight: (a, b) => scorer.weightOf(scorer.levels(a.u, b.u), sourcesOf(a, b)),
    link: (a, b) => {
      const sources = sourcesOf(a, b)
      if (sources === 'UNIQUE') return null
      const failedBefore = failures.count
      const weight = scorer.weightOf(scorer.levels(a.u, b.u), sources)
      if (weight < linkWeightMin) return null
      if (!canJoin(weight) && scorer.conflict(a.u, b.u, sources) !== undefined) return null
      return failures.count === failedBefore ? weight : null
    },
    relatedWeight: (a, b) => scorer.relatedWeight(a.u, b.u, sourcesOf(a, b)),
    cluster: (members, edges, assertions) =>
      cluster(members, edges, assertions, {
        matchWeightMin: parameters.matchWeightMin,
        linkWeightMin,
        canJoin,
        ...(type.uniqueIn.length > 0 ? { isUniqueSource } : {}),
        compare: (a, b) => {
          const { weight, conflict } = scorer.weigh(a.u, b.u, sourcesOf(a, b))
          return conflict === undefined ? { weight } : { weight, conflict }
        },
      }),
  }
}
