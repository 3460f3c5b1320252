import assert from 'node:assert/strict'
import { test } from 'node:test'
import { buildSchema, parse } from 'graphql'
import { dependenciesOf } from '../../../gateway/cache/dependencies.ts'
import { ResponseCache } from '../../../gateway/cache/responseCache.ts'
import { operationNamed, readDocument } from '../../../gateway/operation/document.ts'
import type { RequestInfo } from '../../../subgraphs/contract.ts'
import { cacheableGraph } from '../../../subgraphs/golden/cacheable.ts'
import { policy } from '../../fixtures/store.ts'

const schema = buildSchema(`
  type Query { customer(id: ID!): Customer customers(filter: CustomerFilter, name: String): CustomerConnection! contact(id: ID!): Contact invoices: Int }
  input CustomerFilter { and: [CustomerFilter!] name: String source: SourceFilter }
  input SourceFilter { system: [String!] }
  type CustomerConnection { nodes: [Customer!]! totalCount: Int! }
  type Customer { id: ID! name: String invoices: Int provenance: Int contacts: ContactConnection! parent: Customer }
  type ContactConnection { nodes: [Contact!]! }
  type Contact { id: ID! emails: String name: String customer: Customer }
`)
const someone = (more: Partial<RequestInfo> = {}): RequestInfo => ({
  correlationId: '1',
  actor: 'ida',
  scopes: new Set(['golden:read']),
  ...more,
})

/**
 * Creates a cache over a feed that the test advances. `ask` reports whether the operation was
 * executed.
 */
function testCache(bytesMax = 1e6) {
  const at = { readMsAgo: 0, feed: {} as object, policy: 'p1' }
  const graph = cacheableGraph(policy)
  const cache = new ResponseCache({ graph, bytesMax, now: () => at })
  let position = 0
  let executions = 0
  return {
    cache,
    at,
    change: (type: string, goldenId: string) =>
      cache.changed({ position: ++position, type, goldenId }),
    async ask(
      text: string,
      data: object,
      options: { as?: RequestInfo; variables?: object; during?: () => void } = {},
    ) {
      const operation = operationNamed(readDocument(schema, parse(text)), null)
      assert.ok(operation)
      const dependencies = dependenciesOf(graph, operation)
      const variables = { ...options.variables }
      if (!dependencies || dependencies.isVolatile(variables)) return null
      const before = executions
      await cache.respond(
        { text, name: null, variables },
        dependencies,
        options.as ?? someone(),
        async () => {
          executions++
          await new Promise((resolve) => setImmediate(resolve))
          options.during?.()
          return { data: data as never }
        },
      )
      return executions > before ? 'EXECUTED' : 'CACHED'
    },
  }
}

const one = '{ customer(id: "a") { id name } }'
const list = '{ customers { nodes { name } } }'

test('caches a response until a record in it changes, or any record of a type that it lists', async () => {
  const { ask, change } = testCache()
  const cases: [string, object][] = [
    [one, { customer: { id: 'a', name: 'A' } }],
    [list, { customers: { nodes: [{ name: 'A' }] } }],
  ]
  for (const [text, data] of cases) assert.equal(await ask(text, data), 'EXECUTED')
  for (const [text, data] of cases) assert.equal(await ask(text, data), 'CACHED')
  change('Product', 'p')
  for (const [text, data] of cases) assert.equal(await ask(text, data), 'CACHED')
  change('Customer', 'b')
  assert.equal(await ask(...(cases[0] as [string, object])), 'CACHED')
  assert.equal(await ask(...(cases[1] as [string, object])), 'EXECUTED')
  change('Customer', 'a')
  for (const [text, data] of cases) assert.equal(await ask(text, data), 'EXECUTED')
})

test('a missing record, or one without an id, depends on all records of its type; a reference only on itself', async () => {
  const { ask, change } = testCache()
  const none: [string, object] = [one, { customer: null }]
  const nameless: [string, object] = ['{ customer(id: "a") { name } }', { customer: { name: 'A' } }]
  const contact: [string, object] = [
    '{ contact(id: "c") { id customer { id name } } }',
    { contact: { id: 'c', customer: { id: 'a', name: 'A' } } },
  ]
  for (const c of [none, nameless, contact]) assert.equal(await ask(...c), 'EXECUTED')
  change('Customer', 'b')
  assert.equal(await ask(...none), 'EXECUTED')
  assert.equal(await ask(...nameless), 'EXECUTED')
  assert.equal(await ask(...contact), 'CACHED')
  change('Customer', 'a')
  assert.equal(await ask(...contact), 'EXECUTED')
})

