import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import type { Fixture } from '../fixture.ts'
import { ask, testGateway } from '../gateway.ts'

let it: Awaited<ReturnType<typeof testGateway>>
let world: Fixture
before(async () => {
  it = await testGateway()
  world = it.fixture
})
after(() => it.gateway.close())
beforeEach(() => {
  world.batches.length = 0
  world.contexts.clear()
})

test('joins an entity from the subgraphs that own its parts', async () => {
  const { status, body } = await ask(it.url, '{ customers(first: 2) { id name invoices { id } } }')
  assert.equal(status, 200)
  assert.deepEqual(body, {
    data: {
      customers: [
        { id: 'c0', name: 'Customer 0', invoices: [{ id: 'c0-1' }, { id: 'c0-2' }] },
        { id: 'c1', name: 'Customer 1', invoices: [{ id: 'c1-1' }, { id: 'c1-2' }] },
      ],
    },
  })
})

test('a subgraph gets one context and one batch for each kind of key in an operation', async () => {
  await ask(it.url, '{ customers(first: 9) { name invoices { customer { name } } } }')
  assert.deepEqual(Object.fromEntries(world.contexts), { customer: 1, billing: 1 })
  assert.deepEqual(
    world.batches.map((b) => [b.subgraph, b.keys.length]),
    [
      ['customer', 9],
      ['billing', 9],
    ],
  )
})

test('operations do not share loaded data', async () => {
  await ask(it.url, '{ customer(id: "c1") { name } }')
  await ask(it.url, '{ customer(id: "c1") { name } }')
  assert.equal(world.batches.length, 2)
})

test('variables reach the subgraph, and invalid ones are reported to the caller', async () => {
  const query = 'query Q($id: ID!) { customer(id: $id) { name } }'
  assert.equal(
    (await ask(it.url, query, { variables: { id: 'c3' } })).body.data.customer.name,
    'Customer 3',
  )
  const wrong = await ask(it.url, query, { variables: {} })
  assert.equal(wrong.body.errors[0].extensions.code, 'BAD_USER_INPUT')
  assert.match(wrong.body.errors[0].message, /\$id/)
})

test('needs a name where a document has several operations', async () => {
  const query = 'query A { customer(id: "c1") { id } } query B { customer(id: "c2") { id } }'
  assert.equal((await ask(it.url, query, { operationName: 'B' })).body.data.customer.id, 'c2')
  for (const operationName of [undefined, 'C'])
    assert.equal(
      (await ask(it.url, query, { operationName })).body.errors[0].extensions.code,
      'OPERATION_RESOLUTION_FAILURE',
    )
})

test('accepts a valid correlation id of the caller and passes it to the subgraphs', async () => {
  const correlationId = '0198c0de-0000-7000-8000-00000000abcd'
  const accepted = await ask(it.url, '{ customer(id: "c1") { name } }', {
    headers: { 'x-correlation-id': correlationId },
  })
  assert.equal(accepted.headers.get('x-correlation-id'), correlationId)
  assert.equal(world.batches[0]?.correlationId, correlationId)
  const replaced = await ask(it.url, '{ customer(id: "c1") { name } }', {
    headers: { 'x-correlation-id': 'Robert"); --' },
  })
  assert.match(replaced.headers.get('x-correlation-id') ?? '', /^[0-9a-f-]{36}$/)
  assert.equal(replaced.headers.get('x-correlation-id'), world.batches[1]?.correlationId)
})

test('accepts queries by GET, but no mutations', async () => {
  const get = (query: string) => fetch(`${it.url}?query=${encodeURIComponent(query)}`)
  assert.deepEqual(await (await get('{ customer(id: "c2") { id } }')).json(), {
    data: { customer: { id: 'c2' } },
  })
  const refused = await get('mutation { rename(id: "c2", name: "x") { id } }')
  assert.equal(refused.status, 405)
  assert.equal(world.names.get('c2'), 'Customer 2')
})

test('introspection shows the public schema without join types', async () => {
  const { body } = await ask(it.url, '{ __schema { types { name } } }')
  const names = body.data.__schema.types.map((t: { name: string }) => t.name)
  assert.ok(names.includes('Customer'))
  assert.ok(!names.some((n: string) => n.startsWith('join__')))
})
