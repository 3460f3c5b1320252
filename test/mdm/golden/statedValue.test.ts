import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Source } from 'graphql'
import { fitting } from '../../../mdm/golden/fitting.ts'
import { valueFault } from '../../../mdm/golden/statedValue.ts'
import { parsePolicy } from '../../../schema/readPolicy.ts'

const policy = parsePolicy([
  new Source(
    `type Thing @golden {
      id: ID! name: String! int: Int float: Float flag: Boolean cents: MinorUnits
      stage: Stage stages: [Stage!] ints: [Int!] price: Price
    }
    enum Stage { LEAD CUSTOMER }
    type Price @group { cents: MinorUnits! stage: Stage }`,
    'thing.graphql',
  ),
])

test('a steward may state what a field can hold, of each kind', () => {
  const plain: unknown[] = ['x', 'LEAD', 'gone', 7, -7, 0.5, 2 ** 40, 2 ** 60, Number.NaN, true, {}]
  const values = [
    ...plain,
    ...plain.map((v) => [v]),
    ...plain.flatMap((cents) => plain.map((stage) => ({ cents, stage }))),
  ]
  for (const field of policy.type('Thing').fields) {
    if (field.name === 'name') continue
    let stated = 0
    for (const value of values) {
      // One value is a list of one only where an earlier policy has stored it.
      const isHeld = fitting(policy, field, value) === value
      assert.equal(valueFault(policy, field, value) === null, isHeld, `${field.name} ${value}`)
      if (isHeld) stated++
    }
    assert.ok(stated > 0, field.name)
  }
})

test('a refusal names the values that are right', () => {
  const fault = (name: string, value: unknown) => {
    const field = policy.type('Thing').fields.find((f) => f.name === name)
    return field && valueFault(policy, field, value)
  }
  assert.equal(fault('int', '7'), 'int is a whole number up to 2147483647, not "7"')
  assert.equal(fault('cents', 0.5), 'cents is a whole number, not 0.5')
  assert.equal(fault('float', 'x'), 'float is a number, not "x"')
  assert.equal(fault('flag', 1), 'flag is true or false, not 1')
  assert.equal(fault('stages', ['gone']), 'stages is one of LEAD, CUSTOMER, not "gone"')
  assert.equal(fault('price', { cents: '1' }), 'price.cents is a whole number, not "1"')
})
