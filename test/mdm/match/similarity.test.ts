import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  differInTwoLetters,
  editDistance,
  jaroWinkler,
  wordSimilarity,
} from '../../../mdm/match/similarity.ts'
import fc from '../../property.ts'

/** Restricted Damerau distance by its textbook definition. */
function slowDistance(a: string, b: string): number {
  const d = Array.from({ length: a.length + 1 }, (_, i) =>
    Array.from({ length: b.length + 1 }, (_, j) => (i === 0 ? j : j === 0 ? i : 0)),
  )
  for (let i = 1; i <= a.length; i++)
    for (let j = 1; j <= b.length; j++) {
      d[i]![j] = Math.min(
        d[i - 1]![j]! + 1,
        d[i]![j - 1]! + 1,
        d[i - 1]![j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1),
      )
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        d[i]![j] = Math.min(d[i]![j]!, d[i - 2]![j - 2]! + 1)
    }
  return d[a.length]![b.length]!
}

const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c', '1'), maxLength: 10 })

test('edit distance within a band equals that of the whole table, up to the limit', () => {
  fc.assert(
    fc.property(word, word, fc.integer({ min: 1, max: 8 }), (a, b, limit) => {
      assert.equal(editDistance(a, b, limit), Math.min(slowDistance(a, b), limit + 1))
    }),
    { numRuns: 3000, seed: 1 },
  )
})

test('edit distance of long texts equals that of the whole table', () => {
  const long = fc.string({
    unit: fc.constantFrom('a', 'b', 'ł', '1'),
    minLength: 20,
    maxLength: 60,
  })
  fc.assert(
    fc.property(long, long, fc.integer({ min: 1, max: 40 }), (a, b, limit) => {
      assert.equal(editDistance(a, b, limit), Math.min(slowDistance(a, b), limit + 1))
    }),
    { numRuns: 500, seed: 3 },
  )
})

test('all similarities are symmetric', () => {
  fc.assert(
    fc.property(word, word, (a, b) => {
      assert.ok(Math.abs(jaroWinkler(a, b) - jaroWinkler(b, a)) < 1e-12)
      assert.equal(wordSimilarity(a, b), wordSimilarity(b, a))
    }),
    { numRuns: 3000, seed: 2 },
  )
})

test('Jaro-Winkler gives the values of its published examples', () => {
  assert.ok(Math.abs(jaroWinkler('martha', 'marhta') - 0.9611) < 1e-3)
  assert.ok(Math.abs(jaroWinkler('dixon', 'dicksonx') - 0.8133) < 1e-3)
  assert.ok(Math.abs(jaroWinkler('dwayne', 'duane') - 0.84) < 1e-3)
})

test('words match with one typing error if short and two if long; numbers match exactly', () => {
  assert.ok(wordSimilarity('meier', 'maier') > 0.7)
  assert.ok(wordSimilarity('goldsworthy', 'goldswrothi') > 0.7)
  assert.equal(wordSimilarity('hans', 'otto'), 0)
  assert.equal(wordSimilarity('1234', '1235'), 0)
})

test('two replaced letters are none that are left out, doubled, swapped or moved', () => {
  for (const [a, b, replaced] of [
    ['rosalind', 'rosamund', true],
    ['haruka', 'haruto', true],
    ['narendra', 'narender', false],
    ['barack', 'baraku', false],
    ['jeffery', 'jeffrey', false],
    ['daniel', 'daniela', false],
    ['maria', 'marie', false],
    ['maria', 'maria', false],
  ] as const)
    for (const [one, other] of [
      [a, b],
      [b, a],
    ] as const)
      assert.equal(differInTwoLetters(one, other), replaced, `${one} ${other}`)
})
