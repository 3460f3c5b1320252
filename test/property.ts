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

export default fc
