import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createEngine, type FieldValue } from '../../../mdm/match/engine.ts'
import { priorParameters, readParameters } from '../../../mdm/match/parameters.ts'
import type { MatchType } from '../../../mdm/match/plan.ts'
import { columnsOf } from '../../../mdm/match/priors.ts'
import { readPolicy } from '../../../schema/readPolicy.ts'

const policy = readPolicy('schema/model')
type Fields = Record<string, FieldValue | FieldValue[]>

function weightOf(type: 'Customer' | 'Contact', a: Fields, b: Fields): number {
  const engine = createEngine(policy.type(type))
  const [one, other] = [a, b].map((fields, i) =>
    engine.standardise({ key: String(i), source: `s${i}`, fields }),
  )
  return engine.weight(one!, other!)
}

const HOME = { street: 'Am Anger 9', city: 'Jena', postcode: '07743', country: 'DE' }
const shared = { emails: ['office@lehnert.example'], phones: ['+493641558812'], customer: 'L1' }

test('two people of one surname stay two, whatever else they share', () => {
  for (const [a, b] of [
    ['Otto Lehnert', 'Wilma Lehnert'],
    ['Lehnert, Otto', 'Lehnert, Wilma'],
    ['Dr. Otto Lehnert', 'Wilma Lehnert'],
    ['Otto von Lehnert', 'Wilma von Lehnert'],
    ['Otto Karl Lehnert', 'Wilma Lehnert'],
    ['Max Lehnert', 'Julia Lehnert'],
    ['Daniel Lehnert', 'Daniela Lehnert'],
    ['Martin Lehnert', 'Martina Lehnert'],
    ['Mario Lehnert', 'Maria Lehnert'],
    ['Stefan Lehnert', 'Stefanie Lehnert'],
    ['Jan Lehnert', 'Jana Lehnert'],
    ['Harry Lehnertson', 'Larry Lehnertson'],
    ['Andy Lehnertson', 'Anna Lehnertson'],
    ['Rosalind Lehnert', 'Rosamund Lehnert'],
    ['Haruka Lehnert', 'Haruto Lehnert'],
    ['Lucia Ortega Ruiz', 'Lucio Ortega Ruiz'],
    ['Xavio Lehnert', 'Quendra Lehnert'],
    ['T. Lehnert', 'Otto Lehnert'],
    ['Wang Lei', 'Wang Fang'],
    ['Nagy Zsombor', 'Nagy Levente'],
    ['Nguyễn Văn An', 'Nguyễn Thị Hoa'],
    ['LEHNERT Otto', 'Wilma Lehnert'],
    ['Herr Lehnert', 'Frau Lehnert'],
    ['Mr. Lehnert', 'Mrs. Lehnert'],
  ] as const)
    for (const same of [
      shared,
      { ...shared, emails: ['familie.lehnert@post.example'] },
      { ...shared, emails: [] },
      { phones: shared.phones, emails: ['lehnert@post.example'] },
    ])
      for (const swap of [false, true]) {
        const pair = swap ? [b, a] : [a, b]
        const weight = weightOf('Contact', { name: pair[0]!, ...same }, { name: pair[1]!, ...same })
        assert.ok(weight < 0, `${pair.join(' and ')} with ${JSON.stringify(same)}: ${weight}`)
      }
})

test('one person stays one: short forms, orders, initials, second names, a mailbox of one', () => {
  for (const [a, b] of [
    ['Otto Lehnert', 'Lehnert, Otto'],
    ['Otto Lehnert', 'O. Lehnert'],
    ['Otto Karl Lehnert', 'Otto Lehnert'],
    ['Robert Lehnert', 'Bob Lehnert'],
    ['Andreas Lehnert', 'Andrzej Lehnert'],
    ['Daniela Lehnert', 'Daniela Lehnertt'],
    ['Jan Daniel Lehnert', 'JanDaniel Lehnert'],
    ['Maria Lehnert', 'Marie Lehnert'],
    ['Lukas Lehnert', 'Luka Lehnert'],
    ['Max Lehnert', 'Maxi Lehnert'],
    ['Zsombor Béla Lehnert', 'Zsombor Levente Lehnert'],
    ['Dr. Otto Lehnert', 'Herr Otto Lehnert'],
    ['Mohammed Lehnert', 'Mhd. Lehnert'],
    ['Wm. Lehnert', 'William Lehnert'],
    ['Margaret Lehnert', 'Peggie Lehnert'],
    ['Xiu Ying Zhang', 'Zhang Xiuying'],
    ['Kim Minjun', 'Min Jun Kim'],
  ] as const) {
    const own = { phones: shared.phones, customer: 'L1', emails: ['o.lehnert@lehnert.example'] }
    const weight = weightOf('Contact', { name: a, ...own }, { name: b, ...own })
    assert.ok(weight > 0, `${a} and ${b}: ${weight}`)
  }
})

