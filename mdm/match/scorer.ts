import type { IdentifierFeature, NameFeature, UnitFeature } from './featureTypes.ts'
import { compareUnit, type LevelSink, type SameName } from './levels.ts'
import { levelShares, type Parameters } from './parameters.ts'
import type { MatchType, Unit } from './plan.ts'
import { type Dimension, dimensionsOf, MISSING } from './priors.ts'

/**
 * What one dimension contributed. Without `leftOut`, `weight` in bits is log2 m/u plus the adjustment. `m`, `u`: shares of
 * pairs at this level among matches and among random pairs; null where nothing was compared.
 */
export interface FieldWeight {
  field: string
  dimension: string
  level: string
  m: number | null
  u: number | null
  /** Bits that the rarity of the value agreed on adds, or takes off where it is a common one. */
  adjustment: number
  weight: number
  /** GROUP: its group speaks through a stronger one. REPEATS: the dimension beside it says the same, and more of it. */
  leftOut?: 'GROUP' | 'REPEATS'
}

/**
 * The outcome of comparing two records. `weight` is the log2 of the odds that they are one thing, prior included; the fields' weights
 * add up to `weight - prior` before calibration. The alternative is not only "two random records" but also "two related ones" (a
 * household, colleagues, sister companies, variants of a product): what those share too is taken off again as "relation". `relatedWeight`: log2 of the odds that they are two related things, against one thing or two random
 * ones, before calibration. `conflict`: why they can never be one, whatever else agrees; then only random ones are left to tell from.
 */
export interface Comparison {
  weight: number
  probability: number
  relatedWeight: number
  relatedProbability: number
  prior: number
  fields: FieldWeight[]
  conflict?: string
}

/** A dimension of a type with its place in the level vector and its weights by level. */
export interface ScoredDimension extends Dimension {
  unit: Unit
  unitIndex: number
  at: number
  /** Speaks of the same value as the dimension before it (place after street): against a match only the stronger of the two counts. */
  repeats: boolean
  /** Shares by level that the weights are made of. */
  m: Float64Array
  u: Float64Array
  /** log2 m/u by level. */
  weights: Float64Array
  /** log2 r/u by level. */
  relatedWeights: Float64Array
  rarity: Float64Array
  /** Bits that agreement at this level brings on average; a rarer value brings more, a common one less. */
  expected: Float64Array
}

/** Bits a shared value can show at most: no table knows rarer ones. */
const BITS_MAX = 24

/** Where two records are from. UNIQUE: one source, which holds a thing once at most. */
export type Sources = 'DIFFERENT' | 'SAME' | 'UNIQUE'

/** How many records and pairs could not be standardised or compared so far, and the error of the last one. */
export interface Failures {
  count: number
  last: unknown
}

/**
 * Compares standardised records. `weigh` is `compare` without the explanation. A pair whose comparison throws counts in
 * `failures`, and weighs what two records without a common value do: one broken record must not stop those it meets.
 */
export interface Scorer {
  readonly dimensions: readonly ScoredDimension[]
  readonly failures: Readonly<Failures>
  compare(a: readonly UnitFeature[], b: readonly UnitFeature[], sources: Sources): Comparison
  weigh(
    a: readonly UnitFeature[],
    b: readonly UnitFeature[],
    sources: Sources,
  ): { weight: number; conflict: string | undefined }
  /** Why they can never be one. */
  conflict(a: readonly UnitFeature[], b: readonly UnitFeature[], sources: Sources): string | undefined
  /** `relatedWeight` of a comparison. */
  related(a: readonly UnitFeature[], b: readonly UnitFeature[], sources: Sources): number
  /** Levels and bits of every dimension, for training. The sink is reused by the next call. */
  levels(a: readonly UnitFeature[], b: readonly UnitFeature[]): LevelSink
  /** The calibrated weight of levels and bits. */
  weightOf(sink: LevelSink, sources: Sources): number
}

