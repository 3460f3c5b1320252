import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createEngine, type FieldValue, type MatchType } from '../../../mdm/match/engine.ts'
import { readPolicy } from '../../../schema/readPolicy.ts'

const policy = readPolicy('schema/model')
type Fields = Record<string, FieldValue | FieldValue[]>
const ADDRESS = { street: 'Lindenstr. 12', city: 'Berlin', postcode: '10969', country: 'DE' }
const COLOGNE = { street: 'Hauptstr. 1', city: 'Köln', postcode: '50667', country: 'DE' }

function weigh(type: MatchType, a: Fields, b: Fields) {
  const engine = createEngine(type)
  const x = engine.standardise({ key: 'a', source: 'crm', fields: a })
  const y = engine.standardise({ key: 'b', source: 'erp', fields: b })
  const there = engine.compare(x, y)
  const back = engine.compare(y, x)
  assert.ok(Math.abs(there.weight - back.weight) < 1e-6, 'a comparison is symmetric')
  assert.ok(
    Math.abs(there.prior + there.fields.reduce((sum, f) => sum + f.weight, 0) - there.weight) <
      1e-6,
    'the fields add up to the weight',
  )
  const keys = new Set(engine.keys(x))
  return { ...there, meet: engine.keys(y).some((key) => keys.has(key)) }
}

const customer = (a: Fields, b: Fields) => weigh(policy.type('Customer'), a, b)
const contact = (a: Fields, b: Fields) => weigh(policy.type('Contact'), a, b)

test('matches a company with another legal form, a typing error, a moved office or only its tax number', () => {
  for (const [a, b] of [
    [
      { name: 'Acme Widgets GmbH', billingAddress: ADDRESS },
      { name: 'ACME WIDGETS', billingAddress: { ...ADDRESS, street: 'Lindenstraße 12' } },
    ],
    [
      { name: 'Acmee Widgets GmbH', billingAddress: ADDRESS },
      { name: 'Acme Widgets', shippingAddress: ADDRESS },
    ],
    [
      { name: 'Acme Widgets GmbH', phones: ['+49 30 123459'], billingAddress: ADDRESS },
      { name: 'Acme Widgets', phones: ['030 123459'], billingAddress: COLOGNE },
    ],
    [
      { name: 'Zentoro GmbH', taxIds: ['DE136695976'] },
      { name: 'Zentoro Bau', taxIds: ['DE 136 695 976'] },
    ],
    [
      { name: 'Acme Widgets', domains: ['acme-widgets.de'] },
      { name: 'Acme Widgets AG', emails: ['info@acme-widgets.de'] },
    ],
  ] as [Fields, Fields][]) {
    const found = customer(a, b)
    assert.ok(found.weight > 0 && found.meet, JSON.stringify([a, b, found]))
  }
})

test('separates companies that share an address and phone, a neighbourhood or a name, or have two tax numbers', () => {
  for (const [a, b] of [
    [
      {
        name: 'Acme Holding GmbH',
        phones: ['+4930123459'],
        domains: ['acme.de'],
        billingAddress: ADDRESS,
      },
      {
        name: 'Acme Logistics GmbH',
        phones: ['+4930123459'],
        domains: ['acme.de'],
        billingAddress: ADDRESS,
      },
    ],
    [
      { name: 'Zentoro GmbH', phones: ['+4930123459'], billingAddress: ADDRESS },
      { name: 'Fluxor Medien GmbH', phones: ['+4930123459'], billingAddress: ADDRESS },
    ],
    [
      {
        name: 'Rowford Ltd',
        phones: ['+4930123459'],
        domains: ['rowford-berlin.de'],
        billingAddress: ADDRESS,
      },
      {
        name: 'Rowford',
        phones: ['+492211234'],
        domains: ['rowford-koeln.de'],
        billingAddress: COLOGNE,
      },
    ],
    [
      { name: 'Zentoro GmbH', taxIds: ['DE136695976'], billingAddress: ADDRESS },
      { name: 'Zentoro GmbH', taxIds: ['DE129274202'], billingAddress: COLOGNE },
    ],
  ] as [Fields, Fields][]) {
    const found = customer(a, b)
    assert.ok(found.weight < 0, JSON.stringify([a, b, found]))
  }
})

test('counts the city in a name with the address, and only once; names with two cities are branches', () => {
  const at = (city: string) => ({ city, country: 'DE' })
  const strangers = customer(
    { name: 'Berniti Berlin', billingAddress: at('Berlin') },
    { name: 'Lowaro Berlin', billingAddress: at('Berlin') },
  )
  assert.equal(strangers.fields.find((f) => f.field === 'name')?.level, 'nothing in common')
  const one = [
    { name: 'Berniti Pumpen Bad Homburg GmbH', billingAddress: at('Bad Homburg') },
    { name: 'Berniti Pumpen', billingAddress: at('Bad Homburg') },
  ] as [Fields, Fields]
  assert.ok(customer(...one).weight > 0 && customer(...one).meet)
  const branches = [
    { name: 'Berniti Pumpen Hamburg', domains: ['berniti.de'], billingAddress: at('Hamburg') },
    { name: 'Berniti Pumpen Leipzig', domains: ['berniti.de'], billingAddress: at('Leipzig') },
  ] as [Fields, Fields]
  assert.ok(customer(...branches).weight < 0 && customer(...branches).relatedProbability > 0.5)
  const named = customer(
    { name: 'Berlin GmbH', billingAddress: at('Berlin') },
    { name: 'Berlin', billingAddress: at('Berlin') },
  )
  assert.ok(
    (named.fields.find((f) => f.field === 'name')?.weight ?? 0) > 3,
    'a name of nothing else keeps its words',
  )
})

