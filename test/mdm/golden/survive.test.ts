import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Source } from 'graphql'
import { candidates, type SurvivorMember, survive } from '../../../mdm/golden/survive.ts'
import { parsePolicy } from '../../../schema/readPolicy.ts'
import fc from '../../property.ts'

const policy = parsePolicy([
  new Source(
    `
    type Thing @golden {
      id: ID!
      stage: Stage @systemOfRecord(order: [CRM, ERP])
      name: String @systemOfRecord(order: [ERP, CRM])
      terms: String
        @systemOfRecord(when: { field: "stage", in: ["PROSPECT"] }, order: [CRM])
        @systemOfRecord(order: [ERP])
      owner: String @systemOfRecord(order: ["crm-emea", CRM])
      recent: String @survive(by: MOST_RECENT)
      complete: Address @survive(by: MOST_COMPLETE)
      longest: String @survive(by: LONGEST)
      frequent: String @survive(by: MOST_FREQUENT)
      trusted: String
      emails: [String!] @format(as: EMAIL) @survive(by: UNION)
      taxIds: [String!] @systemOfRecord(order: [ERP, BILLING])
      country: String @format(as: COUNTRY) @systemOfRecord(order: [ERP, CRM])
      address: Address @systemOfRecord(order: [BILLING, ERP])
    }
    enum Stage { PROSPECT CUSTOMER }
    type Address @group { street: String city: String country: String @format(as: COUNTRY) }
  `,
    'thing.graphql',
  ),
])
const type = policy.type('Thing')
const day = 86_400_000_000

function member(
  key: string,
  role: string,
  fields: Record<string, unknown>,
  more: Partial<SurvivorMember> = {},
): SurvivorMember {
  return {
    key,
    source: role.toLowerCase(),
    role,
    trust: 0.5,
    version: 1_000 * day,
    fields,
    ...more,
  }
}
const golden = (...members: SurvivorMember[]) => survive(policy, type, members)
const value = (field: string, ...members: SurvivorMember[]) => golden(...members).values[field]

test('the system of record wins; the next in order applies if it has no value; names rank like roles', () => {
  const crm = member('a', 'CRM', { name: 'from crm', owner: 'x' })
  const erp = member('b', 'ERP', { name: 'from erp' })
  assert.equal(value('name', crm, erp), 'from erp')
  assert.equal(value('name', crm), 'from crm')
  const emea = member('c', 'CRM', { owner: 'emea' }, { source: 'crm-emea' })
  assert.equal(value('owner', crm, emea), 'emea')
})

test('I6: provenance names the record and the rule', () => {
  assert.deepEqual(golden(member('a', 'CRM', { name: 'x', trusted: 't' })).provenance, {
    name: { r: ['a'], u: 'SYSTEM_OF_RECORD' },
    trusted: { r: ['a'], u: 'HIGHEST_TRUST' },
  })
})

test('the owner of a field can depend on another field of the golden record', () => {
  const crm = member('a', 'CRM', { stage: 'PROSPECT', terms: 'NET60' })
  const erp = member('b', 'ERP', { stage: 'CUSTOMER', terms: 'NET30' })
  assert.equal(value('terms', crm, erp), 'NET60', 'stage is owned by the CRM: PROSPECT')
  assert.equal(
    value('terms', { ...crm, fields: { ...crm.fields, stage: 'CUSTOMER' } }, erp),
    'NET30',
  )
})

test('a value that fails its format loses to one that passes, even against the system of record', () => {
  const erp = member('b', 'ERP', { country: 'Germania' })
  const crm = member('a', 'CRM', { country: 'DE' })
  assert.equal(value('country', erp, crm), 'DE')
  assert.equal(value('country', erp), 'Germania', 'but it serves when there is no other')
  assert.deepEqual(value('emails', member('a', 'CRM', { emails: ['broken', 'a@b.example'] })), [
    'a@b.example',
  ])
})

test('a text that stands in for a name loses to every name, even against the system of record', () => {
  const standIn = member('a', 'ERP', { name: 'kasse@laden.example' })
  const named = member('b', 'SUCCESS', { name: 'Laden Ltd' })
  assert.equal(value('name', standIn, named), 'Laden Ltd')
  assert.equal(value('name', named, standIn), 'Laden Ltd')
  assert.equal(value('name', standIn), 'kasse@laden.example')
})

test('a group is taken whole from one record, never mixed', () => {
  const billing = member('a', 'BILLING', { address: { street: 'A 1', country: 'DE' } })
  const erp = member('b', 'ERP', { address: { street: 'B 2', city: 'Bonn', country: 'DE' } })
  assert.deepEqual(value('address', billing, erp), { street: 'A 1', country: 'DE' })
  const broken = member('a', 'BILLING', { address: { street: 'A 1', country: 'Germania' } })
  assert.deepEqual(
    value('address', broken, erp),
    { street: 'B 2', city: 'Bonn', country: 'DE' },
    'one bad part fails the group',
  )
})

