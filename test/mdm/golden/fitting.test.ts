import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Source } from 'graphql'
import { fitting, losesValue } from '../../../mdm/golden/fitting.ts'
import { candidates, survive } from '../../../mdm/golden/survive.ts'
import { parsePolicy } from '../../../schema/readPolicy.ts'

const policy = parsePolicy([
  new Source(
    `
    type Thing @golden {
      id: ID!
      text: String
      texts: [String!]
      int: Int
      float: Float
      flag: Boolean
      day: Date
      cents: MinorUnits
      stage: Stage
      stages: [Stage!]
      owner: Thing
      price: Price
      lines: [Line!]
    }
    enum Stage { LEAD CUSTOMER }
    type Price @group { cents: MinorUnits! note: String stage: Stage }
    type Line @group { price: Price amount: Float }
  `,
    'thing.graphql',
  ),
])
const type = policy.type('Thing')
const id = 'b2b7a3f0-6f3c-5d53-8d0c-0f4f5b2a7a11'

function field(name: string) {
  const found = type.fields.find((f) => f.name === name)
  assert.ok(found)
  return found
}
const fit = (name: string, value: unknown) => fitting(policy, field(name), value)

/** One value of each kind of JSON, and those that the graph distinguishes. */
const VALUES: unknown[] = [
  'x',
  'LEAD',
  'GONE',
  id,
  7,
  0.5,
  2 ** 40,
  2 ** 60,
  true,
  {},
  { cents: 1 },
  { cents: '1' },
]
const FITS: Record<string, unknown[]> = {
  text: ['x', 'LEAD', 'GONE', id],
  day: ['x', 'LEAD', 'GONE', id],
  int: [7],
  float: [7, 0.5, 2 ** 40, 2 ** 60],
  flag: [true],
  cents: [7, 2 ** 40],
  stage: ['LEAD'],
  owner: [id],
  price: [{ cents: 1 }],
}

describe('a stored value', () => {
  test('fits the kinds that can show it, and no other', () => {
    for (const [name, fits] of Object.entries(FITS)) {
      assert.deepEqual(
        VALUES.filter((v) => fit(name, v) !== undefined),
        fits,
        name,
      )
      assert.equal(fit(name, [fits[0]]), undefined, `a list for ${name}`)
    }
  })

  test('fits a list in part, and alone as a list of one', () => {
    assert.deepEqual(fit('texts', ['x', 7]), ['x'])
    assert.deepEqual(fit('texts', 'x'), ['x'])
    assert.deepEqual(fit('stages', ['LEAD', 'GONE', null]), ['LEAD'])
    assert.equal(fit('stages', ['GONE']), undefined)
    assert.equal(losesValue(policy, field('texts'), 'x'), false)
    assert.equal(losesValue(policy, field('texts'), ['x', 7]), true)
  })

  test('is a group without the parts that do not fit, or none without a required one', () => {
    assert.deepEqual(fit('price', { cents: 1, note: 7, stage: 'GONE', more: 1 }), {
      cents: 1,
      more: 1,
    })
    assert.deepEqual(fit('lines', [{ price: { note: 'x' }, amount: 2 }, 'x']), [{ amount: 2 }])
    const whole = { cents: 1, note: null }
    assert.equal(fit('price', whole), whole)
    assert.equal(losesValue(policy, field('price'), whole), false)
  })
})

test('a value of another kind does not count: another source or none has the field', () => {
  const member = (key: string, trust: number, fields: object) => ({
    ...{ key, source: key, role: 'CRM', trust, version: 1 },
    fields: { ...fields },
  })
  const members = [
    member('a', 0.9, { int: 'NET30', stage: 'GONE' }),
    member('b', 0.5, { int: 30, stage: 'LEAD' }),
  ]
  const { values, provenance } = survive(policy, type, members)
  assert.deepEqual(values, { int: 30, stage: 'LEAD' })
  assert.deepEqual(provenance.int?.r, ['b'])
  assert.deepEqual(
    candidates(policy, field('int'), members, values).map((c) => [c.key, c.verdict]),
    [
      ['b', 'WON'],
      ['a', 'FAILS_FORMAT'],
    ],
  )
  assert.deepEqual(survive(policy, type, members.slice(0, 1)).values, {})
  // The statement of a steward, too.
  const stated = [{ field: 'int', value: 'NET30', id: 1 }]
  assert.deepEqual(survive(policy, type, members, stated).values.int, 30)
})
