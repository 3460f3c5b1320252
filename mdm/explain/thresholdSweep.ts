import type { Sql, Transaction } from '../db/database.ts'
import { probabilityOf } from '../match/probability.ts'

/** What a model expects if pairs were matches from `weight` on. */
export interface SweptThreshold {
  weight: number
  probability: number
  pairs: number
  /** Mean probability of the pairs; null without pairs. */
  precision: number | null
  /** Their share of the expected matches among all stored links; null without links. */
  recall: number | null
}

/** Weights around the threshold, as in the report of `touchstone match`. */
const STEPS = [-5, -3, -2, -1, 0, 1, 2, 3, 5, 7, 10, 15, 20]

/**
 * Returns what a model expects at each threshold from `linkWeightMin` on, by the stored links of a
 * golden type. Reads every link of the type once.
 */
export async function sweepThresholds(
  sql: Sql | Transaction,
  type: string,
  at: { matchWeightMin: number; linkWeightMin: number },
): Promise<SweptThreshold[]> {
  const weights = STEPS.map((step) => at.matchWeightMin + step).filter((w) => w >= at.linkWeightMin)
  // One pass: links by the highest threshold that they reach, summed up from above afterwards.
  const reached = await sql<{ step: number; pairs: number; matches: number }[]>`
    select width_bucket(l.weight::float8, ${weights}::float8[]) as step, count(*)::float8 as pairs,
      sum(1 / (1 + power(2::float8, -l.weight::float8))) as matches
    from link l join source_record r on r.id = l.a
    where r.type = ${type} and not r.deleted group by 1`
  const sumFrom = (n: number, part: 'pairs' | 'matches') =>
    reached.reduce((sum, r) => (r.step > n ? sum + r[part] : sum), 0)
  const expected = sumFrom(-1, 'matches')
  return weights.map((weight, n) => {
    const [pairs, matches] = [sumFrom(n, 'pairs'), sumFrom(n, 'matches')]
    return {
      weight,
      probability: probabilityOf(weight),
      pairs,
      precision: pairs === 0 ? null : matches / pairs,
      recall: expected === 0 ? null : matches / expected,
    }
  })
}
