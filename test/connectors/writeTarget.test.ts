import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { judgeConnectors } from '../../connectors/judgeConnectors.ts'
import { readSources } from '../../connectors/sources.ts'
import type { JudgedTarget } from '../../connectors/writeTarget.ts'
import { ConfigError } from '../../schema/kit/configError.ts'
import { inFolder, policy, root } from './fixture.ts'

const MAPPING = `
objects:
  customers:
    as: Customer
    id: id
    fields:
      name: [name, { join: [first, last] }]
      legalName: { join: [line1, line2] }
      emails: [email]
      lifecycle: { from: stage, map: { lead: LEAD, won: CUSTOMER } }
      paymentTerms: terms
      currency: currency
      accountOwner: owner
      billingAddress: { city: city, country: country }
      shippingAddress: { city: ship_city, country: country }
  orders: { as: Contract, id: id, fields: { number: number, termMonths: months } }
`

const DEFINITION = `
settings: { base: { is: url } , key: { is: secret } }
auth: { header: { Authorization: "Bearer {key}" } }
http: { base: "{base}" }
objects:
  customers:
    id: id
    rows: data
    list: { get: /customers }
    pages: { cursor: next, as: query.next }
    read: { get: "/customers/{id}" }
    write:
      fields: [name, email, stage, terms, city, country]
      needs: [name]
      goldenId: touchstone_id
      create: { post: /customers, id: id }
      update: { patch: "/customers/{id}" }
      find: { get: /customers, query: { golden: "{goldenId}" }, row: data }
      match: none
  orders:
    id: id
    rows: data
    list: { get: /orders }
    pages: { cursor: next, as: query.next }
`

function judge(write: string, more = ''): JudgedTarget {
  return inFolder((dir) => {
    writeFileSync(join(dir, 'mapping.yaml'), MAPPING)
    writeFileSync(join(dir, 'connection.yaml'), DEFINITION)
    writeFileSync(
      join(dir, 'sources.yaml'),
      `sources:
  - name: billing
    kind: generic
    role: BILLING
    trust: 0.5
    mapping: mapping.yaml
    connection: { definition: connection.yaml, base: "https://api.example.com", key: { env: KEY } }
${more}    write:
${write}`,
    )
    const sources = readSources(join(dir, 'sources.yaml'), {})
    const judged = judgeConnectors(sources, policy).targets.get('billing')
    if (!judged) throw new Error('no target')
    return judged
  })
}

const mistakeOf = (write: string): string => {
  try {
    return judge(write).held ?? 'none'
  } catch (e) {
    if (e instanceof ConfigError) return e.message
    throw e
  }
}

