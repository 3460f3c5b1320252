import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createEngine, type MatchRecord, type MatchType } from '../../../mdm/match/engine.ts'
import { FeatureReader, packFeatures } from '../../../mdm/match/packedFeatures.ts'

const TYPE: MatchType = {
  name: 'Person',
  uniqueIn: [],
  fields: [
    { name: 'name', list: true, compare: { as: 'PERSON_NAME' } },
    { name: 'note', list: false, compare: { as: 'TEXT' } },
    { name: 'phone', list: false, compare: { as: 'PHONE' } },
  ],
}

function pack(rows: readonly MatchRecord['fields'][]) {
  const engine = createEngine(TYPE)
  const records = rows.map(
    (fields, i): MatchRecord => ({ key: `${i}`, source: `s${i % 2}`, fields }),
  )
  const packed = packFeatures(records.length, engine.comparisons.length, (i) =>
    engine.parse(records[i]!),
  )
  return { engine, records, packed, reader: new FeatureReader(packed, engine) }
}

test('packed features are those of the engine, whatever the texts', () => {
  const long = Array.from({ length: 40_000 }, (_, i) => `wort${i}`).join(' ')
  const { engine, records, reader } = pack([
    { name: ['Anna Lindqvist', 'Ana Lindquist'], phone: '+4930123456' },
    { name: '\ud800 __proto__ constructor', note: '\u{1f600} Müller 三菱' },
    {},
    { note: long },
    { name: 'Anna Lindqvist', note: 'a "quoted" \\ text\n of two lines' },
  ])
  for (const round of [1, 2])
    for (const [i, record] of records.entries())
      assert.deepEqual(reader.at(i), engine.standardise(record), `record ${i}, round ${round}`)
  reader.forget(3)
  assert.deepEqual(reader.at(0), engine.standardise(records[0]!))
  const before = records.map((_, i) => reader.at(i))
  reader.forgetAll()
  for (const [i, record] of records.entries()) {
    assert.deepEqual(reader.at(i), engine.standardise(record), `record ${i}, after forgetAll`)
    assert.notEqual(reader.at(i), before[i], 'it is read again')
  }
})

test('equal values are packed once, and counted', () => {
  const { packed, reader } = pack([
    { name: 'Anna Lindqvist', phone: '+4930123456' },
    { name: 'Bo Ek' },
    { name: 'Anna Lindqvist', phone: '+4930654321' },
    { phone: '+4930123456' },
  ])
  const [names, notes, phones] = packed.columns
  assert.deepEqual([...names!.valueIn], [1, 2, 1, 0])
  assert.deepEqual([names!.values, notes!.values, phones!.values], [2, 0, 2])
  assert.deepEqual([...names!.uses.subarray(1, 3)], [2, 1])
  assert.deepEqual(
    [0, 1, 2].map((i) => reader.recordsWith(i)),
    [3, 0, 3],
  )
  assert.equal(reader.at(0).u[0], reader.at(2).u[0])
  assert.deepEqual(
    reader.countBySource(),
    new Map([
      ['s0', 2],
      ['s1', 2],
    ]),
  )
})
