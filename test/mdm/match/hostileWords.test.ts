import assert from 'node:assert/strict'
import { test } from 'node:test'
import { matchBatch } from '../../../mdm/match/batch.ts'
import {
  createEngine,
  type Features,
  type FieldValue,
  type MatchType,
} from '../../../mdm/match/engine.ts'
import { readParameters } from '../../../mdm/match/parameters.ts'
import { COMPARATORS, type Comparator } from '../../../schema/policy.ts'
import { HOSTILE_WORDS } from '../../fixtures/hostileWords.ts'
import fc from '../../property.ts'

const typeOf = (as: Comparator, name = 'value'): MatchType => ({
  name: 'Thing',
  uniqueIn: [],
  fields: [{ name, list: true, compare: { as } }],
})

/** Returns values that contain the word in every way that some comparator reads. */
function writtenWith(word: string): FieldValue[] {
  return [
    word,
    `${word} Logistics`,
    `Acme ${word} GmbH`,
    `${word}strasse 12, 10115 ${word}`,
    `12 ${word} street, ${word}, ${word}`,
    `${word}@${word}.com`,
    `www.${word}.de`,
    `1 ${word} 2020`,
    `${word} 1, 2020`,
    `${word} 12 x`,
    `12 ${word}`,
    `JB-195 ${word} 120 gb black ${word}-12`,
    { street: `12 ${word}`, city: word, region: word, postcode: word, country: word },
    { minorUnits: 1200, currency: word },
  ]
}

/**
 * Throws if a feature has a value that JSON does not preserve: a function, undefined in a list, a
 * non-finite number.
 */
function assertPlain(features: Features, about: string) {
  assert.deepEqual(JSON.parse(JSON.stringify(features)), features, about)
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) for (const item of value) visit(item)
    else if (typeof value === 'object' && value !== null)
      for (const item of Object.values(value)) visit(item)
    else assert.ok(['string', 'number'].includes(typeof value), `${about}: ${String(value)}`)
  }
  for (const unit of features.u) if (unit !== null) visit(unit)
}

function assertCompares(as: Comparator, values: FieldValue[], about: string) {
  const engine = createEngine(typeOf(as))
  const records = values.map((value, i) => ({ key: `a/${i}`, source: `s${i}`, fields: { value } }))
  const features = records.map((record) => engine.standardise(record))
  for (const f of features) {
    assertPlain(f, about)
    for (const key of engine.keys(f)) assert.equal(typeof key, 'string', about)
  }
  for (const a of features)
    for (const b of features) {
      assert.ok(Number.isFinite(engine.compare(a, b).weight), about)
      assert.ok(Number.isFinite(engine.relatedWeight(a, b)), about)
    }
}

for (const as of COMPARATORS)
  test(`${as}: words that name inherited properties are standardised, blocked and compared like any other word`, () => {
    for (const word of HOSTILE_WORDS)
      assertCompares(as, writtenWith(word), `${as} ${JSON.stringify(word)}`)
  })

test('compares texts with such words in any context', () => {
  const token = fc.oneof(
    fc.constantFrom(...HOSTILE_WORDS),
    fc.string({ unit: 'binary', maxLength: 8 }),
  )
  const value = fc.array(token, { minLength: 1, maxLength: 6 }).map((words) => words.join(' '))
  fc.assert(
    fc.property(fc.constantFrom(...COMPARATORS), value, value, (as, a, b) =>
      assertCompares(as, [a, b], `${as} ${JSON.stringify([a, b])}`),
    ),
    { numRuns: 2000 },
  )
})

test('accepts fields and groups named like inherited properties, with and without a trained model', () => {
  const type: MatchType = {
    name: 'constructor',
    uniqueIn: [],
    fields: [
      { name: 'constructor', list: false, compare: { as: 'ORGANISATION_NAME' } },
      { name: 'toString', list: false, compare: { as: 'EMAIL' } },
      { name: 'city', list: false, compare: { as: 'CITY', group: 'valueOf' } },
      { name: 'hasOwnProperty', list: false, compare: { as: 'CATEGORY' } },
    ],
  }
  const records = Array.from({ length: 60 }, (_, i) => ({
    key: `a/${i}`,
    source: `s${i % 2}`,
    fields: { constructor: `Constructor ${i >> 1}`, toString: `mail${i >> 1}@firm${i >> 1}.de` },
  }))
  const { clusters, engine } = matchBatch(type, records as never)
  assert.equal(clusters, 30)
  const again = createEngine(type, readParameters(JSON.stringify(engine.parameters), type))
  assert.equal(again.version, engine.version)
  const empty = again.standardise({ key: 'x', source: 's', fields: {} })
  assert.deepEqual(
    empty.u,
    type.fields.map(() => null),
    'a field that a record lacks has no value',
  )
})

test('trains on products with such words and matches them', () => {
  const type = typeOf('PRODUCT_NAME')
  const names = HOSTILE_WORDS.flatMap((word, i) => [
    `${word} kit ${i} mark`,
    `${word} kit ${i} mark`,
  ])
  const { records } = matchBatch(
    type,
    names.map((value, i) => ({ key: String(i), source: `s${i % 2}`, fields: { value } })),
  )
  assert.equal(records.length, names.length)
})
