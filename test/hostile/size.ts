/**
 * Returns the number of hostile records that TOUCHSTONE_HOSTILE asks for; `few` without it. Throws
 * for another text than a number: with none, a run would attack nothing and pass.
 */
export function hostileRecords(few: number): number {
  const given = process.env.TOUCHSTONE_HOSTILE
  if (given === undefined) return few
  // The word of test/access/attacks.long.pg.test.ts for every value at every place.
  if (given === 'all') return recordsOfAll
  const count = Number(given)
  if (Number.isSafeInteger(count) && count >= 1) return count
  throw new Error(`TOUCHSTONE_HOSTILE is "${given}": a number of records, or "all"`)
}

const recordsOfAll = 100_000
