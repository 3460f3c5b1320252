import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Source } from 'graphql'
import { visibleEvent } from '../../mdm/feed/visible.ts'
import { goldenFields } from '../../mdm/golden/read/listField.ts'
import type { ChangeEvent } from '../../schema/events.ts'
import {
  hiddenFields,
  missingScopeOfIssue,
  visibleChanges,
  withoutHidden,
} from '../../schema/hiddenFields.ts'
import { parsePolicy } from '../../schema/readPolicy.ts'
import { maskedValues } from '../../subgraphs/golden/mask.ts'
import { visibleInput } from '../../subgraphs/stewardship/visible.ts'

const policy = parsePolicy([
  new Source(
    `type Deal @golden {
      id: ID!
      name: String!
      secret: String @sensitive(scope: "deal:read", mask: STARS)
      fee: Money
      boxes: [Box!]
    }
    type Money @group { minorUnits: Int @sensitive(scope: "deal:read") currency: String }
    type Box @group { open: String shut: String @sensitive(scope: "deal:read") }`,
    'deal.graphql',
  ),
])
const deal = policy.type('Deal')
const values = {
  name: 'A',
  secret: 'x',
  fee: { minorUnits: 7, currency: 'EUR' },
  boxes: [{ open: 'o', shut: 's' }],
}
const [none, all] = [new Set<string>(), new Set(['deal:read'])]

test('a field counts as hidden if a part of its group is', () => {
  assert.deepEqual([...hiddenFields(policy, deal, none)].sort(), ['boxes', 'fee', 'secret'])
  assert.equal(hiddenFields(policy, deal, all).size, 0)
})

test('hidden parts of groups are shown nowhere, and what is left of a group stays', () => {
  const rest = { name: 'A', fee: { currency: 'EUR' }, boxes: [{ open: 'o' }] }
  assert.deepEqual(withoutHidden(policy, deal, values, none), rest)
  assert.deepEqual(maskedValues(policy, deal, values, none), { ...rest, secret: '****' })
  assert.deepEqual(withoutHidden(policy, deal, values, all), values)
  assert.deepEqual(maskedValues(policy, deal, values, all), values)
})

test('the input of an action shows no value of a field with a hidden part', () => {
  const input = ['name', 'secret', 'fee', 'gone'].map((field) => ({ field, value: 'x' }))
  const seen = visibleInput(policy, { items: input }, none) as { items: typeof input }
  assert.deepEqual(
    seen.items.filter((i) => 'value' in i).map((i) => i.field),
    ['name'],
  )
  assert.deepEqual(visibleInput(policy, { items: input }, all), { items: input })
})

test('an issue is hidden with its field, the parts of it, and if its rights are unknown', () => {
  const hidden = (scopes: Set<string>) =>
    ['name', 'secret', 'fee.currency', 'gone', 'version', 'deleted'].filter(
      (field) => missingScopeOfIssue(policy, deal, field, scopes) === 'deal:read',
    )
  assert.deepEqual(hidden(none), ['secret', 'fee.currency', 'gone'])
  assert.deepEqual(hidden(all), [])
})

test('names of changed fields leave out hidden ones, and those whose rights are unknown', () => {
  const changed = ['name', 'secret', 'fee', 'gone']
  assert.deepEqual(visibleChanges(policy, 'Deal', changed, none), ['name'])
  assert.deepEqual(visibleChanges(policy, 'Deal', changed, all), changed)
  assert.deepEqual(visibleChanges(policy, 'Vanished', changed, all), [])
  assert.deepEqual(visibleChanges(policy, 'Invoice', ['total'], none), ['total'])
  const event = { type: 'Deal', before: values, after: values, changedFields: changed }
  const shown = visibleEvent(policy)(event as unknown as ChangeEvent, none)
  assert.deepEqual(shown.changedFields, ['name'])
  assert.doesNotMatch(JSON.stringify(shown), /minorUnits|shut/)
})

test('a list is not sorted by an amount that needs a scope', () => {
  const sorts = (p: typeof policy) =>
    goldenFields(p, p.type('Deal')).find((f) => f.name === 'fee')?.sort
  assert.equal(sorts(policy), undefined)
  const open = parsePolicy([
    new Source(
      `type Deal @golden { id: ID! name: String! fee: Money }
      type Money @group { minorUnits: Int currency: String }`,
      'deal.graphql',
    ),
  ])
  assert.ok(sorts(open))
})
