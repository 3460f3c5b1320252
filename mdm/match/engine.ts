import { ownValue } from '../../schema/kit/dictionary.ts'
import { markFamilyMailboxes } from '../standardise/familyMailboxes.ts'
import type { ComparisonFeature, FieldValue } from '../standardise/featureShapes.ts'
import { standardiseFields } from '../standardise/features.ts'
import { givenNames } from '../standardise/personName.ts'
import { phoneticCode } from '../standardise/phoneticCode.ts'
import {
  countryOf,
  markContext,
  markPersons,
  markPlaces,
  markSharedMailboxes,
} from '../standardise/places.ts'
import { weighFeature } from '../standardise/weigh.ts'
import { createBitsTable } from './bits.ts'
import type { Assertion, ClusterEdge, Clustering, ClusterMember } from './cluster.ts'
import { cluster } from './cluster.ts'
import { blockingKeys } from './keys.ts'
import { type Parameters, priorParameters, RARELY_TWICE_BITS, versionOf } from './parameters.ts'
import { type Comparison, type MatchType, planComparisons } from './plan.ts'
import { createScorer, type Failures, type PairScore, type Scorer, type Sources } from './scorer.ts'

export type { ComparisonFeature, FieldValue } from '../standardise/featureShapes.ts'
export { UNDER_THRESHOLD } from './cluster.ts'
export type { Comparator, MatchType } from './plan.ts'
export type { PairScore } from './scorer.ts'

/**
 * A source record as input of matching. `key` is stable and unique ("salesforce/Account/001...");
 * it breaks every tie, so no result depends on the order of arrival. REFERENCE fields carry the
 * golden id they resolve to.
 */
export interface MatchRecord {
  key: string
  source: string
  fields: Readonly<Record<string, FieldValue | FieldValue[] | null | undefined>>
}

/**
 * The standardised record: compact JSON, stored beside the source record and read back for every
 * candidate.
 */
export interface Features {
  /** Source system, for types that are unique in some sources. */
  s: string
  /** One entry per comparison of the plan, in its order. */
  u: ComparisonFeature[]
}

/** A record of a component that is to be clustered. */
export type Member = ClusterMember<Features>
/** A stored candidate pair whose weight is at least `linkWeightMin`. */
export type Edge = ClusterEdge

/**
 * The matching engine of one golden type and one model: pure functions over values, no I/O; live
 * and batch use the same engine.
 */
export interface Engine {
  /**
   * Content hash of the parameters and of the features' form. Features stored under another version
   * must be recomputed.
   */
  readonly version: string
  readonly parameters: Parameters
  readonly comparisons: readonly Comparison[]
  /** Edges of this weight or more are stored (`link`). */
  readonly linkWeightMin: number
  /**
   * Match threshold (log2 odds): from this weight on, a pair without other evidence is one cluster.
   */
  readonly matchWeightMin: number
  /**
   * A key shared by more records than this gives no candidates; finer keys of the same records do.
   */
  readonly blockRecordsMax: number
  /**
   * Returns the record's features: parsed, and weighed by the model's frequencies. A record that
   * cannot be standardised gets features without values.
   */
  standardise(record: MatchRecord): Features
  /** First half of `standardise`: returns features with all bits zero. */
  parse(record: MatchRecord): Features
  /** Second half of `standardise`, with the model's own frequencies. */
  reweigh(features: Features): void
  /** `reweigh` for the value of one comparison, by its number in the plan. */
  reweighValue(comparison: number, feature: ComparisonFeature): void
  /** Returns whether the source holds each thing at most once. */
  isUniqueSource(source: string): boolean
  /**
   * Bits that a pair of two sources that compete gains before the counterparts of its records do; 0
   * without such sources.
   */
  readonly oneToOneWeight: number
  /**
   * Returns whether the counterparts in the source compete: it holds each thing once, as declared, or
   * training found that it hardly ever holds one twice.
   */
  competes(source: string): boolean
  /** Levels and weights without the explanation, for training and batches. */
  readonly scorer: Scorer
  /**
   * Counts records that could not be standardised and pairs that could not be compared; neither
   * throws.
   */
  readonly failures: Readonly<Failures>
  /** Returns whether a stored value can be features of this engine: a cheap check, not a proof. */
  fits(features: unknown): boolean
  keys(features: Features): string[]
  compare(a: Features, b: Features): PairScore
  /** Returns the weight of `compare`, without the explanation. */
  weight(a: Features, b: Features): number
  /**
   * Returns the `relatedWeight` of `compare`: from 0 on, two records that are not one are possibly
   * related.
   */
  relatedWeight(a: Features, b: Features): number
  /**
   * Returns the weight of the link between two candidates. Returns null if one unique source holds
   * both, if they are too little alike, if they cannot be compared, or if the weight is too low to
   * join and a conflict forbids a match.
   */
  link(a: Features, b: Features): number | null
  /**
   * Returns whether a link of this weight connects a component. A weaker link only makes a possible
   * match.
   */
  canJoin(weight: number): boolean
  /**
   * Clusters one component. The result depends on the sets only, not on the order of the arrays.
   */
  cluster(
    members: readonly Member[],
    edges: readonly Edge[],
    assertions: readonly Assertion[],
  ): Clustering
}