test('the strategies choose the most recent, longest, most complete or most frequent value', () => {
  const old = member(
    'a',
    'CRM',
    { recent: 'old', longest: 'short', complete: { street: 'x', city: 'y' }, frequent: 'p' },
    { version: day },
  )
  const fresh = member(
    'b',
    'CRM',
    { recent: 'new', longest: 'the longer one', complete: { street: 'z' }, frequent: 'Q' },
    { version: 2 * day },
  )
  const third = member('c', 'CRM', { frequent: 'q' }, { version: day })
  const { values } = golden(old, fresh, third)
  assert.equal(values.recent, 'new')
  assert.equal(values.longest, 'the longer one')
  assert.deepEqual(values.complete, { street: 'x', city: 'y' })
  assert.equal(String(values.frequent).toLowerCase(), 'q')
})

test('highest trust decays by the half-life of its source, against the newest member', () => {
  const erp = { trust: 0.9, trustHalfLifeDays: 100 }
  const crm = member('b', 'CRM', { trusted: 'crm' }, { trust: 0.6 })
  assert.equal(value('trusted', member('a', 'ERP', { trusted: 'erp' }, erp), crm), 'erp')
  const aged = member('a', 'ERP', { trusted: 'erp' }, { ...erp, version: 900 * day })
  assert.equal(value('trusted', aged, crm), 'crm', '0.9 halved once is 0.45')
})

test('merges lists of all records, or only of those of the best owner', () => {
  const erp1 = member('a', 'ERP', { taxIds: ['1'], emails: ['x@y.example'] })
  const erp2 = member('b', 'ERP', { taxIds: ['2'], emails: ['X@Y.example', 'z@y.example'] })
  const billing = member('c', 'BILLING', { taxIds: ['3'] })
  const { values, provenance } = golden(erp1, erp2, billing)
  assert.deepEqual([...(values.taxIds as string[])].sort(), ['1', '2'])
  assert.deepEqual(values.emails, ['x@y.example', 'z@y.example'], 'the same but for case is one')
  assert.deepEqual(provenance.emails?.r.sort(), ['a', 'b'])
})

test('I3: the last override of a steward outranks all other values', () => {
  const members = [member('a', 'ERP', { name: 'erp' })]
  const overrides = [
    { id: 1, field: 'name', value: 'first' },
    { id: 2, field: 'name', value: 'second' },
  ]
  const result = survive(policy, type, members, overrides)
  assert.equal(result.values.name, 'second')
  assert.deepEqual(result.provenance.name, { r: [], u: 'STEWARD', a: 2 })
})

test('losing candidates have the reason why they lost', () => {
  const members = [
    member('a', 'ERP', { country: 'Germania' }),
    member('b', 'CRM', { country: 'DE' }),
    member('c', 'BILLING', { country: 'FR' }),
    member('d', 'CRM', { country: 'AT' }, { trust: 0.1 }),
  ]
  const field = type.fields.find((f) => f.name === 'country')
  assert.ok(field)
  const { values } = survive(policy, type, members)
  assert.deepEqual(
    candidates(policy, field, members, values).map((c) => [c.key, c.verdict]),
    [
      ['b', 'WON'],
      ['d', 'OUTRANKED'],
      ['c', 'NOT_SYSTEM_OF_RECORD'],
      ['a', 'FAILS_FORMAT'],
    ],
  )
})

test('I1: the order of the members does not matter', () => {
  const some = fc.record(
    {
      name: fc.constantFrom('n1', 'n2'),
      stage: fc.constantFrom('PROSPECT', 'CUSTOMER'),
      terms: fc.constantFrom('t1', 't2'),
      recent: fc.constantFrom('r1', 'r2'),
      longest: fc.constantFrom('l1', 'l2'),
      frequent: fc.constantFrom('f1', 'f2', 'F1'),
      trusted: fc.constantFrom('x1', 'x2'),
      emails: fc.uniqueArray(
        fc.constantFrom('a@b.example', 'A@b.example', 'broken', 'c@d.example'),
      ),
      taxIds: fc.uniqueArray(fc.constantFrom('1', '2')),
      country: fc.constantFrom('DE', 'Germania'),
    },
    { requiredKeys: [] },
  )
  const members = fc
    .array(
      fc.record({
        role: fc.constantFrom('CRM', 'ERP', 'BILLING'),
        trust: fc.constantFrom(0.4, 0.8),
        version: fc.integer({ min: 1, max: 3 }),
        fields: some,
      }),
      { maxLength: 6 },
    )
    .map((all) =>
      all.map((m, i) =>
        member(`k${i}`, m.role, m.fields, {
          trust: m.trust,
          version: m.version * day,
          trustHalfLifeDays: 2,
        }),
      ),
    )
  fc.assert(
    fc.property(members, fc.infiniteStream(fc.nat()), (all, random) => {
      const shuffled = all
        .map((m) => ({ m, at: random.next().value as number }))
        .sort((a, b) => a.at - b.at)
        .map(({ m }) => m)
      assert.deepEqual(survive(policy, type, shuffled), survive(policy, type, all))
    }),
    { numRuns: 1_000 },
  )
})
