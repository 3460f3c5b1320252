import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { execute, parse } from 'graphql'
import { openDatabase, type Sql } from '../../mdm/db/database.ts'
import { Parameters } from '../../mdm/db/statement.ts'
import { readAsOf } from '../../mdm/golden/read/versions.ts'
import { createBillingSubgraph } from '../../subgraphs/billing/subgraph.ts'
import { createContractSubgraph } from '../../subgraphs/contract/subgraph.ts'
import type { Subgraph } from '../../subgraphs/contract.ts'
import { createCustomerSubgraph } from '../../subgraphs/customer/subgraph.ts'
import { unbound } from '../../subgraphs/shared/context.ts'
import type { SubgraphDeps } from '../../subgraphs/shared/subgraphDeps.ts'
import { type TestDatabase, testDatabase } from '../database.ts'
import { policy, systems } from '../fixtures/store.ts'
import { ingestRecords, key, world } from './world.ts'

let db: TestDatabase
before(async () => {
  db = await testDatabase()
  await ingestRecords(db.sql, world)
})
after(async () => await db?.drop())

/** Reports each statement and the rows that it returns. */
function counted(statement: () => void, onRows: (rows: readonly object[]) => void = () => {}): Sql {
  return new Proxy(db.sql, {
    get(target, name) {
      const value = Reflect.get(target, name)
      if (name !== 'unsafe') return typeof value === 'function' ? value.bind(target) : value
      return async (...given: [string, never[]?]) => {
        statement()
        const rows = await target.unsafe(...given)
        onRows(rows)
        return rows
      }
    },
  }) as Sql
}