test('two people weigh the same in either order, also where one given name is unknown', () => {
  for (const [a, b] of [
    ['Xavio Thomas', 'Carlo Thomas'],
    ['A. Peter', 'Paul Peter'],
    ['Lehnert Thomas', 'Carlo Thomas'],
  ] as const)
    assert.equal(
      weightOf('Contact', { name: a, ...shared }, { name: b, ...shared }),
      weightOf('Contact', { name: b, ...shared }, { name: a, ...shared }),
      `${a} and ${b}`,
    )
})

test('companies of one group stay apart: legal forms, tax numbers, companions', () => {
  const at = {
    billingAddress: HOME,
    phones: ['+493641558812'],
    domains: ['tarsano.example'],
    emails: ['info@tarsano.example'],
  }
  const plain = { name: 'Tarsano GmbH' }
  for (const [a, b] of [
    [plain, { name: 'Tarsano GmbH & Co. KG' }],
    [plain, { name: 'Tarsano AG' }],
    [plain, { name: 'Tarsano Ltd' }],
    [plain, { name: 'Tarsano Verwaltungs GmbH' }],
    [plain, { name: 'Tarsano Beteiligungsgesellschaft mbH' }],
    [plain, { name: 'Tarsano Holding GmbH' }],
    [plain, { name: 'Tarsano Stiftung' }],
    [{ name: 'University of Tarsano' }, { name: 'University of Tarsano Press' }],
    [{ name: 'Tarsano Inc' }, { name: 'Tarsano Foundation' }],
    [{ name: 'Tarsano Hospital' }, { name: 'Tarsano Hospital Foundation' }],
    [plain, { name: 'Tarsano Vertriebs GmbH' }],
    [
      { name: 'Tarsano', legalName: 'Tarsano S.r.l.' },
      { name: 'Tarsano', legalName: 'Tarsano GmbH' },
    ],
  ] as [Fields, Fields][])
    for (const [one, other] of [
      [a, b],
      [b, a],
    ] as const) {
      const weight = weightOf('Customer', { ...at, ...one }, { ...at, ...other })
      assert.ok(weight < 0, `${JSON.stringify(one)} and ${JSON.stringify(other)}: ${weight}`)
    }
})

test('valid tax numbers of two countries are two taxpayers, if seat or legal form differ too', () => {
  const engine = createEngine(policy.type('Customer'))
  const conflict = (a: Fields, b: Fields) => {
    const [one, other] = [a, b].map((fields, i) =>
      engine.standardise({
        key: String(i),
        source: `s${i}`,
        fields: { name: 'Tarsano', ...fields },
      }),
    )
    return engine.compare(one!, other!).conflict
  }
  const [wien, jena] = [{ city: 'Wien', country: 'AT' }, HOME]
  const [at, de] = [['ATU66664013'], ['DE136695976']]
  assert.match(
    conflict({ taxIds: at, billingAddress: wien }, { taxIds: de, billingAddress: jena }) ?? '',
    /AT and of DE/,
  )
  assert.ok(conflict({ taxIds: at, name: 'Tarsano GmbH' }, { taxIds: de, name: 'Tarsano AG' }))
  assert.equal(
    conflict({ taxIds: at, billingAddress: jena }, { taxIds: de, billingAddress: jena }),
    undefined,
    'one seat can have a foreign registration',
  )
  assert.equal(
    conflict(
      { taxIds: [...at, ...de], billingAddress: wien },
      { taxIds: de, billingAddress: jena },
    ),
    undefined,
    'one of several numbers agrees',
  )
})

test('one company stays one: its form left out, written out, or wrong beside its tax number', () => {
  const at = { billingAddress: HOME, domains: ['tarsano.example'] }
  for (const [a, b] of [
    [{ name: 'Tarsano GmbH' }, { name: 'Tarsano' }],
    [{ name: 'Tarsano GmbH' }, { name: 'Tarsano Gesellschaft mit beschränkter Haftung' }],
    [{ name: 'Tarsano S.p.A.' }, { name: 'TARSANO SPA' }],
    [{ name: 'Tarsano Inc.' }, { name: 'Tarsano Corp' }],
    [
      { name: 'Tarsano GmbH', taxIds: ['DE136695976'] },
      { name: 'Tarsano AG', taxIds: ['DE136695976'] },
    ],
    [
      { name: 'Tarsano', legalName: 'Tarsano GmbH' },
      { name: 'Tarsano AG', tradingNames: ['Tarsano GmbH'] },
    ],
  ] as [Fields, Fields][]) {
    const weight = weightOf('Customer', { ...at, ...a }, { ...at, ...b })
    assert.ok(weight > 0, `${JSON.stringify(a)} and ${JSON.stringify(b)}: ${weight}`)
  }
})

