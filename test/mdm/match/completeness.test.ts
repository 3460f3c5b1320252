import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { qualityOf, readRecords, readType } from '../../../bench/shared/labelledSets.ts'
import { matchBatch } from '../../../mdm/match/batch.ts'
import type { MatchRecord, MatchType } from '../../../mdm/match/engine.ts'
import { buildPostings, forEachCandidate, isSaturated } from '../../../mdm/match/postings.ts'
import { createSeededRandom } from '../../../mdm/match/random.ts'

const PEOPLE: MatchType = {
  name: 'Person',
  uniqueIn: [],
  fields: [
    { name: 'givenName', list: false, compare: { as: 'GIVEN_NAME' } },
    { name: 'surname', list: false, compare: { as: 'SURNAME' } },
    { name: 'born', list: false, compare: { as: 'DATE_OF_BIRTH' } },
    { name: 'city', list: false, compare: { as: 'CITY' } },
    { name: 'phone', list: false, compare: { as: 'PHONE' } },
    { name: 'email', list: false, compare: { as: 'EMAIL' } },
  ],
}

/**
 * Returns pairs of records of one person. Each field of the second differs with the given
 * probability.
 */
function duplicates(count: number, damage: number, seed: number): MatchRecord[] {
  const random = createSeededRandom(seed)
  const word = () =>
    Array.from(
      { length: 3 },
      () => 'bdfgklmnprst'[Math.floor(random() * 12)]! + 'aeiou'[Math.floor(random() * 5)]!,
    ).join('')
  const person = () => ({
    givenName: word(),
    surname: word(),
    born: `19${40 + Math.floor(random() * 60)}-0${1 + Math.floor(random() * 9)}-1${Math.floor(random() * 10)}`,
    city: `${word()}town`,
    phone: `+4930${1_000_000 + Math.floor(random() * 8_999_999)}`,
    email: `${word()}@${word()}.de`,
  })
  return Array.from({ length: count }, (_, i) => {
    const [one, other] = [person(), person()]
    const damaged = Object.fromEntries(
      Object.entries(one).map(([f, v]) => [f, random() < damage ? other[f as 'born'] : v]),
    )
    return [one, damaged].map((fields, n) => ({
      key: `p${String(i).padStart(4, '0')}${n}`,
      source: 's',
      fields,
    }))
  }).flat()
}

test('estimates pairs completeness closely, and includes matches missed by blocking in the odds of a match', () => {
  // From .55 on training counts as drifted, and the shipped levels do not fit such data.
  for (const damage of [0.1, 0.5]) {
    const records = duplicates(700, damage, 7)
    const { engine, features, training, stats } = matchBatch(PEOPLE, records, {
      randomPairsMax: 20_000,
    })
    const postings = buildPostings(
      records.length,
      (i) => engine.keys(features.at(i)),
      engine.blockRecordsMax,
    )
    const stamp = new Uint32Array(records.length)
    let met = 0
    for (let i = 0; i < records.length; i += 2)
      forEachCandidate(postings, i, stamp, (j) => {
        if (j === i + 1) met++
      })
    const share = met / 700
    const estimate = stats.pairsCompleteness ?? Number.NaN
    assert.ok(
      Math.abs(estimate - share) < 0.06,
      `damage ${damage} estimated ${estimate}, actual ${share}`,
    )
    const found = training?.completeness
    assert.ok(found && Math.abs(found.matches / (found.matches + found.missed) - estimate) < 1e-9)
    assert.equal(
      matchBatch(PEOPLE, records, { parameters: engine.parameters }).stats.pairsCompleteness !==
        null,
      true,
    )
  }
})

test('gives no estimate for few matches or a single kind of key', () => {
  const phones: MatchType = { name: 'Line', uniqueIn: [], fields: [PEOPLE.fields[4]!] }
  assert.equal(
    matchBatch(phones, duplicates(300, 0, 3), { randomPairsMax: 10_000 }).stats.pairsCompleteness,
    null,
  )
  assert.equal(matchBatch(PEOPLE, duplicates(10, 0.1, 3)).stats.pairsCompleteness, null)
})

test('a key is saturated if more records have it than a block may hold', () => {
  const keys = [['all', 'a'], ['all', 'a'], ['all', 'b'], ['all']]
  const postings = buildPostings(4, (i) => keys[i]!, 3)
  assert.deepEqual(
    ['all', 'a', 'b', 'none'].map((key) => isSaturated(postings, key)),
    [true, false, false, false],
  )
})

const SETS = join(import.meta.dirname, '../../../../shared/data/er')

test('does not count other members of a household as missed matches', {
  skip: existsSync(SETS) ? false : 'the data sets are not here',
}, () => {
  const result = matchBatch(readType(SETS, 'census', 'model.graphql'), readRecords(SETS, 'census'))
  const estimate = result.stats.pairsCompleteness ?? Number.NaN
  const { completeness } = qualityOf(SETS, 'census', result)
  assert.ok(
    Math.abs(estimate - completeness) < 0.05,
    `estimated ${estimate}, actual ${completeness}`,
  )
})