test('never caches fields that change without an event', async () => {
  const { ask } = testCache()
  for (const text of [
    '{ invoices }',
    '{ customer(id: "a") { id invoices } }',
    '{ customer(id: "a") { id provenance } }',
    '{ contact(id: "c") { id emails } }',
    '{ customers(filter: { source: { system: ["crm"] } }) { totalCount } }',
    '{ customers(filter: { and: { source: { system: "crm" } } }) { totalCount } }',
    'query ($f: CustomerFilter = { source: {} }) { customers(filter: $f) { totalCount } }',
    'query ($x: Boolean!) { customer(id: "a") { id name @include(if: $x) } }',
  ])
    assert.equal(await ask(text, {}), null, text)
  for (const [text, variables] of [
    [
      'query ($f: CustomerFilter) { customers(filter: $f) { totalCount } }',
      { f: { source: { system: 'crm' } } },
    ],
    [
      'query ($f: [CustomerFilter!]) { customers(filter: { and: $f }) { totalCount } }',
      { f: [{ source: {} }] },
    ],
    [
      'query ($s: SourceFilter) { customers(filter: { source: $s }) { totalCount } }',
      { s: { system: 'crm' } },
    ],
  ] as const) {
    assert.equal(await ask(text, {}, { variables }), null, text)
    assert.equal(
      await ask(text, { customers: { totalCount: 1 } }),
      'EXECUTED',
      'without the filter it is cached',
    )
  }
  const named = '{ customers(name: "source") { totalCount } }'
  assert.equal(
    await ask(named, { customers: { totalCount: 1 } }),
    'EXECUTED',
    'a text is not a filter',
  )
})

test('shares a response among callers with the same rights', async () => {
  const { ask, change } = testCache()
  const data = { customer: { id: 'a', name: 'A' } }
  assert.equal(await ask(one, data), 'EXECUTED')
  assert.equal(
    await ask(one, data, { as: someone({ actor: 'otto', correlationId: '2' }) }),
    'CACHED',
  )
  for (const other of [
    { scopes: new Set(['golden:read', 'pii:read']) },
    { roles: new Set(['steward']) },
    { regions: ['EU'] },
    { regions: [] },
    { legalEntities: ['DE01'] },
  ])
    assert.equal(await ask(one, data, { as: someone(other) }), 'EXECUTED', JSON.stringify(other))
  assert.equal(await ask(one, data, { variables: { id: 'b' } }), 'EXECUTED')
  // Visibility of rows depends on records that are not in the response.
  change('Product', 'p')
  assert.equal(await ask(one, data), 'CACHED')
  for (const bound of [{ regions: ['EU'] }, { legalEntities: ['DE01'] }])
    assert.equal(await ask(one, data, { as: someone(bound) }), 'EXECUTED')
})

test('does not cache a response that changed during execution, and serves nothing while the feed is behind', async () => {
  const { ask, at, change, cache } = testCache()
  const data = { customer: { id: 'a', name: 'A' } }
  assert.equal(await ask(one, data, { during: () => change('Customer', 'a') }), 'EXECUTED')
  assert.equal(await ask(one, data), 'EXECUTED')
  assert.equal(await ask(one, data), 'CACHED')
  at.readMsAgo = 2_001
  assert.equal(await ask(one, data), 'EXECUTED')
  at.readMsAgo = 0
  assert.equal(await ask(one, data), 'CACHED')
  cache.changed({ position: 900, type: 'Product', goldenId: 'after events that were skipped' })
  assert.equal(await ask(one, data), 'EXECUTED')
  at.feed = {}
  assert.equal(await ask(one, data), 'EXECUTED')
  at.policy = 'p2'
  assert.equal(await ask(one, data), 'EXECUTED')
})

test('executes identical concurrent operations once, and does not join an execution after a change', async () => {
  const { ask, change } = testCache()
  const data = { customer: { id: 'a', name: 'A' } }
  const first = [ask(one, data), ask(one, data), ask(one, data)]
  assert.deepEqual((await Promise.all(first)).length, 3)
  const { cache } = testCache()
  assert.equal(cache.stats.joined, 0)
  const begun = ask('{ customer(id: "b") { id name } }', { customer: { id: 'b' } })
  change('Customer', 'b')
  assert.equal(
    await ask('{ customer(id: "b") { id name } }', { customer: { id: 'b' } }),
    'EXECUTED',
  )
  await begun
})

test('bounds its memory by evicting the least recently used response', async () => {
  const { ask, cache } = testCache(3_000)
  for (let n = 0; n < 50; n++)
    await ask(`{ customer(id: "${n}") { id name } }`, { customer: { id: `${n}`, name: 'x' } })
  assert.ok(cache.stats.bytes <= 3_000)
  assert.equal(
    await ask('{ customer(id: "49") { id name } }', { customer: { id: '49' } }),
    'CACHED',
  )
  assert.equal(
    await ask('{ customer(id: "0") { id name } }', { customer: { id: '0' } }),
    'EXECUTED',
  )
})
