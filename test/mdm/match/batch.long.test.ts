import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Source } from 'graphql'
import { matchBatch } from '../../../mdm/match/batch.ts'
import {
  createEngine,
  type Engine,
  type Features,
  type MatchRecord,
  type MatchType,
} from '../../../mdm/match/engine.ts'
import { keyRecordsMax } from '../../../mdm/match/keyBound.ts'
import { createSeededRandom } from '../../../mdm/match/random.ts'
import { parsePolicy } from '../../../schema/readPolicy.ts'

const PEOPLE: MatchType = {
  name: 'Person',
  uniqueIn: [],
  fields: [
    { name: 'givenName', list: false, compare: { as: 'GIVEN_NAME' } },
    { name: 'surname', list: false, compare: { as: 'SURNAME' } },
    { name: 'born', list: false, compare: { as: 'DATE_OF_BIRTH' } },
    { name: 'phone', list: false, compare: { as: 'PHONE' } },
    { name: 'email', list: false, compare: { as: 'EMAIL' } },
  ],
}

const QUICK = { randomPairsMax: 20_000, candidatePairsMax: 50_000 }

/** Returns persons of whom every third occurs twice, once with a typing error. */
function people(
  count: number,
  seed: number,
): { records: MatchRecord[]; truth: Map<string, number> } {
  const random = createSeededRandom(seed)
  const word = () =>
    Array.from(
      { length: 3 },
      () => 'bdfgklmnprst'[Math.floor(random() * 12)]! + 'aeiou'[Math.floor(random() * 5)]!,
    ).join('')
  const records: MatchRecord[] = []
  const truth = new Map<string, number>()
  for (let i = 0; records.length < count; i++) {
    const fields = {
      givenName: word(),
      surname: word(),
      born: `19${40 + Math.floor(random() * 60)}-0${1 + Math.floor(random() * 9)}-1${Math.floor(random() * 10)}`,
      phone: `+4930${1_000_000 + Math.floor(random() * 8_999_999)}`,
      email: `${word()}@${word()}.de`,
    }
    for (const copy of i % 3 === 0
      ? [fields, { ...fields, surname: `${fields.surname}x`, phone: '' }]
      : [fields]) {
      const key = `s${records.length}`
      records.push({ key, source: 'a', fields: copy })
      truth.set(key, i)
    }
  }
  return { records, truth }
}

function clustersOf(result: { records: readonly MatchRecord[]; clusterOf: Int32Array }): string[] {
  const clusters = new Map<number, string[]>()
  for (const [i, record] of result.records.entries())
    clusters.set(result.clusterOf[i]!, [...(clusters.get(result.clusterOf[i]!) ?? []), record.key])
  return [...clusters.values()].map((keys) => keys.sort().join(' ')).sort()
}

function shuffled<T>(list: readonly T[], seed: number): T[] {
  const random = createSeededRandom(seed)
  return list
    .map((v) => [random(), v] as const)
    .sort((a, b) => a[0] - b[0])
    .map(([, v]) => v)
}

/**
 * Matches one record at a time, as the live pipeline does: candidates come from the postings so
 * far, and links are kept. Keys that exceed the bound drop their candidates, and only the touched
 * component is clustered again.
 */
function matchLive(engine: Engine, records: readonly MatchRecord[]): string[] {
  const features = new Map<string, Features>()
  const keysOf = new Map<string, string[]>()
  const postings = new Map<string, string[]>()
  for (const record of records) {
    features.set(record.key, JSON.parse(JSON.stringify(engine.standardise(record))))
    keysOf.set(record.key, engine.keys(features.get(record.key)!))
    for (const key of keysOf.get(record.key)!)
      postings.set(key, [...(postings.get(key) ?? []), record.key])
  }
  const open = (key: string) =>
    postings.get(key)!.length <= keyRecordsMax(key, engine.blockRecordsMax)
  const seen = new Set<string>()
  const links = new Map<string, { b: string; weight: number }[]>()
  for (const { key: a } of records)
    for (const key of keysOf.get(a)!)
      if (open(key))
        for (const b of postings.get(key)!) {
          if (a === b || seen.has(`${a} ${b}`)) continue
          seen.add(`${a} ${b}`)
          const weight = engine.link(features.get(a)!, features.get(b)!)
          if (weight !== null && engine.canJoin(weight))
            links.set(a, [...(links.get(a) ?? []), { b, weight: Math.fround(weight) }])
        }
  const done = new Set<string>()
  const clusters: string[] = []
  for (const { key, source } of records) {
    if (done.has(key)) continue
    const component = [key]
    done.add(key)
    for (const member of component)
      for (const { b } of links.get(member) ?? [])
        if (!done.has(b)) {
          done.add(b)
          component.push(b)
        }
    const found = engine.cluster(
      component.map((k) => ({
        key: k,
        source: features.get(k)?.s ?? source,
        features: features.get(k)!,
      })),
      component.flatMap((a) => (links.get(a) ?? []).map(({ b, weight }) => ({ a, b, weight }))),
      [],
    )
    clusters.push(...found.clusters.map((keys) => keys.join(' ')))
  }
  return clusters.sort()
}

