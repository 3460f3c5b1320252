import fc from 'fast-check'

/**
 * The first seed of random tests. `npm test` always uses the same one, so a failure comes from a
 * change and not by chance. The long runs (`npm run test:soak`) use a new seed and print it.
 * TOUCHSTONE_SEED is a number or `random`.
 */
const given = process.env.TOUCHSTONE_SEED ?? '1'
export const firstSeed = given === 'random' ? Math.floor(Math.random() * 2 ** 31) : Number(given)
if (!Number.isSafeInteger(firstSeed))
  throw new Error(`TOUCHSTONE_SEED is "${given}": a whole number or "random"`)

fc.configureGlobal({ seed: firstSeed })

/**
 * `npm test` takes one half of the samples of some slow tests, and the run of `.ci/run` on Postgres 15
 * the other: TOUCHSTONE_HALF=1. `all` takes both.
 */
const halfGiven = process.env.TOUCHSTONE_HALF ?? '0'
if (!['0', '1', 'all'].includes(halfGiven))
  throw new Error(`TOUCHSTONE_HALF is "${halfGiven}": 0, 1 or "all"`)
export const half = halfGiven === 'all' ? null : Number(halfGiven)

/** Returns true if this run takes the nth sample. */
export const isMine = (n: number) => half === null || n % 2 === half

/** Why a test that is decided above the database is left out of the second run. */
export const aboveDatabase = half === 1 && 'does not depend on the version of Postgres'

export default fc