/** Creates the scorer of a type's units under the parameters given. */
export function createScorer(
  type: MatchType,
  units: readonly Unit[],
  parameters: Parameters,
  sameName: SameName,
  failures: Failures = { count: 0, last: undefined },
): Scorer {
  const dimensions = scoredDimensions(units, parameters)
  const firstAt = units.map((_, index) => dimensions.find((d) => d.unitIndex === index)!.at)
  const groups = correlatedGroups(units)
  const singleIdentifiers = new Set(units.filter((u) => u.kind === 'identifier' && !u.many).map((u) => u.name))
  const sink: LevelSink = { levels: new Int8Array(dimensions.length), bits: new Float64Array(dimensions.length) }
  const { scale, offset } = parameters.calibration

  const sourceWeight = (sources: Sources) => (sources === 'DIFFERENT' ? 0 : parameters.sameSourceWeight)
  const weightAt = (at: number, level: number, bits: number): number => {
    if (level === MISSING) return 0
    const dimension = dimensions[at]!
    const rarity = dimension.rarity[level]!
    const weight = dimension.weights[level]!
    if (rarity === 0 || Number.isNaN(bits)) return weight
    return weight + rarity * (Math.min(bits, BITS_MAX) - dimension.expected[level]!)
  }
  const levels = (a: readonly UnitFeature[], b: readonly UnitFeature[]): LevelSink => {
    try {
      for (let i = 0; i < units.length; i++)
        compareUnit(units[i]!.kind, a[i] ?? null, b[i] ?? null, firstAt[i]!, sink, weightAt, sameName)
    } catch (error) {
      fail(error)
      clear()
    }
    return sink
  }
  const fail = (error: unknown) => {
    failures.count++
    failures.last = error
  }
  const clear = () => {
    sink.levels.fill(MISSING)
    sink.bits.fill(0)
  }
  /** Units of a group other than the one that says most; their dimensions do not count. */
  const overruled = (found: LevelSink): Set<number> => {
    const units = new Set<number>()
    for (const group of groups) {
      let strongest = -1
      let most = -1
      for (const unit of group) {
        let weight = 0
        for (const { unitIndex, at } of dimensions)
          if (unitIndex === unit) weight += weightAt(at, found.levels[at]!, found.bits[at]!)
        if (Math.abs(weight) > most) {
          most = Math.abs(weight)
          strongest = unit
        }
      }
      for (const unit of group) if (unit !== strongest) units.add(unit)
    }
    return units
  }
  /** Log2 odds of "one thing" and of "related" against "random", then of "one thing" against either of the others. */
  const odds = (found: LevelSink, sources: Sources): { match: number; related: number; weight: number } => {
    let match = parameters.priorWeight + sourceWeight(sources)
    let related = parameters.relatedWeight
    const left = groups.length > 0 ? overruled(found) : NONE
    let weightBefore = 0
    let relatedBefore = 0
    for (const dimension of dimensions) {
      const level = found.levels[dimension.at]!
      if (level === MISSING || left.has(dimension.unitIndex)) {
        weightBefore = 0
        continue
      }
      const full = weightAt(dimension.at, level, found.bits[dimension.at]!)
      const fullRelated = full + dimension.relatedWeights[level]! - dimension.weights[level]!
      let weight = full
      let weightRelated = fullRelated
      if (dimension.repeats && full < 0 && weightBefore < 0) {
        if (full >= weightBefore) continue
        weight -= weightBefore
        weightRelated -= relatedBefore
      }
      match += weight
      related += weightRelated
      weightBefore = full
      relatedBefore = fullRelated
    }
    return { match, related, weight: match - log2OnePlus(related) }
  }
  const weightOf = (found: LevelSink, sources: Sources): number => {
    const weight = scale * odds(found, sources).weight + offset
    if (!Number.isNaN(weight)) return weight
    fail(new Error('the weight of a pair is not a number'))
    clear()
    return scale * odds(sink, sources).weight + offset
  }
  const conflictOf = (a: readonly UnitFeature[], b: readonly UnitFeature[], sources: Sources): string | undefined => {
    try {
      return statedConflict(a, b, sources)
    } catch (error) {
      fail(error)
      return undefined
    }
  }
  const statedConflict = (
    a: readonly UnitFeature[],
    b: readonly UnitFeature[],
    sources: Sources,
  ): string | undefined => {
    if (sources === 'UNIQUE') return `both are records of one source in which each ${type.name} occurs once`
    for (let i = 0; i < units.length; i++) {
      const unit = units[i]!
      if (!a[i] || !b[i]) continue
      if (unit.kind === 'identifier' && singleIdentifiers.has(unit.name)) {
        const [one] = a[i] as IdentifierFeature[]
        const [other] = b[i] as IdentifierFeature[]
        if (one![0] === other![0] && one![1] !== other![1] && one![2] && other![2])
          return `${unit.name}: ${one![1]} and ${other![1]}, both valid ${one![0]} numbers`
      }
      if (unit.kind === 'name') {
        const one = generation(a[i] as NameFeature[])
        const other = generation(b[i] as NameFeature[])
        if (one && other && one !== other) return `${unit.name}: generations ${one} and ${other}`
      }
    }
    return undefined
  }
  const relatedWeight = (match: number, related: number, conflict: string | undefined) =>
    conflict === undefined ? related - log2OnePlus(match) : related
  return {
    dimensions,
    failures,
    levels,
    weightOf,
    conflict: conflictOf,
    related: (a, b, sources) => {
      const { match, related } = odds(levels(a, b), sources)
      return relatedWeight(match, related, conflictOf(a, b, sources))
    },
    weigh: (a, b, sources) => ({
      weight: weightOf(levels(a, b), sources),
      conflict: conflictOf(a, b, sources),
    }),
    compare: (a, b, sources) => {
      const found = levels(a, b)
      const weight = weightOf(found, sources)
      const fields = dimensions.map((dimension): FieldWeight => {
        const level = found.levels[dimension.at]!
        const weight = weightAt(dimension.at, level, found.bits[dimension.at]!)
        const missing = level === MISSING
        return {
          field: dimension.unit.name,
          dimension: dimension.name,
          level: missing ? 'missing' : dimension.levels[level]!.name,
          m: missing ? null : dimension.m[level]!,
          u: missing ? null : dimension.u[level]!,
          adjustment: missing ? 0 : weight - dimension.weights[level]!,
          weight,
        }
      })
      const left = overruled(found)
      for (const field of fields) {
        const unit = units.findIndex((u) => u.name === field.field)
        if (left.has(unit)) {
          field.level += ' (counted with its group)'
          field.leftOut = 'GROUP'
          field.weight = 0
        }
      }
      for (const { at, repeats } of dimensions) {
        const [before, field] = [fields[at - 1], fields[at]!]
        if (!repeats || !before || before.weight >= 0 || field.weight >= 0) continue
        const weaker = field.weight >= before.weight ? field : before
        weaker.weight = 0
        weaker.leftOut = 'REPEATS'
      }
      const { match, related, weight: raw } = odds(found, sources)
      if (sourceWeight(sources) !== 0)
        fields.push({
          field: '*',
          dimension: 'source',
          level: 'two records of one source, which seldom has a thing twice',
          m: null,
          u: null,
          adjustment: 0,
          weight: sourceWeight(sources),
        })
      if (match - raw > 1e-9)
        fields.push({
          field: '*',
          dimension: 'relation',
          level: 'what agrees would agree between related records too',
          m: null,
          u: null,
          adjustment: 0,
          weight: raw - match,
        })
      const conflict = conflictOf(a, b, sources)
      const toRelated = relatedWeight(match, related, conflict)
      const comparison: Comparison = {
        weight,
        probability: 1 / (1 + 2 ** -weight),
        relatedWeight: toRelated,
        relatedProbability: 1 / (1 + 2 ** -toRelated),
        prior: parameters.priorWeight,
        fields,
      }
      if (conflict !== undefined) comparison.conflict = conflict
      return comparison
    },
  }
}