test('a model trained before the last level of names existed is read, with the shipped level', () => {
  const type = policy.type('Customer')
  const engine = createEngine(type)
  const name = engine.comparisons.find((c) => c.kind === 'name')!
  const [column] = columnsOf(name)
  const before = column!.levels.slice(0, -1)
  const shares = (part: 'm' | 'r' | 'u') => before.map((level) => level[part])
  const old = {
    ...priorParameters(type),
    levels: { [name.name]: { [column!.name]: { m: shares('m'), r: shares('r'), u: shares('u') } } },
  }
  const trained = createEngine(type, readParameters(JSON.stringify(old), type))
  const features = ['Tarsano GmbH', 'Tarsano AG'].map((text, i) =>
    trained.standardise({ key: String(i), source: `s${i}`, fields: { name: text } }),
  )
  assert.equal(
    trained.weight(features[0]!, features[1]!),
    engine.weight(features[0]!, features[1]!),
  )
})

test('father and son are two: German marks too, and names that look like them stay names', () => {
  const engine = createEngine(policy.type('Contact'))
  const conflict = (...names: string[]) => {
    const [one, other] = names.map((name, i) =>
      engine.standardise({ key: String(i), source: `s${i}`, fields: { name, ...shared } }),
    )
    return engine.compare(one!, other!).conflict
  }
  assert.match(conflict('Max Huber jun.', 'Max Huber sen.') ?? '', /generations/)
  assert.equal(conflict('Kim Min Jun', 'Kim Min Jun'), undefined)
  assert.equal(conflict('Amartya Kumar Sen', 'Amartya Kumar Sen'), undefined)
})

describe('branches', () => {
  const type: MatchType = {
    name: 'Party',
    uniqueIn: [],
    fields: [
      { name: 'name', list: true, compare: { as: 'NAME' } },
      { name: 'address', list: true, compare: { as: 'ADDRESS' } },
      { name: 'phone', list: true, compare: { as: 'PHONE' } },
    ],
  }
  const engine = createEngine(type)
  const levelOf = (a: Fields, b: Fields) => {
    const [one, other] = [a, b].map((fields, i) =>
      engine.standardise({ key: String(i), source: 's', fields }),
    )
    return engine.compare(one!, other!).fields[0]!.level
  }

  test('what two branches are called in common is no name of either', () => {
    for (const [own, address, other, otherAddress] of [
      ['Brimstead India', 'MG Road 5, Pune, India', 'Brimstead Germany', 'Ring 1, Bonn, Germany'],
      ['Brimstead Logistics', 'Quay 4, Hull', 'Brimstead Energy', 'Quay 4, Hull'],
      ['Brimstead Worldwide', '1 High St, Leeds', 'Brimstead Leeds', '9 Low Rd, Leeds'],
    ])
      assert.match(
        levelOf(
          { name: [own!, 'Brimstead'], address: [address!] },
          { name: [other!, 'Brimstead'], address: [otherAddress!] },
        ),
        /^sister companies/,
      )
  })

  test('one branch is the same under its long and its short name, and beside a former name', () => {
    for (const [names, otherNames] of [
      [['Brimstead India', 'Brimstead'], ['Brimstead']],
      [
        ['Brimstead India', 'Brimstead'],
        ['Brimstead India', 'Brimstead'],
      ],
      [
        ['Brimstead India', 'Brimstead'],
        ['Brimstead', 'Vexley'],
      ],
      [
        ['Brimstead India', 'Brimstead'],
        ['Brimstead India Services', 'Brimstead'],
      ],
    ])
      assert.equal(
        levelOf(
          { name: names!, address: ['MG Road 5, Pune, India'] },
          { name: otherNames!, address: ['MG Road 5, Pune, India'] },
        ),
        'equal',
      )
  })
})

test('"I" is a generation beside a later one, else an initial', () => {
  const conflictOf = (a: string, b: string) => {
    const engine = createEngine(policy.type('Contact'))
    const [one, other] = [a, b].map((name, i) =>
      engine.standardise({ key: String(i), source: 's', fields: { name } }),
    )
    return engine.compare(one!, other!).conflict
  }
  assert.match(conflictOf('Otto I Lehnert', 'Otto II Lehnert') ?? '', /generations i and ii/)
  assert.match(conflictOf('Otto III Lehnert', 'Otto I. Lehnert') ?? '', /generations i and iii/)
  assert.equal(conflictOf('Otto I Lehnert', 'Otto Lehnert'), undefined)
  assert.equal(conflictOf('Otto I Lehnert', 'Otto I Lehnert II'), undefined)
  assert.equal(conflictOf('Otto I Lehnert', 'Otto Lehnert Jr.'), undefined)
})
