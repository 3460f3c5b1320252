import fc from 'fast-check'

/**
 * The first seed of whatever a test draws. `npm test` draws the same each time, so that it fails
 * for a change and not by chance; the long runs (`npm run test:soak`) draw anew and print what they
 * drew. TOUCHSTONE_SEED: a number, or `random`.
 */
const given = process.env.TOUCHSTONE_SEED ?? '1'
export const firstSeed = given === 'random' ? Math.floor(Math.random() * 2 ** 31) : Number(given)
if (!Number.isSafeInteger(firstSeed))
  throw new Error(`TOUCHSTONE_SEED is "${given}": a whole number or "random"`)

fc.configureGlobal({ seed: firstSeed })

export default fc
