import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { execute, parse } from 'graphql'
import type { Sql } from '../../mdm/db/database.ts'
import { createBillingSubgraph } from '../../subgraphs/billing/subgraph.ts'
import { createContractSubgraph } from '../../subgraphs/contract/subgraph.ts'
import type { Subgraph } from '../../subgraphs/contract.ts'
import { createCustomerSubgraph } from '../../subgraphs/customer/subgraph.ts'
import type { SubgraphDeps } from '../../subgraphs/golden/goldenResolvers.ts'
import { unbound } from '../../subgraphs/shared/context.ts'
import { type TestDatabase, testDatabase } from '../database.ts'
import { policy, systems } from '../fixtures/store.ts'
import { key, tell, world } from './world.ts'

let db: TestDatabase
before(async () => {
  db = await testDatabase()
  await tell(db.sql, world)
})
after(async () => await db?.drop())

/** Statements that a subgraph runs for an operation without errors. */
async function statements(make: (deps: SubgraphDeps) => Subgraph, text: string, variables?: object): Promise<number> {
  let count = 0
  const sql = new Proxy(db.sql, {
    get(target, name) {
      if (name === 'unsafe') count++
      const value = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  }) as Sql
  const subgraph = make({ sqlOf: unbound(sql), policy, sources: systems })
  const contextValue = subgraph.context({ correlationId: 'c', scopes: new Set(['pii:read']) })
  const document = parse(text)
  const { errors } = await execute({
    schema: subgraph.schema,
    document,
    contextValue,
    variableValues: { ...variables },
  })
  assert.equal(errors, undefined)
  return count
}

const customers = ['C1', 'C2', 'C3'].map((id) => ({ __typename: 'Customer', id: key('crm', 'Customer', id) }))
const entities = (selection: string) =>
  `query ($r: [_Any!]!) { _entities(representations: $r) { ... on Customer { ${selection} } } }`

test('a list for many parents is one statement, its count another, and only when it is asked for', async () => {
  const list = entities(
    'invoices(first: 5, filter: { open: true }) { nodes { number } edges { cursor } pageInfo { endCursor } }',
  )
  assert.equal(await statements(createBillingSubgraph, list, { r: customers }), 1)
  const counted = entities('invoices { totalCount nodes { number } }')
  assert.equal(await statements(createBillingSubgraph, counted, { r: customers }), 2)
  const onlyCounted = entities('invoices { totalCount }')
  assert.equal(await statements(createBillingSubgraph, onlyCounted, { r: customers }), 1)
  const twoLists = entities('open: invoices(filter: { open: true }) { nodes { id } } all: invoices { nodes { id } }')
  assert.equal(await statements(createBillingSubgraph, twoLists, { r: customers }), 2)
  assert.equal(await statements(createBillingSubgraph, entities('totals { openInvoices }'), { r: customers }), 1)
  assert.equal(
    await statements(createContractSubgraph, entities('contracts { nodes { number } }'), { r: customers }),
    1,
  )
})

test('what stands beside golden records is read for all of them at once', async () => {
  assert.equal(
    await statements(createCustomerSubgraph, '{ customers { nodes { name emails billingAddress { city } } } }'),
    1,
  )
  assert.equal(await statements(createCustomerSubgraph, '{ customers { nodes { parent { name } } } }'), 2)
  assert.equal(await statements(createCustomerSubgraph, '{ contacts { nodes { customer { name aliases } } } }'), 3)
  assert.equal(await statements(createCustomerSubgraph, '{ customers { nodes { sources { system canonical } } } }'), 3)
  assert.equal(await statements(createCustomerSubgraph, '{ customers { nodes { history { nodes { version } } } } }'), 2)
  // Golden records, provenance; winners and candidates; the candidates' two parts; their source records.
  const provenance = '{ customers { nodes { provenance { sources { system } candidates { source { system } } } } } }'
  assert.ok((await statements(createCustomerSubgraph, provenance)) <= 7)
})