describe('write: of a source system', () => {
  test('says what is written of each golden type, with bounds', () => {
    const { target } = judge(`      mode: shadow
      Customer:
        update: [paymentTerms, name]
        create: { when: { lifecycle: [CUSTOMER], kind: ORGANISATION }, fields: [emails, billingAddress] }
      limits: { perDay: 100 }
`)
    assert.ok(target)
    assert.deepEqual(target.types.get('Customer'), {
      objects: ['customers'],
      update: ['paymentTerms', 'name'],
      createWhen: new Map([
        ['lifecycle', ['CUSTOMER']],
        ['kind', ['ORGANISATION']],
      ]),
      createFields: ['paymentTerms', 'name', 'emails', 'billingAddress'],
    })
    assert.deepEqual(target.limits, { perMinute: 60, perDay: 100, changedRecordsMax: 500 })
    assert.equal(target.mode, 'SHADOW')
    assert.equal(target.replacesGoldenIds, false)
    const replaces = judge('      { mode: on, goldenIds: replace, Customer: { update: [name] } }\n')
    assert.equal(replaces.target?.replacesGoldenIds, true)
    assert.match(
      mistakeOf('      { mode: on, goldenIds: keep, Customer: { update: [name] } }\n'),
      /goldenIds.*must be leave or replace/,
    )
  })

  test('has another version where mode, fields or mapping differ', () => {
    const version = (mode: string, fields: string) =>
      judge(`      mode: ${mode}\n      Customer: { update: [${fields}] }\n`).target?.version
    const versions = [
      version('on', 'name'),
      version('shadow', 'name'),
      version('on', 'paymentTerms'),
    ]
    assert.equal(new Set(versions).size, 3)
    assert.equal(version('on', 'name'), versions[0])
  })

  test('is right as docs/write-back.md shows it', () => {
    const doc = readFileSync(join(root, 'docs/write-back.md'), 'utf8')
    const [, shown = ''] = /```yaml\n(sources:.*?)```/s.exec(doc) ?? []
    const judged = inFolder((dir) => {
      writeFileSync(join(dir, 'sources.yaml'), shown)
      return judgeConnectors(readSources(join(dir, 'sources.yaml'), {}), policy).targets
    })
    assert.equal(judged.get('netsuite')?.held, null)
  })

  const customer = (fields: string) => `      mode: on\n      Customer: { update: [${fields}] }\n`
  const create = (rest: string) => `      mode: on\n      Customer:\n        create: ${rest}\n`
  const MISTAKES: [what: string, write: string, text: RegExp][] = [
    [
      'no mode',
      '      Customer: { update: [name] }\n',
      /sources\.yaml:8: write: needs mode: off, shadow/,
    ],
    [
      'an unknown mode',
      '      mode: maybe\n',
      /sources\.yaml:9: write\.mode: must be one of off, shadow, approve, on/,
    ],
    [
      'an unknown limit',
      '      mode: on\n      limits: { perHour: 1 }\n',
      /sources\.yaml:10: .*perHour.*perMinute/,
    ],
    [
      'an unknown type',
      '      mode: on\n      Custmer: { update: [name] }\n',
      /sources\.yaml:10: .*did you mean Customer\?.*Customer, Product/,
    ],
    [
      'nothing to write',
      '      mode: on\n      Customer: {}\n',
      /sources\.yaml:10: .*needs update:/,
    ],
    [
      'an unknown field',
      customer('nam'),
      /sources\.yaml:10: .*unknown field "nam" \(did you mean name\?\)/,
    ],
    ['a field without a rule', customer('parent'), /has no rule for it; it has name, legalName/],
    [
      'a rule without an inverse',
      customer('legalName'),
      /join: makes one text of several.*mapping\.yaml:8/,
    ],
    [
      'a field without an owner',
      customer('emails'),
      /emails has no @systemOfRecord: it survives by UNION/,
    ],
    [
      'a field that the connection does not write',
      customer('currency'),
      /"currency" is none of the fields of write: \(.*connection\.yaml\)/,
    ],
    [
      'a part that the connection does not write',
      customer('shippingAddress'),
      /"ship_city" is none/,
    ],
    [
      'an object without write:',
      '      mode: on\n      Contract: { update: [number] }\n',
      /sources\.yaml:10: .*connection\.yaml has no write: for orders/,
    ],
    [
      'a type without an object',
      '      mode: on\n      Product: { update: [name] }\n',
      /billing has no object that is mapped as Product/,
    ],
    [
      'another object',
      '      mode: on\n      Customer: { object: orders, update: [name] }\n',
      /"orders" cannot be written; allowed are customers/,
    ],
    [
      'a condition of an unknown value',
      create('{ when: { lifecycle: WON }, fields: [name] }'),
      /"WON" is not a value of LifecycleStage; allowed are LEAD, PROSPECT/,
    ],
    [
      'a record without what it needs',
      create('{ when: { lifecycle: CUSTOMER }, fields: [emails] }'),
      /creates no customers without name \(name\); add the field/,
    ],
    [
      'a type in another form',
      '      mode: on\n      Customer: [name]\n',
      /sources\.yaml:10: write\.Customer: must be a map with object, update, create/,
    ],
  ]
  for (const [what, write, text] of MISTAKES)
    test(`is refused with file, line and what is allowed: ${what}`, () => {
      assert.match(mistakeOf(write), text)
    })

  test('is refused for a field that the target owns at every stage', () => {
    assert.match(
      mistakeOf('      mode: on\n      Customer: { update: [billingAddress] }\n'),
      /billing \(BILLING\) owns billingAddress at every stage/,
    )
  })
})
