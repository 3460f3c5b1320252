import { haveOtherLegalForms } from './compareName.ts'
import type {
  AddressFeature,
  ComparisonFeature,
  IdentifierFeature,
  NameFeature,
  PersonFeature,
} from './featureTypes.ts'
import type { GivenNames } from './givenNames.ts'
import { haveOtherKeys } from './haveOtherKeys.ts'
import { type ComparisonVector, compareFeatures } from './levels.ts'
import { mostBits } from './mostBits.ts'
import { levelShares, type Parameters } from './parameters.ts'
import type { Comparison, ComparisonKind, MatchType } from './plan.ts'
import { type ComparisonColumn, columnsOf, MISSING } from './priors.ts'

/**
 * Contribution of one column. Without `leftOut`, `weight` in bits is log2 m/u plus the adjustment.
 * `m`, `u`: shares of pairs at this level among matches and among random pairs; null if nothing was
 * compared. `dimension` is the column's name: the graph and reports use this word.
 */
export interface FieldWeight {
  field: string
  dimension: string
  level: string
  m: number | null
  u: number | null
  /** Bits that the rarity of the agreed value adds, or subtracts if the value is common. */
  adjustment: number
  weight: number
  /**
   * GROUP: a stronger comparison of the group counts instead. REPEATS: the neighbouring column
   * already counts this evidence, and more of it.
   */
  leftOut?: 'GROUP' | 'REPEATS'
}

/**
 * Score of a pair of records. `weight` is the log2 of the odds that they are one thing, prior
 * included; the fields' weights add up to `weight - prior` before calibration. The alternative is
 * not only "two random records" but also "two related ones" (a household, colleagues, sister
 * companies, variants of a product): what those share too is subtracted as "relation".
 * `relatedWeight`: log2 of the odds that they are two related things, against one thing or two
 * random ones, before calibration. `conflict`: why they can never be one, whatever else agrees;
 * then random pairs are the only alternative.
 */
export interface PairScore {
  weight: number
  probability: number
  relatedWeight: number
  relatedProbability: number
  prior: number
  fields: FieldWeight[]
  conflict?: string
}

/** A column with its index in the comparison vector and its weights by level. */
export interface ScoredColumn extends ComparisonColumn {
  comparison: Comparison
  comparisonIndex: number
  at: number
  /**
   * The column before compares the same value (street, then place): against a match only the
   * stronger of the two counts.
   */
  repeats: boolean
  /** Shares by level from which the weights are computed. */
  m: Float64Array
  u: Float64Array
  /** log2 m/u by level. */
  weights: Float64Array
  /** log2 r/u by level. */
  relatedWeights: Float64Array
  rarity: Float64Array
  /** Average bits of agreement at this level; a rarer value has more, a common one fewer. */
  expected: Float64Array
}

/** Upper bound of the bits of a shared value: no table contains rarer ones. */
export const BITS_MAX = 24

/** Sources of two records. UNIQUE: one source, which holds each thing at most once. */
export type Sources = 'DIFFERENT' | 'SAME' | 'UNIQUE'

/**
 * Number of records and pairs that could not be standardised or compared so far, and the error of
 * the last one.
 */
export interface Failures {
  count: number
  last: unknown
}

/**
 * Compares standardised records. `weigh` is `compare` without the explanation. A pair whose
 * comparison throws counts in `failures` and weighs like two records without a common value: one
 * broken record must not stop the comparison of others.
 */
export interface Scorer {
  readonly columns: readonly ScoredColumn[]
  readonly failures: Readonly<Failures>
  compare(
    a: readonly ComparisonFeature[],
    b: readonly ComparisonFeature[],
    sources: Sources,
  ): PairScore
  weigh(
    a: readonly ComparisonFeature[],
    b: readonly ComparisonFeature[],
    sources: Sources,
  ): { weight: number; conflict: string | undefined }
  /** Returns why the two can never be one; undefined if nothing forbids it. */
  conflict(
    a: readonly ComparisonFeature[],
    b: readonly ComparisonFeature[],
    sources: Sources,
  ): string | undefined
  /** Returns the `relatedWeight` of a comparison. */
  relatedWeight(
    a: readonly ComparisonFeature[],
    b: readonly ComparisonFeature[],
    sources: Sources,
  ): number
  /** Returns levels and bits of every column, for training. The next call reuses the vector. */
  levels(a: readonly ComparisonFeature[], b: readonly ComparisonFeature[]): ComparisonVector
  /** Returns the calibrated weight of levels and bits. */
  weightOf(buffer: ComparisonVector, sources: Sources): number
  /**
   * Returns the weight of two groups of records as if each were one record with all the values of
   * its group: of every comparison the pair with the highest weight counts.
   */
  pooledWeight(
    a: readonly (readonly ComparisonFeature[])[],
    b: readonly (readonly ComparisonFeature[])[],
    sources: Sources,
  ): number
  /**
   * Returns the weight of `weigh`, or null if it is under `weightMin`. Cheap comparisons come first,
   * and the others are left out as soon as they cannot reach that weight: most candidates differ in
   * a phone number or a date. Fastest if `a` stays the same from call to call.
   */
  weightFrom(
    a: readonly ComparisonFeature[],
    b: readonly ComparisonFeature[],
    sources: Sources,
    weightMin: number,
  ): number | null
}