test('reports sister companies and households as possibly related, but neither one thing nor strangers', () => {
  const at = { billingAddress: ADDRESS, phones: ['+4930123459'], domains: ['acme.de'] }
  const holding = { name: 'Acme Holding GmbH', ...at }
  const sisters = customer(holding, { name: 'Acme Logistics GmbH', ...at })
  assert.ok(sisters.relatedProbability > 0.9 && sisters.probability < 0.2, JSON.stringify(sisters))
  const home = { phones: ['+4930123459'], address: ADDRESS }
  const couple = contact({ name: 'Anna Kowalska', ...home }, { name: 'Jan Kowalski', ...home })
  assert.ok(couple.relatedProbability > 0.5, JSON.stringify(couple))
  const father = contact({ name: 'John Smith Sr.', ...home }, { name: 'John Smith Jr.', ...home })
  assert.ok(
    father.conflict !== undefined && father.relatedProbability > 0.9,
    'things that cannot be one can be related',
  )
  assert.ok(customer(holding, { ...holding, name: 'ACME Holding' }).relatedProbability < 0.1)
  assert.ok(
    customer(holding, { name: 'Zentoro Bau', billingAddress: COLOGNE }).relatedProbability < 0.01,
  )
})

test('a shared phone or firm does not identify a person; a short form or initial of the name does', () => {
  const phones = ['+4930123459']
  assert.ok(
    contact(
      { name: 'Anna Kowalska', phones, customer: '1', emails: ['anna.kowalska@acme.de'] },
      { name: 'Peter Weiss', phones, customer: '1', emails: ['peter.weiss@acme.de'] },
    ).weight < 0,
  )
  assert.ok(
    contact(
      { name: 'Anna Kowalska', phones, customer: '1' },
      { name: 'Jan Kowalski', phones, customer: '1' },
    ).weight < 0,
  )
  assert.ok(
    contact({ name: 'Anna Kowalska', customer: '1' }, { name: 'Kowalska, Anna', customer: '1' })
      .weight > 0,
  )
  assert.ok(
    contact(
      { name: 'Chris Kemby', emails: ['c.kemby@acme.de'] },
      { name: 'Christopher Kemby', emails: ['c.kemby@acme.de'] },
    ).weight > 0,
  )
  assert.match(
    contact({ name: 'John Smith Jr.', customer: '1' }, { name: 'John Smith Sr.', customer: '1' })
      .conflict ?? '',
    /generation/,
  )
})

test('generic values give no blocking key and almost no weight', () => {
  const engine = createEngine(policy.type('Contact'))
  const keys = engine.keys(
    engine.standardise({
      key: 'a',
      source: 's',
      fields: {
        name: 'Anna Kowalska',
        emails: ['test@test.com', 'anna@gmail.com'],
        phones: ['000000'],
      },
    }),
  )
  assert.ok(keys.some((key) => key === 'email:anna@gmail.com'))
  assert.ok(
    !keys.some(
      (key) => key.startsWith('domain:') || key.startsWith('phone:') || key.includes('test'),
    ),
  )
})

test('two records of a unique source are never one thing', () => {
  const type: MatchType = {
    name: 'Product',
    uniqueIn: ['a'],
    fields: [{ name: 'name', list: false, compare: { as: 'PRODUCT_NAME' } }],
  }
  const engine = createEngine(type)
  const record = (source: string) =>
    engine.standardise({ key: source, source, fields: { name: 'Sony DVP-FX820' } })
  assert.ok(engine.compare(record('a'), record('a')).conflict)
  assert.equal(engine.compare(record('a'), record('b')).conflict, undefined)
})

test('features are compact JSON and the number of keys is bounded for any record', () => {
  const engine = createEngine(policy.type('Customer'))
  const many = Array.from({ length: 10_000 }, (_, i) => `x${i}@firm${i}.com`)
  for (const fields of [
    {},
    { name: 'x'.repeat(1_000_000) },
    { name: '\ud800\u0000' },
    { emails: many, phones: many },
    { name: '株式会社 Ä؁ mixed скрипт' },
    { billingAddress: 'one line, 12345 Berlin' },
  ] as Fields[]) {
    const features = engine.standardise({ key: 'a', source: 's', fields })
    const text = JSON.stringify(features)
    assert.ok(text.length < 20_000)
    const back = JSON.parse(text)
    assert.deepEqual(back, features)
    assert.ok(engine.keys(features).length <= engine.parameters.keysPerRecordMax)
    assert.deepEqual(engine.keys(back), engine.keys(features))
    assert.ok(Number.isFinite(engine.compare(features, back).weight))
  }
})

