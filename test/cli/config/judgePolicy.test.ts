import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Source } from 'graphql'
import { judgePolicy } from '../../../cli/config/judgePolicy.ts'
import { survive } from '../../../mdm/golden/survive.ts'
import { priorParameters } from '../../../mdm/match/parameters.ts'
import { parseModel } from '../../../mdm/policy/modelText.ts'
import type { StoredPolicy } from '../../../mdm/policy/policies.ts'
import { parsePolicy } from '../../../schema/readPolicy.ts'
import {
  manyConditions,
  manyTypes,
  nestedGroups,
  randomOf,
  randomPolicy,
  withFile,
  withModel,
} from '../../fixtures/hostilePolicy.ts'
import { firstSeed } from '../../property.ts'

const judge = (stored: StoredPolicy, hide: string[] = []) =>
  judgePolicy({ stored, systems: null, own: [], hide })

const type = (fields: string, more = '') =>
  `type Thing @golden {\n  id: ID!\n  ${fields}\n}\n${more}`

// Each policy, the place of its mistake in more.graphql, and the reason.
const refused: [policy: string, place: string, reason: RegExp][] = [
  // Names of the product.
  ['type Query @golden { id: ID! }', '1:1', /type Query exists already/],
  ['type Subscription @golden { id: ID! }', '1:1', /type Subscription exists already/],
  ['type PageInfo @golden { id: ID! }', '1:1', /type PageInfo exists already/],
  ['type SourceRecord @golden { id: ID! }', '1:1', /type SourceRecord exists already/],
  ['type Invoice @golden { id: ID! }', '1:1', /type Invoice exists already/],
  ['type StringFilter @golden { id: ID! }', '1:1', /type StringFilter exists already/],
  ['type Policy @golden { id: ID! }', '1:1', /type Policy exists already/],
  ['type Erp @golden { id: ID! }', '1:1', /subgraph erp exists already/],
  ['type CUSTOMER @golden { id: ID! }', '1:1', /exists already/],
  ['type DateTime @golden { id: ID! }', '1:1', /type DateTime exists already/],
  ['type Float @golden { id: ID! }', '1:1', /is a scalar/],
  ['type _Any @golden { id: ID! }', '1:1', /those of federation/],
  ['type join__Type @golden { id: ID! }', '1:1', /those of federation/],
  ['type __Schema @golden { id: ID! }', '1:1', /those of GraphQL/],
  [type('version: Int'), '3:3', /Thing\.version exists already/],
  [type('history: String'), '3:3', /Thing\.history exists already/],
  [type('and: String'), '3:3', /ThingFilter\.and exists already/],
  [type('created_at: String'), '3:3', /ThingOrderField\.CREATED_AT exists already/],
  [type('e: ChangeOp', 'enum ChangeOp { A }'), '5:1', /type ChangeOp exists already/],
  [type('g: Tombstone', 'type Tombstone @group { a: Int }'), '5:1', /type Tombstone exists/],
  [
    type('m: Cash', 'type Cash @group { x: Int }\ntype CashFilter @golden { id: ID! }'),
    '5:1',
    /CashFilter exists/,
  ],
  // Names of the policy itself that meet only in the graph.
  [
    'type Thing @golden { id: ID! }\ntype ThingEdge @golden { id: ID! }',
    '2:1',
    /type ThingEdge exists already: it is golden type Thing/,
  ],
  ['type Thing @golden { id: ID! }\ntype THING @golden { id: ID! }', '2:1', /exists already/],
  [
    'type Thing @golden { id: ID! }\ntype Things @golden { id: ID! }',
    '2:1',
    /Query\.things exists already/,
  ],
  [
    'type WorkOrder @golden { id: ID! }\ntype Work_Order @golden { id: ID! }',
    '2:1',
    /GoldenType\.WORK_ORDER exists already/,
  ],
  ['type Total @golden { id: ID!\n customer: Customer }', '2:2', /Customer\.totals exists already/],
  [
    type(
      'customer: Customer',
      'type Invoices @golden { id: ID! }\ntype Invoic @golden { id: ID! }',
    ),
    '5:1',
    /Query\.invoices exists/,
  ],
  [type('ab_c: String\n  abC: String'), '4:3', /ThingOrderField/],
  // What nobody would read.
  ['extend type Customer { more: String }', '1:1', /this is neither/],
  ['interface Thing { id: ID! }', '1:1', /this is neither/],
  [`${type('a: Int')}union Any = Thing`, '5:1', /this is neither/],
  [`${type('a: Int')}schema { query: Thing }`, '5:1', /this is neither/],
  ['type Thing implements Node @golden { id: ID! }', '1:23', /implements no interface/],
  [type('a(b: Int): Int'), '3:5', /takes no arguments/],
  [type('a: [[String]]'), '3:6', /list of lists/],
  ['type Thing @golden { id: String @compare(as: NAME) }', '1:22', /of type ID!/],
  [
    'type Thing @golden @key(fields: "name") { id: ID! name: String }',
    '1:20',
    /the key of a golden type is "id"/,
  ],
  [type('a: String @sensitive(scope: pii)'), '3:24', /a text in quotes/],
  [type('a: String @sensitive(scope: "a\\"b")'), '3:13', /a scope has letters/],
  [type('a: String @systemOfRecord(order: [CRM, 7])'), '3:29', /a list of names/],
  [type('a: String @compare(as: NAME) @compare(as: TEXT)'), '3:32', /is there twice/],
  [type('a: Int\n  a: Int'), '4:3', /is there twice/],
  [type('e: E', 'enum E { A B A }'), '5:14', /is there twice/],
  [type('e: E', 'enum E { A true }'), '5:12', /reserved/],
  [type('e: E', 'enum E'), '5:1', /has no values/],
  [type('g: G', 'type G @group'), '5:1', /has no fields/],
  [type('g: G', 'type G @group { a: Int }\nenum G { A }'), '6:1', /is defined twice/],
  ['type Thing @golden @group { id: ID! }', '1:1', /can be one of them/],
  // Size.
  [type(`n${'a'.repeat(200)}: Int`), '3:3', /at most 100/],
  [`"${'a'.repeat(6_000)}" ${type('a: Int')}`, '1:1', /at most 5000/],
  [type(`a: ${'['.repeat(50_000)}`), '3:17', /brackets within each other/],
  [`#${'a'.repeat(300_000)}`, '1:1', /262144 bytes/],
  [manyTypes(41, 1), '37:1', /more than 40 golden types/],
  [type(Array.from({ length: 200 }, (_, i) => `f${i}: Int`).join(' ')), '1:1', /at most 200/],
  [nestedGroups(30, 2), '26:19', /more than 4 groups within each other/],
  [nestedGroups(4, 40), '3:104', /more than 1000 fields/],
  [
    type('g: G', 'type G @group { h: H }\ntype H @group {\n g: G }'),
    '7:2',
    /a group holds itself: Thing -> G -> H -> G/,
  ],
]