/** Creates the scorer of a type's comparisons under the parameters given. */
export function createScorer(
  type: MatchType,
  comparisons: readonly Comparison[],
  parameters: Parameters,
  givenNames: GivenNames,
  failures: Failures = { count: 0, last: undefined },
): Scorer {
  const columns = scoreColumns(comparisons, parameters)
  const firstAt = comparisons.map(
    (_, index) => columns.find((c) => c.comparisonIndex === index)!.at,
  )
  const groups = correlatedGroups(comparisons)
  const singleIdentifiers = new Set(
    comparisons.filter((c) => c.kind === 'identifier' && !c.many).map((c) => c.name),
  )
  const buffer: ComparisonVector = {
    levels: new Int8Array(columns.length),
    bits: new Float64Array(columns.length),
  }
  const { scale, offset } = parameters.calibration

  const sourceWeight = (sources: Sources) =>
    sources === 'DIFFERENT' ? 0 : parameters.sameSourceWeight
  const weightAt = (at: number, level: number, bits: number): number => {
    if (level === MISSING) return 0
    const column = columns[at]!
    const rarity = column.rarity[level]!
    const weight = column.weights[level]!
    if (rarity === 0 || Number.isNaN(bits)) return weight
    return weight + rarity * (Math.min(bits, BITS_MAX) - column.expected[level]!)
  }
  const levels = (
    a: readonly ComparisonFeature[],
    b: readonly ComparisonFeature[],
  ): ComparisonVector => {
    try {
      for (let i = 0; i < comparisons.length; i++)
        compareFeatures(
          comparisons[i]!,
          a[i] ?? null,
          b[i] ?? null,
          firstAt[i]!,
          buffer,
          weightAt,
          givenNames,
        )
    } catch (error) {
      fail(error)
      clear()
    }
    return buffer
  }
  const fail = (error: unknown) => {
    failures.count++
    failures.last = error
  }
  const clear = () => {
    buffer.levels.fill(MISSING)
    buffer.bits.fill(0)
  }
  /** Returns the comparisons of each group except its strongest; their columns do not count. */
  const findOutweighed = (vector: ComparisonVector): Set<number> => {
    const comparisons = new Set<number>()
    for (const group of groups) {
      let strongest = -1
      let most = -1
      for (const comparison of group) {
        let weight = 0
        for (const { comparisonIndex, at } of columns)
          if (comparisonIndex === comparison)
            weight += weightAt(at, vector.levels[at]!, vector.bits[at]!)
        if (Math.abs(weight) > most) {
          most = Math.abs(weight)
          strongest = comparison
        }
      }
      for (const comparison of group) if (comparison !== strongest) comparisons.add(comparison)
    }
    return comparisons
  }
  /**
   * Returns the log2 odds of "one thing" and of "related" against "random", then of "one thing"
   * against either of the others.
   */
  const odds = (
    vector: ComparisonVector,
    sources: Sources,
  ): { match: number; related: number; weight: number } => {
    let match = parameters.priorWeight + sourceWeight(sources)
    let related = parameters.relatedWeight
    const outweighed = groups.length > 0 ? findOutweighed(vector) : NONE
    let weightBefore = 0
    let relatedBefore = 0
    for (const column of columns) {
      const level = vector.levels[column.at]!
      if (level === MISSING || outweighed.has(column.comparisonIndex)) {
        weightBefore = 0
        continue
      }
      const full = weightAt(column.at, level, vector.bits[column.at]!)
      const fullRelated = full + column.relatedWeights[level]! - column.weights[level]!
      let weight = full
      let weightRelated = fullRelated
      if (column.repeats && full < 0 && weightBefore < 0) {
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
  const weightOf = (vector: ComparisonVector, sources: Sources): number => {
    const weight = scale * odds(vector, sources).weight + offset
    if (!Number.isNaN(weight)) return weight
    fail(new Error('the weight of a pair is not a number'))
    clear()
    return scale * odds(buffer, sources).weight + offset
  }
  const order = comparisons
    .map((_, index) => index)
    .sort((x, y) => COSTS[comparisons[x]!.kind] - COSTS[comparisons[y]!.kind] || x - y)
  /** Most that a record's comparisons in `order`, from each on, can add to a weight. */
  const mostFrom = new Float64Array(comparisons.length + 1)
  let boundOf: readonly ComparisonFeature[] | undefined
  const mostOf = (column: ScoredColumn, bits: number): number => {
    let most = 0
    for (let level = 0; level < column.weights.length; level++)
      most = Math.max(
        most,
        column.weights[level]!,
        column.rarity[level] === 0 ? 0 : weightAt(column.at, level, bits),
      )
    return most
  }
  const bound = (a: readonly ComparisonFeature[]) => {
    boundOf = undefined
    for (let place = order.length - 1; place >= 0; place--) {
      const index = order[place]!
      const feature = a[index] ?? null
      let most = 0
      if (feature !== null)
        for (let at = firstAt[index]!; columns[at]?.comparisonIndex === index; at++)
          most += mostOf(columns[at]!, mostBits(comparisons[index]!, feature, at - firstAt[index]!))
      mostFrom[place] = mostFrom[place + 1]! + most
    }
    boundOf = a
  }
  /** Returns what a comparison adds to the weight of a match, as `odds` does. */
  const weightOfComparison = (index: number): number => {
    const at = firstAt[index]!
    const first = weightAt(at, buffer.levels[at]!, buffer.bits[at]!)
    const next = columns[at + 1]
    if (next?.comparisonIndex !== index) return first
    const second = weightAt(at + 1, buffer.levels[at + 1]!, buffer.bits[at + 1]!)
    return next.repeats && first < 0 && second < 0 ? Math.min(first, second) : first + second
  }
  /**
   * Compares in the order of cost. Returns false as soon as no match of `weightMin` is possible,
   * and true when every column has its level.
   */
  const canReach = (
    a: readonly ComparisonFeature[],
    b: readonly ComparisonFeature[],
    sources: Sources,
    weightMin: number,
  ): boolean => {
    if (a !== boundOf) bound(a)
    const least = (weightMin - offset) / scale - parameters.priorWeight - sourceWeight(sources)
    let weight = 0
    for (let place = 0; place < order.length; place++) {
      if (weight + mostFrom[place]! < least - ROUNDING_BITS) return false
      const index = order[place]!
      compareFeatures(
        comparisons[index]!,
        a[index] ?? null,
        b[index] ?? null,
        firstAt[index]!,
        buffer,
        weightAt,
        givenNames,
      )
      weight += weightOfComparison(index)
    }
    // Not a number is left to `weightOf`, which counts it as a failure.
    return !(weight < least - ROUNDING_BITS)
  }
  const weightFrom = (
    a: readonly ComparisonFeature[],
    b: readonly ComparisonFeature[],
    sources: Sources,
    weightMin: number,
  ): number | null => {
    // In a group only the strongest comparison counts, so no weight is final before the last.
    if (groups.length > 0) levels(a, b)
    else
      try {
        if (!canReach(a, b, sources, weightMin)) return null
      } catch {
        // Counts the failure.
        levels(a, b)
      }
    const weight = weightOf(buffer, sources)
    return weight < weightMin ? null : weight
  }
  const pooledWeight = (
    a: readonly (readonly ComparisonFeature[])[],
    b: readonly (readonly ComparisonFeature[])[],
    sources: Sources,
  ): number => {
    const pooled: ComparisonVector = {
      levels: new Int8Array(columns.length).fill(MISSING),
      bits: new Float64Array(columns.length),
    }
    const best = new Float64Array(comparisons.length).fill(Number.NEGATIVE_INFINITY)
    for (const one of a)
      for (const other of b) {
        levels(one, other)
        for (const column of columns) {
          const { comparisonIndex: index } = column
          if (column.at !== firstAt[index] || buffer.levels[column.at] === MISSING) continue
          const weight = weightOfComparison(index)
          if (weight <= best[index]!) continue
          best[index] = weight
          for (let at = column.at; columns[at]?.comparisonIndex === index; at++) {
            pooled.levels[at] = buffer.levels[at]!
            pooled.bits[at] = buffer.bits[at]!
          }
        }
      }
    return weightOf(pooled, sources)
  }
  const conflictOf = (
    a: readonly ComparisonFeature[],
    b: readonly ComparisonFeature[],
    sources: Sources,
  ): string | undefined => {
    try {
      return findConflict(a, b, sources)
    } catch (error) {
      fail(error)
      return undefined
    }
  }
  const findConflict = (
    a: readonly ComparisonFeature[],
    b: readonly ComparisonFeature[],
    sources: Sources,
  ): string | undefined => {
    if (sources === 'UNIQUE')
      return `both are records of one source in which each ${type.name} occurs once`
    for (let i = 0; i < comparisons.length; i++) {
      const comparison = comparisons[i]!
      if (!a[i] || !b[i]) continue
      if (comparison.kind === 'identifier' && singleIdentifiers.has(comparison.name)) {
        const [one] = a[i] as IdentifierFeature[]
        const [other] = b[i] as IdentifierFeature[]
        if (one![0] === other![0] && one![1] !== other![1] && one![2] && other![2])
          return `${comparison.name}: ${one![1]} and ${other![1]}, both valid ${one![0]} numbers`
      }
      if (comparison.kind === 'identifier') {
        const [one, other] = [a[i] as IdentifierFeature[], b[i] as IdentifierFeature[]]
        if (haveOtherKeys(one, other, vatCountry) && haveOtherSeats(a, b))
          return `${comparison.name}: valid tax numbers of ${vatCountries(one)} and of ${vatCountries(other)}, in two countries or legal forms`
      }
      if (comparison.kind === 'name' || comparison.kind === 'person') {
        const one = generation(a[i] as NameFeature[] | PersonFeature)
        const other = generation(b[i] as NameFeature[] | PersonFeature)
        if (one && other && one !== other)
          return `${comparison.name}: generations ${one} and ${other}`
        if (isFirstBeside(a[i], b[i]) || isFirstBeside(b[i], a[i]))
          return `${comparison.name}: generations i and ${one ?? other}`
      }
    }
    return undefined
  }
  /** Returns whether two records have addresses in different countries, or other legal forms. */
  const haveOtherSeats = (
    a: readonly ComparisonFeature[],
    b: readonly ComparisonFeature[],
  ): boolean =>
    comparisons.some(({ kind }, i) => {
      if (!a[i] || !b[i]) return false
      if (kind === 'name') return haveOtherLegalForms(a[i] as NameFeature[], b[i] as NameFeature[])
      if (kind !== 'address') return false
      return haveOtherKeys(a[i] as AddressFeature[], b[i] as AddressFeature[], ({ k }) => k)
    })
  const relatedWeight = (match: number, related: number, conflict: string | undefined) =>
    conflict === undefined ? related - log2OnePlus(match) : related
  return {
    columns,
    failures,
    levels,
    weightOf,
    weightFrom,
    pooledWeight,
    conflict: conflictOf,
    relatedWeight: (a, b, sources) => {
      const { match, related } = odds(levels(a, b), sources)
      return relatedWeight(match, related, conflictOf(a, b, sources))
    },
    weigh: (a, b, sources) => ({
      weight: weightOf(levels(a, b), sources),
      conflict: conflictOf(a, b, sources),
    }),
    compare: (a, b, sources) => {
      const vector = levels(a, b)
      const weight = weightOf(vector, sources)
      const fields = columns.map((column): FieldWeight => {
        const level = vector.levels[column.at]!
        const weight = weightAt(column.at, level, vector.bits[column.at]!)
        const missing = level === MISSING
        return {
          field: column.comparison.name,
          dimension: column.name,
          level: missing ? 'missing' : column.levels[level]!.name,
          m: missing ? null : column.m[level]!,
          u: missing ? null : column.u[level]!,
          adjustment: missing ? 0 : weight - column.weights[level]!,
          weight,
        }
      })
      const outweighed = findOutweighed(vector)
      for (const field of fields) {
        const comparison = comparisons.findIndex((c) => c.name === field.field)
        if (outweighed.has(comparison)) {
          field.level += ' (counted with its group)'
          field.leftOut = 'GROUP'
          field.weight = 0
        }
      }
      for (const { at, repeats } of columns) {
        const [before, field] = [fields[at - 1], fields[at]!]
        if (!repeats || !before || before.weight >= 0 || field.weight >= 0) continue
        const weaker = field.weight >= before.weight ? field : before
        weaker.weight = 0
        weaker.leftOut = 'REPEATS'
      }
      const { match, related, weight: raw } = odds(vector, sources)
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
      const score: PairScore = {
        weight,
        probability: 1 / (1 + 2 ** -weight),
        relatedWeight: toRelated,
        relatedProbability: 1 / (1 + 2 ** -toRelated),
        prior: parameters.priorWeight,
        fields,
      }
      if (conflict !== undefined) score.conflict = conflict
      return score
    },
  }
}

const NONE: ReadonlySet<number> = new Set()

/** Sums in another order differ by less than this. */
const ROUNDING_BITS = 1e-6

/** Rank of a comparison's cost in time: whole values, then values by letters, then words. */
const COSTS: Record<ComparisonKind, number> = {
  reference: 0,
  identifier: 0,
  phone: 0,
  birth: 0,
  date: 0,
  number: 0,
  price: 0,
  domain: 0,
  category: 0,
  email: 1,
  person: 2,
  address: 3,
  name: 4,
  text: 5,
  product: 6,
}

/** log2(1 + 2^x) without overflow. */
function log2OnePlus(x: number): number {
  return x > 30 ? x : Math.log2(1 + 2 ** x)
}

/** Returns the country of a VAT number whose check digits are right. */
function vatCountry([scheme, , checked]: IdentifierFeature): string | undefined {
  return checked && scheme.startsWith('VAT:') ? scheme.slice(4) : undefined
}

function vatCountries(ids: readonly IdentifierFeature[]): string {
  return [...new Set(ids.flatMap((id) => vatCountry(id) ?? []))].join(', ')
}

function generation(names: readonly NameFeature[] | PersonFeature): string | undefined {
  if (!Array.isArray(names)) return (names as PersonFeature).x
  return names.length === 1 ? names[0]!.x : undefined
}

/**
 * Returns whether the first of two persons is the first of a name and the other one a later
 * generation. An "I" that both names have, or that stands beside no later generation, is an initial.
 */
function isFirstBeside(
  names: ComparisonFeature | undefined,
  others: ComparisonFeature | undefined,
): boolean {
  if (!Array.isArray(names) || names.length !== 1 || !Array.isArray(others)) return false
  const [one, other] = [names[0] as NameFeature, others[0] as NameFeature]
  const isLater = others.length === 1 && ['ii', 'iii', 'iv'].includes(other.x ?? '')
  return isLater && one.x === undefined && one.t.indexOf('i') > 0 && !other.t.includes('i')
}

/**
 * Returns the comparisons of each policy group that has several kinds: they are correlated, so only
 * the strongest counts.
 */
function correlatedGroups(comparisons: readonly Comparison[]): number[][] {
  const byGroup = new Map<string, number[]>()
  for (const [index, comparison] of comparisons.entries())
    if (comparison.group !== undefined)
      byGroup.set(comparison.group, [...(byGroup.get(comparison.group) ?? []), index])
  return [...byGroup.values()].filter((members) => members.length > 1)
}

function scoreColumns(comparisons: readonly Comparison[], parameters: Parameters): ScoredColumn[] {
  const columns: ScoredColumn[] = []
  for (const [comparisonIndex, comparison] of comparisons.entries())
    for (const column of columnsOf(comparison)) {
      const trained = levelShares(parameters, comparison, column)
      const m = column.levels.map((level, i) => trained?.m[i] ?? level.m)
      const r = column.levels.map((level, i) => trained?.r[i] ?? level.r)
      const u = column.levels.map((level, i) => trained?.u[i] ?? level.u)
      columns.push({
        ...column,
        comparison,
        comparisonIndex,
        at: columns.length,
        repeats:
          comparison.kind === 'address' && columns.at(-1)?.comparisonIndex === comparisonIndex,
        m: Float64Array.from(column.levels, (level, i) => (level.fixed ? level.m : m[i]!)),
        u: Float64Array.from(column.levels, (level, i) => (level.fixed ? level.u : u[i]!)),
        weights: Float64Array.from(column.levels, (level, i) =>
          level.fixed ? Math.log2(level.m / level.u) : Math.log2(m[i]! / u[i]!),
        ),
        relatedWeights: Float64Array.from(column.levels, (level, i) =>
          level.fixed ? Math.log2(level.r / level.u) : Math.log2(r[i]! / u[i]!),
        ),

        rarity: Float64Array.from(column.levels, (level) => level.rarity ?? 0),
        expected: Float64Array.from(u, (share, i) => trained?.expected?.[i] ?? -Math.log2(share)),
      })
    }
  return columns
}