test('the version follows the parameters', () => {
  const type = policy.type('Customer')
  const engine = createEngine(type)
  assert.equal(engine.version, createEngine(type).version)
  assert.notEqual(
    engine.version,
    createEngine(type, { ...engine.parameters, priorWeight: -15 }).version,
  )
  assert.notEqual(engine.version, createEngine(policy.type('Contact')).version)
  for (const declared of [{ uniqueIn: ['crm'] }, { falseMergeCost: 10 }])
    assert.notEqual(engine.version, createEngine({ ...type, ...declared }).version)
})

test('the dearer a false merge, the surer a match must be; what is under it is a possible match', () => {
  const records = ['Acme Widgets GmbH', 'Acmee Widgets'].map((name, i) => ({
    key: `k${i}`,
    source: `s${i}`,
    fields: { name, billingAddress: i === 0 ? ADDRESS : { ...ADDRESS, street: 'Lindenstr. 14' } },
  }))
  const found = (falseMergeCost?: number) => {
    const type: MatchType = { ...policy.type('Customer') }
    if (falseMergeCost !== undefined) type.falseMergeCost = falseMergeCost
    const engine = createEngine(type)
    const members = records.map((record) => ({
      key: record.key,
      source: record.source,
      features: engine.standardise(record),
    }))
    const [a, b] = members.map(({ features }) => features)
    const weight = engine.link(a!, b!)
    const edges = weight === null ? [] : [{ a: 'k0', b: 'k1', weight }]
    return { engine, weight, clusters: engine.cluster(members, edges, []).clusters.length }
  }
  const { engine, weight, clusters } = found()
  assert.ok(weight !== null && weight > 0)
  assert.deepEqual([engine.matchWeightMin, clusters], [0, 1])
  const odds = 2 ** weight
  assert.equal(found(odds * 0.99).clusters, 1)
  const dear = found(odds * 1.01)
  assert.deepEqual([dear.clusters, dear.weight], [2, weight], 'still linked')
})

test('a calibration scales the bits of unique sources like the weight, so it moves no threshold', () => {
  const type: MatchType = { ...policy.type('Customer'), uniqueIn: ['*'] }
  const shipped = createEngine(type)
  const records = ['crm', 'erp'].map((source, i) => ({
    key: source,
    source,
    fields: { name: ['Acme Widgets GmbH', 'Acme Gadgets GmbH'][i]! },
  }))
  const [a, b] = records.map((record) => shipped.standardise(record))
  const weight = shipped.weight(a!, b!)
  assert.ok(weight < 0)
  const together = (bits: number, scale: number) => {
    const calibration = { scale, offset: 0 }
    const engine = createEngine(type, { ...shipped.parameters, oneToOneWeight: bits, calibration })
    const link = engine.link(a!, b!)
    const members = records.map((r, i) => ({ key: r.key, source: r.source, features: [a, b][i]! }))
    const edges = link === null ? [] : [{ a: 'crm', b: 'erp', weight: link }]
    return engine.cluster(members, edges, []).clusters.length === 1
  }
  for (const scale of [0.5, 1, 2])
    assert.deepEqual(
      [together(-weight + 0.1, scale), together(-weight - 0.1, scale)],
      [true, false],
    )
})

test('a record without a date of birth does not join two of one name who were born years apart', () => {
  const compared = { name: 'NAME', dateOfBirth: 'DATE_OF_BIRTH', address: 'ADDRESS' } as const
  const type: MatchType = {
    name: 'Person',
    uniqueIn: [],
    fields: Object.entries(compared).map(([name, as]) => ({ name, list: false, compare: { as } })),
  }
  const engine = createEngine(type)
  const clustersOf = (...births: string[]) => {
    const members = births.map((dateOfBirth, i) => {
      const record = {
        key: `k${i}`,
        source: `s${i}`,
        fields: {
          name: 'Jonas Lindqvist',
          address: '12 Harbour Lane, Springfield, IL 62701',
          ...(dateOfBirth === '' ? {} : { dateOfBirth }),
        },
      }
      return { key: record.key, source: record.source, features: engine.standardise(record) }
    })
    const edges = members.flatMap((a, i) =>
      members.slice(i + 1).flatMap((b) => {
        const weight = engine.link(a.features, b.features)
        return weight === null ? [] : [{ a: a.key, b: b.key, weight }]
      }),
    )
    return engine.cluster(members, edges, []).clusters.length
  }
  assert.equal(clustersOf('1958-03-31', '', ''), 1)
  assert.equal(clustersOf('1958-03-31', '1985-10-07'), 2)
  // As near to one as to the other, it joins neither.
  assert.equal(clustersOf('1958-03-31', '', '', '', '1985-10-07'), 3)
})