describe('a policy that no gateway can serve', () => {
  for (const [policy, place, reason] of refused)
    test(`is refused with its place: ${policy.replace(/\s+/g, ' ').slice(0, 70)}`, async () => {
      await assert.rejects(judge(withFile(policy)), (e: Error) => {
        assert.ok(e.message.startsWith(`more.graphql:${place}: `), e.message)
        assert.match(e.message, reason)
        return true
      })
    })

  test('is refused for a trained model whose numbers matching cannot use', async () => {
    const of = (change: object) =>
      withModel('Customer', {
        ...priorParameters({ name: 'Customer', uniqueIn: [], fields: [] }),
        ...change,
      })
    const deep = JSON.parse(`${'[{"a":'.repeat(9)}1${'}]'.repeat(9)}`) as object
    assert.throws(() => parseModel('Customer.parameters.json', '['.repeat(1e5)), /^ModelError: Cu/)
    assert.throws(
      () => parseModel('Customer.parameters.json', `${'['.repeat(1e5)}${']'.repeat(1e5)}`),
      /^ModelError: Customer\.parameters\.json:1:1: .*within each other/,
    )
    for (const [change, reason] of [
      [{ matchWeightMin: 'x' }, /matchWeightMin needs a number/],
      [{ matchWeightMin: Number.POSITIVE_INFINITY }, /matchWeightMin needs a number/],
      [{ priorWeight: Number.NaN }, /priorWeight needs a number/],
      [{ blockRecordsMax: 1e9 }, /blockRecordsMax needs a number from 2 to/],
      [{ keysPerRecordMax: -1 }, /keysPerRecordMax needs a number/],
      [{ calibration: { scale: -1, offset: 0 } }, /calibration\.scale/],
      [{ levels: { name: 7 } }, /levels\.name needs an object/],
      [{ frequencies: { name: { word: { unknown: 1, shipped: 7, bits: {} } } } }, /shipped needs/],
      [{ trained: deep }, /objects within each other/],
      [{ levels: [] }, /levels needs an object/],
    ] as const)
      await assert.rejects(judge(of(change)), (e: Error) => {
        assert.match(e.message, /^Customer\.parameters\.json:1:1: /)
        assert.match(e.message, reason)
        return true
      })
    await assert.rejects(judge(withModel('Query', {})), /^ModelError: Query\.parameters\.json:1:1/)
  })
})

describe('work that grew with the number of paths', () => {
  // Before, each of these took longer than anybody waits.
  test('conditions are read once for each field', () => {
    const policy = parsePolicy([new Source(manyConditions(180), 'more.graphql')])
    // Nor are they walked for a record without values.
    const member = { key: 'a', source: 'crm', role: 'CRM', trust: 1, version: 1, fields: {} }
    assert.deepEqual(survive(policy, policy.type('Thing'), [member]).values, {})
  })

  test('groups within groups are counted before they are unfolded', () => {
    assert.throws(
      () => parsePolicy([new Source(nestedGroups(150, 3), 'more.graphql')]),
      /groups within each other/,
    )
  })
})

test('a contract may hide a tag that the policy gives to nothing', async () => {
  const text = 'type Thing @golden { id: ID! name: String }'
  await judge(withFile(text), ['masked', 'internal'])
})

const policies = Number(process.env.TOUCHSTONE_HOSTILE_POLICIES ?? '40')

test(`each of ${policies} random policies can be served, or is refused with file and line`, async () => {
  const random = randomOf(firstSeed)
  let served = 0
  for (let n = 0; n < policies; n++) {
    const text = randomPolicy(random)
    try {
      await judge(withFile(text))
      served++
    } catch (e) {
      const { name, message } = e as Error
      assert.equal(name, 'PolicyError', `${message}\n${text}`)
      assert.match(message, /^more\.graphql:\d+:\d+: /, text)
    }
  }
  assert.ok(served > 0 && served < policies, `${served} can be served`)
})
