import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { keyFields } from '../../../gateway/federation/keyFields.ts'
import { ask, testGateway } from '../gateway.ts'

let it: Awaited<ReturnType<typeof testGateway>>
before(async () => {
  it = await testGateway({})
})
after(() => it?.gateway.close())

test('an alias with the name of a key is rejected, and never leads to another entity', async () => {
  for (const query of [
    '{ customers(first: 1) { id: name invoices { id } } }',
    '{ customers(first: 1) { ...F } } fragment F on Customer { id: name invoices { id } }',
    '{ customers(first: 1) { ... { id: name } invoices { id } } }',
    '{ customers(first: 1) { __typename: name invoices { id } } }',
  ]) {
    const { body } = await ask(it.url, query, {})
    assert.equal(body.data, undefined, JSON.stringify(body))
    assert.match(body.errors[0].message, /cannot be an alias of another field of Customer/, query)
  }
})

test('other aliases, and the key under its own name or another, are allowed', async () => {
  const query = `{ customers(first: 1) { id: id key: id __typename: __typename name: name label: name invoices { number: id } } }`
  const { status, body } = await ask(it.url, query, {})
  assert.equal(status, 200, JSON.stringify(body))
  assert.deepEqual(body.data.customers[0].invoices, [{ number: 'c0-1' }, { number: 'c0-2' }])
})

test('keys of several fields and required fields are known by their first names', () => {
  const keys = keyFields(`
    type A @join__type(graph: X, key: "id owner { id }") @join__type(graph: Y, key: "code") { id: ID }
    type B @join__type(graph: X) { c: Int @join__field(graph: X, requires: "d e { f }") }
    type C @join__type(graph: X) { g: Int }`)
  assert.deepEqual(
    [...keys].map(([type, fields]) => [type, [...fields]]),
    [
      ['A', ['id', 'owner', 'code']],
      ['B', ['d', 'e']],
    ],
  )
})
