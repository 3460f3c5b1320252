import assert from 'node:assert/strict'
import { test } from 'node:test'
import { matchBatch } from '../../../mdm/match/batch.ts'
import type { MatchRecord, MatchType } from '../../../mdm/match/engine.ts'
import {
  estimateFromLabels,
  type LabelledStratum,
  wilson,
} from '../../../mdm/match/labelEstimate.ts'
import { allocate, sampleForLabels } from '../../../mdm/match/labelSample.ts'
import { createSeededRandom } from '../../../mdm/match/random.ts'

const TYPE: MatchType = {
  name: 'Person',
  uniqueIn: [],
  fields: [
    { name: 'name', list: false, compare: { as: 'PERSON_NAME' } },
    { name: 'city', list: false, compare: { as: 'CITY' } },
    { name: 'born', list: false, compare: { as: 'DATE_OF_BIRTH' } },
  ],
}
const given = ['Anna', 'Bert', 'Clara', 'Dora', 'Emil', 'Fritz', 'Gerda', 'Hans']
const family = ['Lindqvist', 'Okafor', 'Weiss', 'Nowak', 'Rossi', 'Silva', 'Dubois']
/** 240 people of few names, each there twice; some with another date, or without town or date. */
const people = (): MatchRecord[] =>
  Array.from({ length: 480 }, (_, i) => {
    const n = i % 240
    const born = new Date(Date.UTC(1950, 0, 1 + 97 * n + (i > n && n % 5 === 0 ? 1 : 0)))
      .toISOString()
      .slice(0, 10)
    return {
      key: `s\u0001${i}`,
      source: 's',
      fields: {
        name: `${given[n % 8]} ${family[(n >> 1) % 7]}`,
        city: i % 3 ? `Town ${n % 5}` : undefined,
        born: i % 2 ? born : undefined,
      },
    }
  })

test('a sample is spread over the ranges of the score, and a larger one contains it', () => {
  const result = matchBatch(TYPE, people(), { randomPairsMax: 5000 })
  const name = ({ a, b }: { a: number; b: number }) => `${a} ${b}`
  const small = sampleForLabels(result, 20, 1)
  const large = sampleForLabels(result, 60, 1)
  assert.equal(small.pairs.length, 20)
  assert.deepEqual(small, sampleForLabels(result, 20, 1))
  const inLarge = new Set(large.pairs.map(name))
  assert.equal(inLarge.size, 60)
  assert.ok(small.pairs.every((pair) => inLarge.has(name(pair))))
  const reached = new Set(large.pairs.map((p) => p.stratum))
  assert.equal(reached.size, large.strata.length)
  assert.ok(large.strata.some((s) => s.isOne) && large.strata.some((s) => !s.isOne))
  // The order does not follow the score.
  const order = large.pairs.map((p) => p.stratum)
  assert.notDeepEqual(
    order,
    order.toSorted((x, y) => x - y),
  )
})

test('no range gets more pairs than it has, and each gets some', () => {
  const groups = [
    { size: 100_000, deviation: 0.05 },
    { size: 3, deviation: 0.5 },
    { size: 400, deviation: 0.4 },
  ]
  const numbers = allocate(100, groups)
  assert.equal(numbers[1], 3)
  assert.equal(
    numbers.reduce((x, y) => x + y),
    100,
  )
  assert.ok(numbers.every((n) => n > 0))
  assert.deepEqual(allocate(9, [{ size: 2, deviation: 0.5 }]), [2])
})

test('Wilson has the interval of the textbook', () => {
  const { low, high } = wilson(0.9, 100)
  assert.ok(Math.abs(low - 0.8256) < 1e-3 && Math.abs(high - 0.9448) < 1e-3, `${low} ${high}`)
  assert.ok(wilson(1, 50).low > 0.92 && wilson(1, 50).low < 0.94)
})

test('the intervals hold the truth about as often as they say', () => {
  // Seven ranges with known shares; the samples are drawn again and again.
  const ranges = [
    { isOne: true, range: 3, size: 300, p: 0.7 },
    { isOne: true, range: 4, size: 1_500, p: 0.93 },
    { isOne: true, range: 5, size: 6_000, p: 0.995 },
    { isOne: false, range: 0, size: 4_000, p: 0.02 },
    { isOne: false, range: 1, size: 900, p: 0.2 },
    { isOne: false, range: 2, size: 250, p: 0.5 },
    { isOne: false, range: 5, size: 40, p: 0.6 },
  ]
  const sum = (isOne: boolean, weigh: (r: (typeof ranges)[number]) => number) =>
    ranges.filter((r) => r.isOne === isOne).reduce((total, r) => total + weigh(r), 0)
  const ones = sum(true, (r) => r.size * r.p)
  const truth = {
    precision: ones / sum(true, (r) => r.size),
    recall: ones / (ones + sum(false, (r) => r.size * r.p)),
  }
  const numbers = allocate(
    150,
    ranges.map(({ size, p }) => ({ size, deviation: Math.max(0.05, Math.sqrt(p * (1 - p))) })),
  )
  const random = createSeededRandom(7)
  const rounds = 2_000
  const held = { precision: 0, recall: 0 }
  const mean = { precision: 0, recall: 0 }
  for (let round = 0; round < rounds; round++) {
    const strata = ranges.map(({ p, ...range }, i): LabelledStratum => {
      const labelled = numbers[i]!
      let same = 0
      for (let n = 0; n < labelled; n++) if (random() < p) same++
      return { ...range, labelled, same }
    })
    const found = estimateFromLabels(strata)
    for (const what of ['precision', 'recall'] as const) {
      const { share, low, high } = found[what]!
      mean[what] += share / rounds
      if (low <= truth[what] && truth[what] <= high) held[what]++
    }
  }
  for (const what of ['precision', 'recall'] as const) {
    assert.ok(Math.abs(mean[what] - truth[what]) < 0.005, `${what} ${mean[what]} ${truth[what]}`)
    assert.ok(held[what] / rounds > 0.92, `${what}: ${held[what] / rounds}`)
  }
})

test('ranges without an answer join their neighbour; without any answer nothing is estimated', () => {
  const strata: LabelledStratum[] = [
    { isOne: true, range: 3, size: 10, labelled: 4, same: 2 },
    { isOne: true, range: 4, size: 10, labelled: 0, same: 0 },
    { isOne: true, range: 6, size: 80, labelled: 5, same: 5 },
    { isOne: false, range: 1, size: 10, labelled: 0, same: 0 },
  ]
  const { precision, recall } = estimateFromLabels(strata)
  assert.equal(precision?.share, 0.9)
  assert.equal(recall, null)
  const none = strata.map((s) => ({ ...s, labelled: 0, same: 0 }))
  assert.deepEqual(estimateFromLabels(none), { precision: null, recall: null })
  const whole = strata.slice(0, 1).map((s) => ({ ...s, labelled: 10, same: 5 }))
  assert.deepEqual(estimateFromLabels(whole).precision, { share: 0.5, low: 0.5, high: 0.5 })
  assert.deepEqual(estimateFromLabels(whole).recall, { share: 1, low: 1, high: 1 })
})
