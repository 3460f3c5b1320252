import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createEngine } from '../../../mdm/match/engine.ts'
import { estimate } from '../../../mdm/match/estimate.ts'
import type { Comparator, MatchType } from '../../../mdm/match/plan.ts'
import { createSeededRandom } from '../../../mdm/match/random.ts'
import { VectorCounter } from '../../../mdm/match/vectors.ts'

const field = (name: string, as: Comparator) => ({ name, list: false, compare: { as } })
/**
 * Four independent columns without term frequencies: the estimate gives only m, r, u and the
 * shares.
 */
const TYPE: MatchType = {
  name: 'Thing',
  uniqueIn: [],
  fields: [
    field('born', 'DATE_OF_BIRTH'),
    field('day', 'DATE'),
    field('price', 'PRICE'),
    field('size', 'NUMBER'),
  ],
}
const M = [
  [0.9, 0.05, 0.02, 0.01, 0.01, 0.01],
  [0.88, 0.02, 0.04, 0.03, 0.02, 0.01],
  [0.6, 0.15, 0.1, 0.08, 0.04, 0.03],
  [0.7, 0.1, 0.1, 0.1],
]
const U = [
  [0.01, 0.01, 0.02, 0.06, 0.3, 0.6],
  [0.01, 0.02, 0.02, 0.05, 0.3, 0.6],
  [0.02, 0.03, 0.05, 0.2, 0.2, 0.5],
  [0.05, 0.05, 0.1, 0.8],
]
const PAIRS_IN_ALL = 2_000_000
const MATCHES = 4000

function sampled(seed: number) {
  const columns = createEngine(TYPE).scorer.columns
  const random = createSeededRandom(seed)
  const draw = (shares: readonly number[]) => {
    let at = random()
    for (const [level, share] of shares.entries()) {
      at -= share
      if (at < 0) return level
    }
    return shares.length - 1
  }
  const sink = { levels: new Int8Array(4), bits: new Float64Array(4).fill(Number.NaN) }
  const fill = (shares: readonly (readonly number[])[]) => {
    for (let at = 0; at < 4; at++) sink.levels[at] = draw(shares[at]!)
  }
  const candidates = new VectorCounter(columns)
  const sample = new VectorCounter(columns)
  // Blocks by equal birth date or equal day, as keys would: matches that agree on neither are lost.
  const isCandidate = () => sink.levels[0] === 0 || sink.levels[1] === 0
  for (let i = 0; i < MATCHES; i++) {
    fill(M)
    if (isCandidate()) candidates.add(sink)
  }
  for (let i = 0; i < PAIRS_IN_ALL; i++) {
    fill(U)
    if (isCandidate()) candidates.add(sink)
    if (i < 300_000) sample.add(sink)
  }
  return estimate(columns, candidates.vectors(), sample.vectors(), {
    pairsInAll: PAIRS_IN_ALL,
    records: 2 * MATCHES,
    matchesGuess: MATCHES,
    views: 4,
  })
}

test('recovers m, u and the share of matches from generated data', () => {
  const found = sampled(11)
  for (const [at, shares] of M.entries())
    for (const [level, share] of shares.entries())
      assert.ok(
        Math.abs(found.m[at]![level]! - share) < 0.035,
        `m of column ${at}, level ${level}: ${found.m[at]![level]} for ${share}`,
      )
  for (const [at, shares] of U.entries())
    for (const [level, share] of shares.entries())
      assert.ok(
        Math.abs(found.u[at]![level]! - share) < 0.01,
        `u of column ${at}, level ${level}: ${found.u[at]![level]} for ${share}`,
      )
  assert.ok(
    Math.abs(found.matchShare / (MATCHES / PAIRS_IN_ALL) - 1) < 0.1,
    `${found.matchShare * PAIRS_IN_ALL} matches for ${MATCHES}`,
  )
})

test('one seed gives the same numbers, and levels stay in order', () => {
  const found = sampled(5)
  assert.deepEqual(found, sampled(5))
  for (const [at, m] of found.m.entries())
    for (let level = 1; level < m.length; level++)
      assert.ok(
        m[level - 1]! / found.u[at]![level - 1]! >= m[level]! / found.u[at]![level]! - 1e-9,
        `column ${at}: level ${level} weighs more than the one before`,
      )
})