/** Statements that a subgraph runs for an operation without errors. */
async function statements(
  make: (deps: SubgraphDeps) => Subgraph,
  text: string,
  variables?: object,
): Promise<number> {
  let count = 0
  const sql = counted(() => count++)
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

const customers = ['C1', 'C2', 'C3'].map((id) => ({
  __typename: 'Customer',
  id: key('crm', 'Customer', id),
}))
const entities = (selection: string) =>
  `query ($r: [_Any!]!) { _entities(representations: $r) { ... on Customer { ${selection} } } }`

test('reads a list for many parents in one statement, and its count in another only on request', async () => {
  const list = entities(
    'invoices(first: 5, filter: { open: true }) { nodes { number } edges { cursor } pageInfo { endCursor } }',
  )
  assert.equal(await statements(createBillingSubgraph, list, { r: customers }), 1)
  const counted = entities('invoices { totalCount nodes { number } }')
  assert.equal(await statements(createBillingSubgraph, counted, { r: customers }), 2)
  const onlyCounted = entities('invoices { totalCount }')
  assert.equal(await statements(createBillingSubgraph, onlyCounted, { r: customers }), 1)
  const twoLists = entities(
    'open: invoices(filter: { open: true }) { nodes { id } } all: invoices { nodes { id } }',
  )
  assert.equal(await statements(createBillingSubgraph, twoLists, { r: customers }), 2)
  assert.equal(
    await statements(createBillingSubgraph, entities('totals { openInvoices }'), { r: customers }),
    1,
  )
  assert.equal(
    await statements(createContractSubgraph, entities('contracts { nodes { number } }'), {
      r: customers,
    }),
    1,
  )
})

test('reads the data beside golden records for all of them at once', async () => {
  assert.equal(
    await statements(
      createCustomerSubgraph,
      '{ customers { nodes { name emails billingAddress { city } } } }',
    ),
    1,
  )
  assert.equal(
    await statements(createCustomerSubgraph, '{ customers { nodes { parent { name } } } }'),
    3,
    'the list, the parents, and which of them close a ring',
  )
  assert.equal(
    await statements(
      createCustomerSubgraph,
      '{ contacts { nodes { customer { name aliases } } } }',
    ),
    3,
  )
  assert.equal(
    await statements(
      createCustomerSubgraph,
      '{ customers { nodes { sourceRecords { nodes { system canonical } } } } }',
    ),
    3,
  )
  assert.equal(
    await statements(
      createCustomerSubgraph,
      '{ customers { nodes { history { nodes { version } } } } }',
    ),
    2,
  )
  // Seven statements: golden records, provenance, winners, candidates, two parts of the candidates,
  // and their source records.
  const provenance =
    '{ customers { nodes { provenance { sourceRecords { nodes { system } } candidates { nodes { source { system } } } } } } }'
  assert.ok((await statements(createCustomerSubgraph, provenance)) <= 7)
})

test('concurrent operations for the same data share a statement, and each has its own result', async () => {
  let count = 0
  const sql = counted(() => count++)
  const subgraph = createBillingSubgraph({ sqlOf: unbound(sql), policy, sources: systems })
  const document = parse(entities('invoices { nodes { number } }'))
  const ask = async (id: string) => {
    const contextValue = subgraph.context({ correlationId: id, scopes: new Set() })
    const variableValues = { r: [{ __typename: 'Customer', id: key('crm', 'Customer', id) }] }
    return await execute({ schema: subgraph.schema, document, contextValue, variableValues })
  }
  const ids = ['C1', 'C2', 'C3', 'C1', 'C2', 'C3']
  const alone = []
  for (const id of ids) alone.push(await ask(id))
  assert.equal(count, 6)
  count = 0
  assert.deepEqual(await Promise.all(ids.map(ask)), alone)
  assert.equal(count, 2)
  assert.notDeepEqual(alone[0], alone[1])
})

test('fetches only those values of a list that a selected field reads', async () => {
  const fetched = async (text: string): Promise<string[]> => {
    const names = new Set<string>()
    const sql = counted(
      () => {},
      (rows) => {
        for (const { values } of rows as { values?: object }[])
          for (const name of Object.keys(values ?? {})) names.add(name)
      },
    )
    const subgraph = createCustomerSubgraph({ sqlOf: unbound(sql), policy, sources: systems })
    const contextValue = subgraph.context({ correlationId: 'c', scopes: new Set() })
    const { errors } = await execute({
      schema: subgraph.schema,
      document: parse(text),
      contextValue,
    })
    assert.equal(errors, undefined)
    return [...names].sort()
  }
  const all = await fetched('{ customers { nodes { provenance { field } } } }')
  assert.ok(all.length > 5)
  const list = (selection: string) => fetched(`{ customers { ${selection} } }`)
  assert.deepEqual(
    await list('nodes { id version aliases sourceCount history { totalCount } }'),
    [],
  )
  assert.deepEqual(await list('totalCount pageInfo { endCursor }'), [])
  assert.deepEqual(await list('nodes { called: name }'), ['name'])
  assert.deepEqual(
    await list('edges { node { ... on Node { id } ... on Customer { name } } } nodes { emails }'),
    ['emails', 'name'],
  )
  assert.deepEqual(await list('nodes { name @skip(if: true) }'), ['name'])
  assert.deepEqual(
    await fetched('{ customers { ...c } } fragment c on CustomerConnection { nodes { name } }'),
    ['name'],
  )
})

test('reuses the plan of a read by key for any number of keys', async () => {
  const sql = openDatabase(db.url, { connectionsMax: 1, name: 'test', planCache: 'auto' })
  try {
    const subgraph = createBillingSubgraph({ sqlOf: unbound(sql), policy, sources: systems })
    const document = parse(
      entities('invoices(first: 3) { totalCount nodes { number payments { nodes { id } } } }'),
    )
    for (const representations of Array.from({ length: 36 }, (_, n) => customers.slice(n % 3))) {
      const contextValue = subgraph.context({ correlationId: 'c', scopes: new Set() })
      const variableValues = { r: representations }
      const { errors } = await execute({
        schema: subgraph.schema,
        document,
        contextValue,
        variableValues,
      })
      assert.equal(errors, undefined)
    }
    const plans = await sql<{ generic: number; custom: number }[]>`
      select generic_plans::int as generic, custom_plans::int as custom from pg_prepared_statements
      where statement like 'select p.id::text as parent%'`
    assert.equal(plans.length, 3)
    // Postgres makes five custom plans before it compares them with a generic one.
    for (const { generic, custom } of plans) assert.deepEqual([custom, generic > 0], [5, true])
  } finally {
    await sql.end()
  }
})

test('treats two spellings of an id as one, so no rows are duplicated', async () => {
  const id = key('crm', 'Customer', 'C1')
  const p = new Parameters()
  assert.equal(p.keys([id, id.toUpperCase(), id]), '(select $1::text[])::uuid[]')
  assert.deepEqual(p.values, [[id]])
  const [row] = await db.sql<
    { id: string }[]
  >`select golden_id as id from source_record where key = ${id}`
  assert.ok(row)
  const then = await readAsOf(
    db.sql,
    'Customer',
    row.id.toUpperCase(),
    new Date(Date.now() + 60_000),
  )
  assert.equal(then?.id, row.id)
})
