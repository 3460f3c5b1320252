/** A pair of records of two sources that each hold a thing at most once. */
export interface CompetingPair {
  a: number
  b: number
  sourceA: string
  sourceB: string
}

/** Messages move half of the way in each round, so equal counterparts do not make them swing. */
const ROUNDS = 12
/** Beyond this many bits either way a pair is decided; 2 to this power is still a finite number. */
const WEIGHT_MAX = 200
/** Pairs of fewer bits do not compete: a thousand of them would not change a decision. */
const COMPETING_WEIGHT_MIN = -12

/**
 * Competition of possible counterparts: a record has at most one in each other source. The weight
 * of a pair becomes its log2 odds against "none" and against all other counterparts of the two. A
 * counterpart that has a better one of its own hardly competes. This is belief propagation for
 * matchings (B. Huang, T. Jebara, "Approximating the permanent with belief propagation", 2009).
 * Sums follow the order of the pairs, so equal input gives equal numbers.
 */
export class OneToOne {
  private readonly sideA: Int32Array
  private readonly sideB: Int32Array
  private readonly sums: Sums

  constructor(pairs: readonly CompetingPair[]) {
    const sides = new Map<string, number>()
    const sideOf = (record: number, source: string) => {
      const key = `${record} ${source}`
      const side = sides.get(key) ?? sides.size
      sides.set(key, side)
      return side
    }
    this.sideA = Int32Array.from(pairs, ({ a, sourceB }) => sideOf(a, sourceB))
    this.sideB = Int32Array.from(pairs, ({ b, sourceA }) => sideOf(b, sourceA))
    this.sums = new Sums(sides.size)
  }

  /**
   * Returns the weights under competition.
   * @param weights log2 odds of each pair if no other record were there
   */
  compete(weights: ArrayLike<number>): Float64Array {
    const { sideA, sideB, sums } = this
    const competing: number[] = []
    const odds = Float64Array.from(weights, (weight, at) => {
      if (weight >= COMPETING_WEIGHT_MIN) competing.push(at)
      return 2 ** Math.max(-WEIGHT_MAX, Math.min(WEIGHT_MAX, weight))
    })
    // The message of a record to a counterpart: the odds of the pair against all its other offers.
    const fromA = odds.slice()
    const fromB = odds.slice()
    const addUp = () => {
      sums.clear()
      for (const at of competing) {
        sums.add(sideA[at]!, fromB[at]!)
        sums.add(sideB[at]!, fromA[at]!)
      }
    }
    for (let round = 0; round < ROUNDS; round++) {
      addUp()
      for (const at of competing) {
        const [a, b] = [fromA[at]!, fromB[at]!]
        fromA[at] = Math.sqrt((a * odds[at]!) / (1 + sums.without(sideA[at]!, b)))
        fromB[at] = Math.sqrt((b * odds[at]!) / (1 + sums.without(sideB[at]!, a)))
      }
    }
    addUp()
    return odds.map((own, at) => {
      const isCompeting = weights[at]! >= COMPETING_WEIGHT_MIN
      const others = (side: number, message: number) =>
        Math.log2(1 + sums.without(side, isCompeting ? message : 0))
      return Math.log2(own) - others(sideA[at]!, fromB[at]!) - others(sideB[at]!, fromA[at]!)
    })
  }
}

/**
 * Sums by side, and each sum without one of its terms. The largest term stands by itself:
 * subtracting it from the sum would lose the small ones.
 */
class Sums {
  private readonly rest: Float64Array
  private readonly largest: Float64Array

  constructor(sides: number) {
    this.rest = new Float64Array(sides)
    this.largest = new Float64Array(sides)
  }

  clear(): void {
    this.rest.fill(0)
    this.largest.fill(0)
  }

  add(side: number, term: number): void {
    const largest = this.largest[side]!
    if (term > largest) {
      this.largest[side] = term
      this.rest[side]! += largest
    } else this.rest[side]! += term
  }

  without(side: number, term: number): number {
    const largest = this.largest[side]!
    return term === largest ? this.rest[side]! : Math.max(0, this.rest[side]! - term) + largest
  }
}

/**
 * A source of which more than 15 in 16 records seem to have a counterpart counts as if it were so
 * many: the share is an estimate.
 */
const UNMATCHED_SHARE_MIN = 1 / 16

/**
 * Returns the bits that a pair of two unique sources gains. With `matches` of n and m records
 * matched, the odds that a pair is one more match are matches over (n - matches) (m - matches), not
 * over n m: a record whose counterpart must be somewhere is more likely to be this one's.
 */
export function oneToOneBits(matches: number, n: number, m: number): number {
  const unmatched = (records: number) =>
    Math.max(UNMATCHED_SHARE_MIN, (records - matches + 1) / (records + 1))
  return Math.log2(1 / (unmatched(n) * unmatched(m)))
}