const NONE: ReadonlySet<number> = new Set()

/** log2(1 + 2^x) without overflow. */
function log2OnePlus(x: number): number {
  return x > 30 ? x : Math.log2(1 + 2 ** x)
}

function generation(names: readonly NameFeature[]): string | undefined {
  return names.length === 1 ? names[0]!.x : undefined
}

/** Units of one policy group but of different kinds: they are correlated, so only the strongest counts. */
function correlatedGroups(units: readonly Unit[]): number[][] {
  const byGroup = new Map<string, number[]>()
  for (const [index, unit] of units.entries())
    if (unit.group !== undefined) byGroup.set(unit.group, [...(byGroup.get(unit.group) ?? []), index])
  return [...byGroup.values()].filter((members) => members.length > 1)
}

function scoredDimensions(units: readonly Unit[], parameters: Parameters): ScoredDimension[] {
  const dimensions: ScoredDimension[] = []
  for (const [unitIndex, unit] of units.entries())
    for (const dimension of dimensionsOf(unit)) {
      const trained = levelShares(parameters, unit, dimension)
      const m = dimension.levels.map((level, i) => trained?.m[i] ?? level.m)
      const r = dimension.levels.map((level, i) => trained?.r[i] ?? level.r)
      const u = dimension.levels.map((level, i) => trained?.u[i] ?? level.u)
      dimensions.push({
        ...dimension,
        unit,
        unitIndex,
        at: dimensions.length,
        repeats: unit.kind === 'address' && dimensions.at(-1)?.unitIndex === unitIndex,
        m: Float64Array.from(dimension.levels, (level, i) => (level.fixed ? level.m : m[i]!)),
        u: Float64Array.from(dimension.levels, (level, i) => (level.fixed ? level.u : u[i]!)),
        weights: Float64Array.from(dimension.levels, (level, i) =>
          level.fixed ? Math.log2(level.m / level.u) : Math.log2(m[i]! / u[i]!),
        ),
        relatedWeights: Float64Array.from(dimension.levels, (level, i) =>
          level.fixed ? Math.log2(level.r / level.u) : Math.log2(r[i]! / u[i]!),
        ),

        rarity: Float64Array.from(dimension.levels, (level) => level.rarity ?? 0),
        expected: Float64Array.from(u, (share) => -Math.log2(share)),
      })
    }
  return dimensions
}