test('finds exactly the duplicates, in any order of the input', () => {
  const { records, truth } = people(600, 4)
  const result = matchBatch(PEOPLE, records, QUICK)
  const real = new Map<number, string[]>()
  for (const [key, person] of truth) real.set(person, [...(real.get(person) ?? []), key])
  assert.deepEqual(
    clustersOf(result),
    [...real.values()].map((keys) => keys.sort().join(' ')).sort(),
  )
  const again = matchBatch(PEOPLE, shuffled(records, 9), QUICK)
  assert.deepEqual(again.engine.parameters, result.engine.parameters)
  assert.deepEqual(clustersOf(again), clustersOf(result))
})

test('I1: batch equals live, in any order, with the trained model and with the shipped one', () => {
  const { records } = people(400, 8)
  const batch = matchBatch(PEOPLE, records, QUICK)
  for (const seed of [1, 2])
    assert.deepEqual(matchLive(batch.engine, shuffled(records, seed)), clustersOf(batch))
  const untrained = createEngine(PEOPLE)
  assert.deepEqual(
    matchLive(untrained, shuffled(records, 3)),
    clustersOf(matchBatch(PEOPLE, records, { parameters: untrained.parameters })),
  )
})

const SETS = join(import.meta.dirname, '../../../../shared/data/er')
for (const set of [
  'febrl3',
  'splink-fake1000',
  'chicago-childcare',
  'abt-buy-full',
  'opensanctions-names',
  'senzing-truthset',
  'fodors-zagats',
  'census',
])
  test(`I1: batch equals live on ${set}`, {
    skip: existsSync(SETS) ? false : 'the data sets are not here',
  }, () => {
    const type = parsePolicy([
      new Source(readFileSync(join(SETS, set, 'model.graphql'), 'utf8'), set),
    ]).types[0]!
    const records = readFileSync(join(SETS, set, 'records.ndjson'), 'utf8')
      .trim()
      .split('\n')
      .map((line): MatchRecord => {
        const { source, id, fields } = JSON.parse(line) as {
          source: string
          id: string
          fields: MatchRecord['fields']
        }
        return { key: `${source}/${id}`, source, fields }
      })
    const batch = matchBatch(type, records, { randomPairsMax: 50_000 })
    assert.deepEqual(matchLive(batch.engine, shuffled(records, 5)), clustersOf(batch))
  })

test('accepts degenerate input: no record, one record, equal records, empty and constant fields, a repeated key', () => {
  assert.equal(matchBatch(PEOPLE, [], QUICK).clusters, 0)
  assert.equal(
    matchBatch(PEOPLE, [{ key: 'a', source: 's', fields: { surname: 'x' } }], QUICK).clusters,
    1,
  )
  const equalRecords = Array.from({ length: 300 }, (_, i) => ({
    key: `k${i}`,
    source: 's',
    fields: { givenName: 'anna', surname: 'smith', born: '1980-01-01' },
  }))
  const found = matchBatch(PEOPLE, equalRecords, QUICK)
  assert.equal(found.clusterOf.length, 300)
  assert.equal(found.stats.crowdedRecords, 300, 'more than a block holds, and it is reported')
  const empty = Array.from({ length: 50 }, (_, i) => ({ key: `k${i}`, source: 's', fields: {} }))
  assert.equal(matchBatch(PEOPLE, empty, QUICK).clusters, 50)
  const odd = [
    null,
    '',
    '   ',
    'x'.repeat(1_000_000),
    '\ud800',
    42,
    true,
    ['a', null, 'b'],
    { street: 'x' },
  ].map((surname, i) => ({ key: `k${i}`, source: 's', fields: { surname } })) as MatchRecord[]
  assert.equal(matchBatch(PEOPLE, odd, QUICK).clusterOf.length, odd.length)
})

test('a value that half of all records share causes no quadratic work and joins no records', () => {
  const { records } = people(3000, 2)
  const shared = records.map((r, i) =>
    i % 2 === 0
      ? { ...r, fields: { ...r.fields, phone: '+4930555000', email: 'office@firma.de' } }
      : r,
  )
  const result = matchBatch(PEOPLE, shared, QUICK)
  assert.ok(
    result.stats.candidatePairs < 40 * shared.length,
    `${result.stats.candidatePairs} pairs`,
  )
  assert.ok(Math.max(...clustersOf(result).map((c) => c.split(' ').length)) <= 3)
})

test('comparisons that are left out never cost a link', () => {
  const { records } = people(300, 12)
  const { engine, features } = matchBatch(PEOPLE, records, QUICK)
  let links = 0
  for (let i = 0; i < features.length; i++)
    for (let j = 0; j < features.length; j++) {
      const [a, b] = [features.at(i), features.at(j)]
      const weight = engine.weight(a, b)
      const link = engine.link(a, b)
      if (link !== null) links++
      assert.equal(link, weight < engine.linkWeightMin ? null : weight)
    }
  assert.ok(links > 300)
})
