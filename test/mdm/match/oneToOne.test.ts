import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OneToOne, oneToOneBits } from '../../../mdm/match/oneToOne.ts'
import { createSeededRandom } from '../../../mdm/match/random.ts'

type Pair = readonly [a: number, b: number, weight: number]

function compete(pairs: readonly Pair[]): number[] {
  const oneToOne = new OneToOne(
    pairs.map(([a, b]) => ({ a, b: 1000 + b, sourceA: 'left', sourceB: 'right' })),
  )
  return [...oneToOne.compete(pairs.map(([, , weight]) => weight))]
}

/** Returns the exact log2 odds of each pair: the sum over all ways to match one to one. */
function exact(pairs: readonly Pair[]): number[] {
  const within = pairs.map(() => 0)
  let all = 0
  for (let chosen = 0; chosen < 2 ** pairs.length; chosen++) {
    const picked = pairs.filter((_, i) => (chosen >> i) & 1)
    const isOneToOne =
      new Set(picked.map(([a]) => a)).size === picked.length &&
      new Set(picked.map(([, b]) => b)).size === picked.length
    if (!isOneToOne) continue
    const odds = 2 ** picked.reduce((sum, [, , weight]) => sum + weight, 0)
    all += odds
    for (let i = 0; i < pairs.length; i++) if ((chosen >> i) & 1) within[i]! += odds
  }
  return within.map((odds) => Math.log2(odds / (all - odds)))
}

test('gives the exact odds where the pairs form no ring', () => {
  const random = createSeededRandom(3)
  for (let round = 0; round < 50; round++) {
    // A chain a0-b0-a1-b1-... of up to eight pairs.
    const pairs = Array.from(
      { length: 1 + Math.floor(random() * 8) },
      (_, i): Pair => [Math.floor((i + 1) / 2), Math.floor(i / 2), Math.round(random() * 20 - 8)],
    )
    const found = compete(pairs)
    for (const [i, odds] of exact(pairs).entries())
      assert.ok(
        Math.abs(found[i]! - odds) < 0.2,
        `${JSON.stringify(pairs)}: pair ${i} has ${found[i]}, exactly ${odds}`,
      )
  }
})

test('a pair without competition has its own weight; an exact twin beats a neighbour', () => {
  assert.deepEqual(compete([[0, 0, 5]]), [5])
  const [twin, neighbour] = compete([
    [0, 0, 40],
    [0, 1, 35],
  ])
  assert.ok(twin! > 4 && neighbour! < -4, `${twin} and ${neighbour}`)
})

test('a counterpart with a better one of its own does not compete', () => {
  const [own] = compete([
    [0, 0, 10],
    [1, 0, 9],
    [1, 1, 30],
  ])
  assert.ok(own! > 9, String(own))
})

test('two equal counterparts are both less likely than not', () => {
  for (const weight of compete([
    [0, 0, 30],
    [0, 1, 30],
  ]))
    assert.ok(weight < 0, String(weight))
  for (const weight of compete([
    [0, 0, 30],
    [0, 1, 30],
    [1, 0, 30],
    [1, 1, 30],
  ]))
    assert.ok(weight < 0, String(weight))
})

test('weights of hundreds of bits stay numbers', () => {
  for (const weight of compete([
    [0, 0, 900],
    [0, 1, 900],
    [1, 0, -900],
  ]))
    assert.ok(Number.isFinite(weight))
})

test('the more records have a counterpart, the more a pair gains; without any it gains nothing', () => {
  assert.equal(oneToOneBits(0, 100, 50), 0)
  assert.ok(Math.abs(oneToOneBits(50, 100, 100) - 2) < 0.1)
  assert.equal(oneToOneBits(100, 100, 100), 8)
  assert.equal(oneToOneBits(1000, 100, 100), 8)
})
