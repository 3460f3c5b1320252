import type { Engine, Features } from './engine.ts'
import type { FeatureReader } from './packedFeatures.ts'
import { createSeededRandom } from './random.ts'
import type { VectorCounter } from './vectors.ts'

/** Random pairs of some records: places in `records`, in shared memory. */
export interface RandomPairs {
  records: readonly Features[]
  a: Uint16Array
  b: Uint16Array
}

/**
 * Random pairs are drawn from this many records drawn first: they fit the processor's cache, and
 * are enough.
 */
const RANDOM_RECORDS_MAX = 5000
/** Records of one part: the pairs of two parts follow each other, so that both stay in the cache. */
const PART_RECORDS = 128
/** Pairs of one piece of a thread's work. */
export const PIECE_PAIRS = 20_000
/** A place has this many bits, in the number by which pairs are sorted too. */
const PLACE = 65_536

/**
 * Draws pairs of records, or returns all of them if there are not more than `pairsMax`. The same
 * records and seed give the same pairs.
 */
export function drawRandomPairs(
  features: FeatureReader,
  pairsMax: number,
  seed: number,
): RandomPairs {
  const n = features.length
  const most = Math.max(0, Math.min((n * (n - 1)) / 2, pairsMax))
  const a = new Uint16Array(new SharedArrayBuffer(2 * most))
  const b = new Uint16Array(new SharedArrayBuffer(2 * most))
  if ((n * (n - 1)) / 2 <= pairsMax && n <= PLACE) {
    let at = 0
    for (let i = 0; i < n; i++)
      for (let j = i + 1; j < n; j++) {
        a[at] = i
        b[at++] = j
      }
    return { records: Array.from({ length: n }, (_, i) => features.at(i)), a, b }
  }
  const random = createSeededRandom(seed)
  const records = drawSome(n, RANDOM_RECORDS_MAX, random).map((i) => features.at(i))
  const parts = Math.ceil(records.length / PART_RECORDS)
  const partOf = (place: number) => Math.floor(place / PART_RECORDS)
  const drawn = new Float64Array(most)
  let count = 0
  for (let pair = 0; pair < most; pair++) {
    const i = Math.floor(random() * records.length)
    const j = Math.floor(random() * records.length)
    if (i === j) continue
    const [low, high] = i < j ? [i, j] : [j, i]
    drawn[count++] = ((partOf(low) * parts + partOf(high)) * PLACE + low) * PLACE + high
  }
  const sorted = drawn.subarray(0, count).sort()
  for (const [at, code] of sorted.entries()) {
    a[at] = Math.floor(code / PLACE) % PLACE
    b[at] = code % PLACE
  }
  return { records, a: a.subarray(0, count), b: b.subarray(0, count) }
}

/** Draws some of the numbers under `n`, rising (Knuth's selection sampling); all if there are fewer. */
function drawSome(n: number, count: number, random: () => number): number[] {
  if (n <= count) return Array.from({ length: n }, (_, i) => i)
  const drawn: number[] = []
  for (let i = 0; i < n && drawn.length < count; i++)
    if (random() * (n - i) < count - drawn.length) drawn.push(i)
  return drawn
}

/** Counts the vectors of the pairs `from` to `to` (exclusive), except those within a unique source. */
export function countRandomPairs(
  engine: Engine,
  { records, a, b }: RandomPairs,
  from: number,
  to: number,
  counter: VectorCounter,
): void {
  for (let at = from; at < to; at++) {
    const one = records[a[at]!]!
    const other = records[b[at]!]!
    if (one.s !== other.s || !engine.isUniqueSource(one.s))
      counter.add(engine.scorer.levels(one.u, other.u))
  }
}
