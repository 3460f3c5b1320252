import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Source } from 'graphql'
import { narrowedFields } from '../../../mdm/policy/unfitValues.ts'
import { parsePolicy } from '../../../schema/readPolicy.ts'

const groups = `
  enum Stage { LEAD CUSTOMER }
  enum Less { CUSTOMER }
  enum Turned { CUSTOMER LEAD }
  enum More { LEAD CUSTOMER FORMER }
  type Price @group { cents: MinorUnits! note: String stage: Stage }
  type Fewer @group { cents: MinorUnits! }
  type Strict @group { cents: MinorUnits! note: String! stage: Stage }
  type Staged @group { cents: MinorUnits! note: String stage: Less }
  type Listed @group { cents: [MinorUnits!] note: [String!] stage: [Stage!] }
  type Line @group { price: Price }
  type StagedLine @group { price: Staged }`
const policyOf = (f: string) =>
  parsePolicy([
    new Source(`type Thing @golden { id: ID! name: String! f: ${f} } ${groups}`, 'thing.graphql'),
  ])

test('only a field that may not hold what it held is counted', () => {
  const isNarrowed = (to: string, from: string) =>
    narrowedFields(policyOf(to), policyOf(from), 'ALL').length > 0
  for (const [from, to] of [
    ['String', 'String @format(as: EMAIL)'],
    ['String', 'String @compare(as: ORGANISATION_NAME)'],
    ['String', 'String @survive(by: LONGEST)'],
    ['String!', 'String'],
    ['String', '[String!]'],
    ['Stage', 'Turned'],
    ['Stage', 'More'],
    ['Price', 'Fewer'],
    ['Price', '[Listed!]'],
    ['[Line!]', '[Line!]'],
  ] as const)
    assert.equal(isNarrowed(to, from), false, `${from} -> ${to}`)
  for (const [from, to] of [
    ['String', 'Int'],
    ['Int', 'Float'],
    ['[String!]', 'String'],
    ['Stage', 'Less'],
    ['Price', 'Strict'],
    ['Price', 'Staged'],
    ['Listed', 'Price'],
    ['[Line!]', '[StagedLine!]'],
    ['Stage', 'String'],
    // The advice for a required field is two steps, and the second may come too soon.
    ['Int', 'Int!'],
  ] as const)
    assert.equal(isNarrowed(to, from), true, `${from} -> ${to}`)
})

test('a gateway reads only the values of required fields', () => {
  const named = [{ type: 'Thing', field: 'f' }]
  const narrowed = (to: string) => narrowedFields(policyOf(to), policyOf('String'), 'REQUIRED')
  assert.deepEqual([narrowed('Int'), narrowed('Int!')], [[], named])
})