/** Creates the engine of a golden type. Without parameters it uses the shipped priors. */
export function createEngine(
  type: MatchType,
  parameters: Parameters = priorParameters(type),
): Engine {
  const comparisons = planComparisons(type)
  const bits = comparisons.map((comparison) =>
    createBitsTable(ownValue(parameters.frequencies, comparison.name)),
  )
  const failures: Failures = { count: 0, last: undefined }
  const scorer = createScorer(type, comparisons, parameters, givenNames, failures)
  const uniqueSources = new Set(type.uniqueIn)
  const isUniqueSource = (source: string) => uniqueSources.has('*') || uniqueSources.has(source)
  const sourcesOf = (a: Features, b: Features): Sources =>
    a.s !== b.s ? 'DIFFERENT' : isUniqueSource(a.s) ? 'UNIQUE' : 'SAME'
  // A merge needs an average of the match threshold, so some pair must have it; a pair of unique
  // sources has its own bits added first. Stored weights have single precision, so all weights are
  // rounded to it before they are compared (I1).
  const competes =
    type.uniqueIn.length > 0
      ? isUniqueSource
      : () => parameters.sameSourceWeight <= RARELY_TWICE_BITS
  // Only declared sources promise a counterpart. The bits would join kin who stand alone.
  const oneToOneWeight =
    type.uniqueIn.length > 0
      ? parameters.calibration.scale * Math.max(0, parameters.oneToOneWeight)
      : 0
  // Odds of k to one are worth a merge if a false one costs k times a missed one.
  const matchWeightMin = parameters.matchWeightMin + Math.log2(type.falseMergeCost ?? 1)
  const joinWeightMin = matchWeightMin - oneToOneWeight
  const linkWeightMin = Math.min(parameters.linkWeightMin, joinWeightMin)
  const canJoin = (weight: number) => Math.fround(weight) >= joinWeightMin
  const placesInNames = ['name', 'address'].every((kind) =>
    comparisons.some((comparison) => comparison.kind === kind),
  )
  // A person has one date of birth for life. Other values may come in two for one thing: an
  // address, a tax number.
  const hasBirth = comparisons.some(({ kind }) => kind === 'birth')
  const hasContext = comparisons.some((comparison) => comparison.context)
  /**
   * Runs work that a broken record may make throw. A failure is counted, and `otherwise` gives the
   * result.
   */
  const attempt = <T>(work: () => T, otherwise: () => T): T => {
    try {
      return work()
    } catch (error) {
      failures.count++
      failures.last = error
      return otherwise()
    }
  }
  const withoutValues = (source: string): Features => ({
    s: source,
    u: comparisons.map(() => null),
  })
  const parseAll = (record: MatchRecord): Features => {
    const u: ComparisonFeature[] = []
    // Addresses come first: their country decides how phone numbers without one are read.
    for (const [index, comparison] of comparisons.entries())
      if (comparison.kind === 'address') u[index] = standardiseFields(comparison, record.fields)
    const country = countryOf(u, comparisons)
    for (const [index, comparison] of comparisons.entries())
      if (comparison.kind !== 'address')
        u[index] = standardiseFields(comparison, record.fields, country)
    if (placesInNames) markPlaces(u, comparisons)
    if (hasContext) markContext(u, comparisons)
    markPersons(u, comparisons)
    markSharedMailboxes(u, comparisons)
    markFamilyMailboxes(u, comparisons)
    return { s: record.source, u }
  }
  const parse = (record: MatchRecord): Features =>
    attempt(
      () => parseAll(record),
      () => withoutValues(record.source),
    )
  const reweighValue = (index: number, feature: ComparisonFeature) =>
    weighFeature(comparisons[index]!.kind, feature, bits[index]!)
  const reweigh = (features: Features) => {
    for (const index of comparisons.keys()) reweighValue(index, features.u[index] ?? null)
  }
  let version: string | undefined
  return {
    scorer,
    failures,
    fits: (features) => {
      const { u } = (features ?? {}) as Partial<Features>
      return Array.isArray(u) && u.length === comparisons.length
    },
    // Computed on first use: hashing large tables takes time, and a batch never reads it.
    get version() {
      version ??= versionOf(parameters, comparisons, type)
      return version
    },
    parameters,
    comparisons,
    linkWeightMin,
    canJoin,
    matchWeightMin,
    blockRecordsMax: parameters.blockRecordsMax,
    parse,
    reweigh,
    reweighValue,
    isUniqueSource,
    oneToOneWeight,
    competes,
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
      const weight = scorer.weightFrom(a.u, b.u, sources, linkWeightMin)
      if (weight === null) return null
      if (!canJoin(weight) && scorer.conflict(a.u, b.u, sources) !== undefined) return null
      return failures.count === failedBefore ? weight : null
    },
    relatedWeight: (a, b) => scorer.relatedWeight(a.u, b.u, sourcesOf(a, b)),
    cluster: (members, edges, assertions) =>
      cluster(members, edges, assertions, {
        matchWeightMin,
        linkWeightMin,
        canJoin,
        isUniqueSource,
        competes,
        oneToOneWeight,
        compare: (a, b) => {
          const { weight, conflict } = scorer.weigh(a.u, b.u, sourcesOf(a, b))
          return conflict === undefined ? { weight } : { weight, conflict }
        },
        ...(hasBirth
          ? {
              comparePooled: (a, b) =>
                scorer.pooledWeight(
                  a.map(({ u }) => u),
                  b.map(({ u }) => u),
                  a.every((one) => b.every((other) => one.s === other.s)) ? 'SAME' : 'DIFFERENT',
                ),
            }
          : {}),
      }),
  }
}
