import assert from 'node:assert/strict'
import { test } from 'node:test'
import { visibleReason } from '../../subgraphs/stewardship/visibleReason.ts'
import { policy } from '../fixtures/store.ts'

test('hides the values in a reason from an earlier policy unless the caller may see every value', () => {
  const [contact, product] = [policy.type('Contact'), policy.type('Product')]
  const stored = 'formerName: generations SENIOR and JUNIOR'
  assert.equal(visibleReason(contact, stored, new Set(['pii:read'])), stored)
  assert.doesNotMatch(visibleReason(contact, stored, new Set()), /SENIOR/)
  assert.equal(visibleReason(product, stored, new Set()), stored, 'a product has no hidden fields')
  const plain = 'both are records of one source in which each Contact occurs once'
  assert.equal(visibleReason(contact, plain, new Set()), plain)
})
