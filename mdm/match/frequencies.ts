import { weighFeature } from '../standardise/weigh.ts'
import { COMMON_BITS } from './commonValues.ts'
import { forEachValue, type PackedColumn } from './packedFeatures.ts'
import type { Frequencies } from './parameters.ts'
import type { ComparisonKind } from './plan.ts'
import { unknownBits, WHOLE_BITS } from './priors.ts'

/**
 * A model lists at most this many values of one sort, the most frequent ones; the others are
 * "unknown", that is, rare.
 */
const FREQUENCY_VALUES_MAX = 50_000
/**
 * With this many records, counted and shipped bits weigh the same. In small data a value is
 * frequent mostly because one thing has many records, which is no evidence of its rarity in the
 * world.
 */
const PRIOR_RECORDS = 2000
/** A value in more than this share of the records is frequent, however small the data ... */
const FREQUENT_SHARE = 0.05
/** ... unless it occurs so few times that all its records may be of one thing. */
const FEW_RECORDS = 5
/**
 * Words of products and texts differ so much between trades that the shipped list counts for
 * little.
 */
const PRIOR_RECORDS_TEXT = 100

/** How often each value of a comparison occurs, by sort ("surname", "token" ...). */
export type ValueCounts = ReadonlyMap<string, ReadonlyMap<string, number>>

/** Counts the values of a comparison: each of them with the number of records that have it. */
export function countValues(kind: ComparisonKind, column: PackedColumn): ValueCounts {
  const sorts = new Map<string, Map<string, number>>()
  forEachValue(column, (feature, records) =>
    weighFeature(kind, feature, (sort, value) => {
      let counts = sorts.get(sort)
      if (!counts) {
        counts = new Map()
        sorts.set(sort, counts)
      }
      counts.set(value, (counts.get(value) ?? 0) + records)
      return 0
    }),
  )
  return sorts
}

/**
 * Returns the bits of every counted value: log2 of one over its share of the records that have the
 * comparison, blended with the shipped bits. Values seen once count as `unknown`.
 * @param named whether the words are of names of persons or organisations
 * @param records records that have a value of the comparison
 */
export function frequenciesOf(
  sort: string,
  counts: ReadonlyMap<string, number>,
  records: number,
  named: boolean,
): Frequencies {
  if (sort === 'whole') return wholeFrequencies(counts, records)
  const common = COMMON_BITS.get(sort)
  const trust =
    records / (records + (sort === 'token' && !named ? PRIOR_RECORDS_TEXT : PRIOR_RECORDS))
  const bitsOf = (value: string, count: number) => {
    const frequent = count <= FEW_RECORDS ? 0 : count / records / FREQUENT_SHARE
    const shipped = (1 - trust) / (1 + frequent ** 2)
    return (
      (1 - shipped) * -Math.log2(Math.min(1, count / records)) +
      shipped * (common?.get(value) ?? unknownBits(sort, value))
    )
  }
  const listed = [...counts]
    .filter(([, count]) => count > 1)
    .sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
    .slice(0, FREQUENCY_VALUES_MAX)
  const bits = new Map(listed.map(([value, count]) => [value, round(bitsOf(value, count))]))
  if (common)
    for (const value of common.keys())
      if (!bits.has(value)) bits.set(value, round(bitsOf(value, counts.get(value) ?? 0.5)))
  const restCount = listed.length === FREQUENCY_VALUES_MAX ? Math.max(1, listed.at(-1)![1] / 2) : 1
  return {
    unknown: round(-Math.log2(Math.min(1, restCount / records))),
    shipped: 1 - trust,
    bits: Object.fromEntries(bits),
  }
}

/**
 * Returns the bits of whole texts, as an upper bound of the sum of their words: "Editor's Notes" is
 * frequent although its words are not. A text that occurs a few times may be of one thing, and has
 * no bound.
 */
function wholeFrequencies(counts: ReadonlyMap<string, number>, records: number): Frequencies {
  const bitsOf = (count: number) => {
    const counted = -Math.log2(count / records)
    return counted + Math.max(0, WHOLE_BITS - counted) / (1 + (count / FEW_RECORDS) ** 2)
  }
  const listed = [...counts]
    .filter(([, count]) => count > 1)
    .sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
    .slice(0, FREQUENCY_VALUES_MAX)
  return {
    unknown: WHOLE_BITS,
    shipped: 0,
    bits: Object.fromEntries(listed.map(([value, count]) => [value, round(bitsOf(count))])),
  }
}

function round(bits: number): number {
  return Math.round(bits * 10) / 10
}
