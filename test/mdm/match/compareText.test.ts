import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  compareProducts,
  compareTitles,
  type ProductAgreement,
} from '../../../mdm/match/compareText.ts'
import type { ProductFeature } from '../../../mdm/match/featureTypes.ts'
import fc from '../../property.ts'

const product = (part: Partial<ProductFeature>): ProductFeature => ({
  t: [],
  b: [],
  m: [],
  mb: [],
  v: [],
  d: [],
  ...part,
})

function both(a: ProductFeature, b: ProductFeature, compare: typeof compareProducts) {
  return [
    [a, b],
    [b, a],
  ].map(([x, y]) => {
    const out: ProductAgreement = { level: 0, bits: 0, variant: 0 }
    compare(x!, y!, out)
    return out
  })
}

test('of two model numbers in the descriptions the rarer one counts, in either order', () => {
  const [one, other] = both(
    product({ t: ['pump'], b: [3], m: ['x100'], mb: [12], d: ['y200'] }),
    product({ t: ['pump'], b: [3], m: ['y200'], mb: [8], d: ['x100'] }),
    compareProducts,
  )
  assert.deepEqual([one?.bits, other?.bits], [12, 12])
})

test('products and titles compare alike in either order', () => {
  const word = fc.constantFrom('pump', 'pumpe', 'valve', 'valves', 'ii', '3', 'xbox', 'ps4', 'dn25')
  const model = fc.constantFrom('x100', 'x100a', 'y200', 'dn25', 'va2030', 'va0820', 'va2030ww')
  const feature = fc
    .record({
      words: fc.uniqueArray(fc.tuple(word, fc.integer({ min: 1, max: 16 })), {
        selector: ([text]) => text,
        maxLength: 5,
      }),
      models: fc.uniqueArray(fc.tuple(model, fc.integer({ min: 1, max: 16 })), {
        selector: ([text]) => text,
        maxLength: 3,
      }),
      coded: fc.integer({ min: 0, max: 2 }),
      v: fc.uniqueArray(fc.constantFrom('red', 'blue', '25mm', '30mm'), { maxLength: 3 }),
      d: fc.uniqueArray(model, { maxLength: 2 }),
    })
    .map(({ words, models, coded, v, d }) =>
      product({
        t: words.map(([text]) => text),
        b: words.map(([, bits]) => bits),
        m: models.map(([text]) => text),
        mb: models.map(([, bits]) => bits),
        k: Math.min(coded, models.length),
        v,
        d,
      }),
    )
  fc.assert(
    fc.property(feature, feature, (a, b) => {
      for (const compare of [compareProducts, compareTitles]) {
        const [one, other] = both(a, b, compare)
        assert.equal(one?.level, other?.level)
        assert.equal(one?.variant, other?.variant)
        assert.ok(Math.abs(one!.bits - other!.bits) < 1e-9, `${one?.bits} ${other?.bits}`)
      }
    }),
    { numRuns: 2_000 },
  )
})

test('a number that is also named with an ending is the one without, but not one with another ending', () => {
  const named = (...m: string[]) =>
    product({ t: ['washer', ...m], b: [3, ...m.map(() => 12)], m, mb: m.map(() => 12) })
  const levelOf = (a: ProductFeature, b: ProductFeature) =>
    both(a, b, compareProducts).map(({ level }) => level)
  const [MODEL, VARIANT] = [1, 8]
  assert.deepEqual(levelOf(named('wm2016cw', 'wm2016cwh'), named('wm2016cw')), [MODEL, MODEL])
  assert.deepEqual(levelOf(named('wm2016cw', 'wm2016cwh'), named('wm2016cw', 'wm2016cwb')), [
    VARIANT,
    VARIANT,
  ])
})
