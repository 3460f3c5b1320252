import type { BatchResult } from './batch.ts'
import { clusterPairs } from './clusterPairs.ts'
import { probabilityOf } from './probability.ts'
import { createSeededRandom } from './random.ts'

/** Pairs of one range of the score that share a fate: one cluster, or two. */
export interface Stratum {
  isOne: boolean
  /** Index of the range; neighbours have neighbouring numbers. */
  range: number
  /** Number of pairs. */
  size: number
}

/** A pair that is to be labelled. `stratum` is an index into the list of strata. */
export interface SampledPair {
  a: number
  b: number
  stratum: number
}

export interface LabelSample {
  strata: Stratum[]
  /** In random order, so that the order does not show the score. */
  pairs: SampledPair[]
}

/** Bounds of the ranges of the score in bits, relative to the threshold. */
const BOUNDS = [-1, 0, 1, 3, 7, 15]
/** A range whose pairs all seem sure teaches something nevertheless. */
const DEVIATION_MIN = 0.05
/** Share of the pairs that is spread evenly; the rest goes where the answer is least known. */
const EVEN_SHARE = 0.5

/** A pair with its fate: in one cluster, or in two. */
export interface FatedPair {
  weight: number
  isOne: boolean
}

/**
 * Draws pairs to label, spread over the range of the score. Half of them are spread evenly over the
 * ranges; the other half by Neyman's allocation, size times deviation of the answer as the model
 * expects it (W. G. Cochran, Sampling Techniques, 3rd ed. 1977, 5.5).
 * @param drawFrom draws so many pairs of a stratum at random; a longer draw has to contain the
 *   shorter one, so that a larger sample contains the smaller one
 */
export function sampleStrata<P extends FatedPair>(
  all: Iterable<P>,
  matchWeightMin: number,
  count: number,
  drawFrom: (group: P[], count: number, stratum: number) => P[],
): { strata: Stratum[]; pairs: (P & { stratum: number })[] } {
  const groups = Map.groupBy(all, ({ weight, isOne }) => {
    const range = BOUNDS.filter((bound) => weight - matchWeightMin >= bound).length
    return range * 2 + Number(isOne)
  })
  const sorted = [...groups].sort(([x], [y]) => x - y)
  const strata = sorted.map(
    ([key, { length }]): Stratum => ({
      isOne: key % 2 === 1,
      range: Math.floor(key / 2),
      size: length,
    }),
  )
  const numbers = allocate(
    count,
    sorted.map(([, group]) => ({ size: group.length, deviation: deviationOf(group) })),
  )
  const pairs = sorted.flatMap(([key, group], stratum) =>
    drawFrom(group, numbers[stratum]!, key).map((pair) => ({ ...pair, stratum })),
  )
  return { strata, pairs }
}

/** Draws pairs of a batch to label; one seed gives one sample. */
export function sampleForLabels(result: BatchResult, count: number, seed: number): LabelSample {
  const { clusterOf, engine } = result
  const { strata, pairs } = sampleStrata(
    [
      ...clusterPairs(result).map((pair) => ({ ...pair, isOne: true })),
      ...result.pairs
        .filter(({ a, b }) => clusterOf[a] !== clusterOf[b])
        .map((pair) => ({ ...pair, isOne: false })),
    ],
    engine.matchWeightMin,
    count,
    (group, drawn, key) => draw(group, drawn, createSeededRandom(seed * 1_000 + key)),
  )
  const sampled = pairs.map(({ a, b, stratum }): SampledPair => ({ a, b, stratum }))
  return { strata, pairs: draw(sampled, sampled.length, createSeededRandom(seed)) }
}

/** Returns the standard deviation of the answer in a group, by the model's probabilities. */
function deviationOf(group: readonly FatedPair[]): number {
  let sum = 0
  for (const { weight } of group) sum += probabilityOf(weight)
  const mean = sum / group.length
  return Math.max(DEVIATION_MIN, Math.sqrt(mean * (1 - mean)))
}

/**
 * Divides a number of pairs over groups; no group gets more pairs than it has. The numbers grow
 * with the number that is divided.
 */
export function allocate(
  count: number,
  groups: readonly { size: number; deviation: number }[],
): number[] {
  const numbers = groups.map(() => 0)
  const total = groups.reduce((sum, { size, deviation }) => sum + size * deviation, 0)
  const shares = groups.map(
    ({ size, deviation }) =>
      EVEN_SHARE / groups.length + ((1 - EVEN_SHARE) * size * deviation) / Math.max(total, 1e-9),
  )
  // One pair at a time to the group that is furthest behind its share (D'Hondt), so that a larger
  // sample takes none away.
  for (let left = count; left > 0; left--) {
    let best = -1
    for (const [i, { size }] of groups.entries())
      if (
        numbers[i]! < size &&
        (best < 0 || shares[i]! / (numbers[i]! + 1) > shares[best]! / (numbers[best]! + 1))
      )
        best = i
    if (best < 0) break
    numbers[best]!++
  }
  return numbers
}

/** Draws elements of a list at random (Fisher-Yates); a longer draw begins as a shorter one. */
function draw<T>(list: readonly T[], count: number, random: () => number): T[] {
  const moved = new Map<number, number>()
  const drawn: T[] = []
  for (let i = 0; i < Math.min(count, list.length); i++) {
    const j = i + Math.floor(random() * (list.length - i))
    drawn.push(list[moved.get(j) ?? j]!)
    moved.set(j, moved.get(i) ?? i)
  }
  return drawn
}
