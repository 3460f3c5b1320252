import assert from 'node:assert/strict'
import { test } from 'node:test'
import { visibleReason } from '../../subgraphs/stewardship/visibleReason.ts'
import { policy } from '../fixtures/store.ts'

test('a reason that names a comparison of an earlier policy quotes nothing to who may not see every value', () => {
  const [contact, product] = [policy.type('Contact'), policy.type('Product')]
  const stored = 'formerName: generations SENIOR and JUNIOR'
  assert.equal(visibleReason(contact, stored, new Set(['pii:read'])), stored)
  assert.doesNotMatch(visibleReason(contact, stored, new Set()), /SENIOR/)
  assert.equal(visibleReason(product, stored, new Set()), stored, 'nothing of a product is hidden')
  const plain = 'both are records of one source in which each Contact occurs once'
  assert.equal(visibleReason(contact, plain, new Set()), plain)
})
