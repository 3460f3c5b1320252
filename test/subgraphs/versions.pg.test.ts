import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { readPolicyFiles, resolutionContextOf } from '../../cli/config/policyFiles.ts'
import type { Gateway } from '../../gateway/gateway.ts'
import { policyVersionOf } from '../../mdm/policy/policies.ts'
import { publish } from '../../mdm/policy/publish.ts'
import { countUnfitValues, narrowedFields } from '../../mdm/policy/unfitValues.ts'
import { act } from '../../mdm/stewardship/steward.ts'
import { DEFAULT_RULES } from '../../mdm/tasks/rules.ts'
import { type TestDatabase, testDatabase } from '../database.ts'
import { directPipeline, drain, policy, send, systems } from '../fixtures/store.ts'
import { graph, ingestRecords, key, query, queryData } from './world.ts'

let db: TestDatabase
let gateway: Gateway
let beforeAll: string
let apart: string
const lupo = key('crm', 'Customer', 'C2')
const second = key('billing', 'Customer', 'B2')
const same = { taxIds: ['IT00743110157'], domains: ['casalupo.example'], phones: ['+390612345678'] }

before(async () => {
  db = await testDatabase()
  beforeAll = await now()
  await ingestRecords(db.sql, [
    {
      source: 'crm',
      type: 'Customer',
      id: 'C2',
      fields: { name: 'Casa Lupo S.r.l.', ...same, emails: ['info@casalupo.example'] },
    },
    {
      source: 'billing',
      type: 'Customer',
      id: 'B2',
      fields: { name: 'Unknown payer 77', currency: 'EUR' },
    },
    {
      source: 'billing',
      type: 'Invoice',
      id: 'N9',
      fields: {
        customer: second,
        number: 'R-9',
        status: 'open',
        issueDate: '2026-02-01',
        balance: 100,
        currency: 'EUR',
      },
    },
  ])
  apart = await now()
  // The payer turns out to be Casa Lupo.
  await ingestRecords(db.sql, [
    {
      source: 'billing',
      type: 'Customer',
      id: 'B2',
      version: 2,
      fields: { name: 'Casa Lupo S.r.l.', currency: 'EUR', ...same },
    },
  ])
  gateway = await graph(db.sql)
})
after(async () => {
  await gateway?.close(0)
  await db?.drop()
})

/** Returns the clock of the database, rounded up to milliseconds, the precision of a DateTime. */
async function now(): Promise<string> {
  const [row] = await db.sql<{ at: string }[]>`
    select to_char((clock_timestamp() + interval '1 millisecond') at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as at, pg_sleep(0.003)`
  return row?.at ?? ''
}

test('I7: a retired id leads to its survivor, reports it, and brings its invoices along', async () => {
  const { customer } = await queryData(
    gateway,
    'query ($id: ID!) { customer(id: $id) { id redirectedFrom aliases sourceCount invoices { nodes { number customer { id } } } } }',
    { id: second },
  )
  assert.deepEqual(customer, {
    id: lupo,
    redirectedFrom: second,
    aliases: [second],
    sourceCount: 2,
    invoices: { nodes: [{ number: 'R-9', customer: { id: lupo } }] },
  })
})

/** The id of a record as it was when the two customers were apart. */
const past = (id: string) => `${id}@${new Date(apart).toISOString()}`

test('asOf returns a record as it was, also for an id that is retired now', async () => {
  const { then, there, now, early } = await queryData(
    gateway,
    `query ($id: ID!, $lupo: ID!, $apart: DateTime!, $early: DateTime!) {
      then: customer(id: $id, asOf: $apart) { id name currency version redirectedFrom sourceCount sourceRecords { nodes { sourceId } } }
      there: customerBySource(system: "crm", object: "Customer", id: "C2", asOf: $apart) { id currency provenance(fields: ["name"]) { rule } }
      now: customer(id: $lupo) { currency }
      early: customer(id: $lupo, asOf: $early) { id }
    }`,
    { id: second, lupo, apart, early: beforeAll },
  )
  assert.deepEqual(then, {
    id: past(second),
    name: 'Unknown payer 77',
    currency: 'EUR',
    version: 1,
    redirectedFrom: null,
    sourceCount: 1,
    sourceRecords: { nodes: [{ sourceId: 'B2' }] },
  })
  assert.deepEqual(there, {
    id: past(lupo),
    currency: null,
    provenance: [{ rule: 'SYSTEM_OF_RECORD' }],
  })
  assert.deepEqual(now, { currency: 'EUR' })
  assert.equal(early, null)
})

test('a record of a moment has an id of its own, which leads back to it', async () => {
  const { present, then, again, node, nodes, other, wrong } = await queryData(
    gateway,
    `query ($lupo: ID!, $earlier: ID!, $second: ID!, $apart: DateTime!, $wrong: ID!) {
      present: customer(id: $lupo) { __typename id currency }
      then: customer(id: $lupo, asOf: $apart) { __typename id currency }
      again: customer(id: $earlier) { id currency invoices { nodes { number customer { id currency } } } contacts { totalCount } }
      node(id: $earlier) { id ... on Customer { currency version } }
      nodes(ids: [$second, $lupo]) { id ... on Customer { name invoices { totalCount } } }
      other: customer(id: $earlier, asOf: "2999-01-01T00:00:00Z") { id currency }
      wrong: customer(id: $wrong) { id }
    }`,
    { lupo, earlier: past(lupo), second: past(second), apart, wrong: `${lupo}@yesterday` },
  )
  assert.deepEqual(present, { __typename: 'Customer', id: lupo, currency: 'EUR' })
  assert.deepEqual(then, { __typename: 'Customer', id: past(lupo), currency: null })
  assert.deepEqual(again, {
    id: past(lupo),
    currency: null,
    // Related objects are present ones.
    invoices: { nodes: [{ number: 'R-9', customer: { id: lupo, currency: 'EUR' } }] },
    contacts: { totalCount: 0 },
  })
  assert.deepEqual(node, { id: past(lupo), currency: null, version: 1 })
  assert.deepEqual(nodes, [
    { id: past(second), name: 'Unknown payer 77', invoices: { totalCount: 1 } },
    { id: lupo, name: 'Casa Lupo S.r.l.', invoices: { totalCount: 1 } },
  ])
  assert.deepEqual(other, { id: `${lupo}@2999-01-01T00:00:00.000Z`, currency: 'EUR' })
  assert.equal(wrong, null)
})

test('asOf returns a list as it was, filtered, sorted and paged by the values at that time', async () => {
  const data = await queryData(
    gateway,
    `query ($apart: DateTime!, $early: DateTime!) {
      then: customers(asOf: $apart) { totalCount nodes { id name version sourceCount provenance(fields: ["name"]) { rule } invoices { nodes { number } } } }
      first: customers(asOf: $apart, first: 1, orderBy: [{ field: NAME, direction: DESC }]) { pageInfo { hasNextPage endCursor } nodes { name } }
      by: customers(asOf: $apart, filter: { name: { startsWith: "unknown" }, source: { system: ["billing"] } }) { nodes { name } }
      named: customers(asOf: $apart, filter: { source: { system: ["billing"], object: ["Customer"], id: ["B2"] } }) { nodes { id } }
      now: customers { totalCount }
      early: customers(asOf: $early) { totalCount nodes { id } }
    }`,
    { apart, early: beforeAll },
  )
  const rule = [{ rule: 'SYSTEM_OF_RECORD' }]
  const invoices = (...numbers: string[]) => ({ nodes: numbers.map((number) => ({ number })) })
  assert.deepEqual(data.then, {
    totalCount: 2,
    nodes: [
      {
        id: past(lupo),
        name: 'Casa Lupo S.r.l.',
        version: 1,
        sourceCount: 1,
        provenance: rule,
        invoices: invoices('R-9'),
      },
      {
        id: past(second),
        name: 'Unknown payer 77',
        version: 1,
        sourceCount: 1,
        provenance: rule,
        invoices: invoices('R-9'),
      },
    ],
  })
  assert.deepEqual(data.first.nodes, [{ name: 'Unknown payer 77' }])
  const next = await queryData(
    gateway,
    `{ customers(asOf: "${apart}", first: 1, after: "${data.first.pageInfo.endCursor}", orderBy: [{ field: NAME, direction: DESC }]) { nodes { name } } }`,
  )
  assert.deepEqual(next.customers.nodes, [{ name: 'Casa Lupo S.r.l.' }])
  assert.deepEqual(
    [data.by.nodes, data.named.nodes],
    [[{ name: 'Unknown payer 77' }], [{ id: past(second) }]],
  )
  assert.deepEqual([data.now, data.early], [{ totalCount: 1 }, { totalCount: 0, nodes: [] }])
})

test('history has every version, newest first, with its cause, by pages', async () => {
  const ask = (args: string) =>
    queryData(
      gateway,
      `{ customer(id: "${lupo}") { history${args} { totalCount pageInfo { hasNextPage hasPreviousPage endCursor }
        edges { cursor node { version op changedFields values members cause { system sourceId } } } } } }`,
    ).then((d) => d.customer.history)
  const all = await ask('')
  assert.equal(all.totalCount, 2)
  const [merged, created] = all.edges.map((e: { node: object }) => e.node)
  assert.equal(merged.op, 'MERGED')
  assert.deepEqual(merged.changedFields, ['currency'])
  assert.deepEqual(merged.cause, { system: 'billing', sourceId: 'B2' })
  assert.deepEqual(merged.members.sort(), [lupo, second].sort())
  assert.equal(created.op, 'CREATED')
  assert.equal(created.values.name, 'Casa Lupo S.r.l.')
  const first = await ask('(first: 1)')
  assert.deepEqual([first.edges[0].node.version, first.pageInfo.hasNextPage], [2, true])
  const next = await ask(`(first: 1, after: "${first.pageInfo.endCursor}")`)
  assert.deepEqual(
    [next.edges[0].node.version, next.pageInfo.hasNextPage, next.pageInfo.hasPreviousPage],
    [1, false, true],
  )
  const { errors } = await query(
    gateway,
    `{ customer(id: "${lupo}") { history(after: "x") { totalCount } } }`,
  )
  assert.equal(errors?.[0]?.extensions.code, 'BAD_CURSOR')
})

test('I7: a golden id whose records were all deleted resolves to a tombstone, everywhere', async () => {
  const id = key('erp', 'Customer', 'E7')
  const fields = { name: 'Short Lived Ltd', accountOwner: 'Ida', emails: ['a@shortlived.example'] }
  await ingestRecords(db.sql, [
    { source: 'erp', type: 'Customer', id: 'E7', fields },
    {
      source: 'crm',
      type: 'Customer',
      id: 'C7',
      fields: { name: 'Orphaned Daughter AG', parent: id },
    },
    {
      source: 'billing',
      type: 'Invoice',
      id: 'N7',
      fields: { customer: id, number: 'R-7', status: 'open', balance: 1, currency: 'EUR' },
    },
    { source: 'crm', type: 'Contact', id: 'P7', fields: { name: 'Pia Sieben', customer: id } },
  ])
  const alive = await now()
  await ingestRecords(db.sql, [
    { source: 'erp', type: 'Customer', id: 'E7', version: 2, deleted: true, fields: {} },
  ])
  const after = await now()
  const data = await queryData(
    gateway,
    `query ($id: ID!, $alive: DateTime!, $after: DateTime!) {
      customer(id: $id) { id name accountOwner emails version parent { id } provenance { field }
        sourceRecords { nodes { deleted } } invoices { nodes { number } }
        tombstone { since reason detail position cause { system sourceId } } }
      node(id: $id) { __typename id ... on Customer { tombstone { reason } } }
      bySource: customerBySource(system: "erp", object: "Customer", id: "E7") { tombstone { reason } }
      past: customer(id: $id, asOf: $alive) { name accountOwner tombstone { reason } }
      later: customer(id: $id, asOf: $after) { name accountOwner tombstone { reason since } }
      daughter: customerBySource(system: "crm", object: "Customer", id: "C7") { parent { id tombstone { reason } } }
      contacts(filter: { name: { eq: "Pia Sieben" } }) { nodes { customer { name tombstone { reason } } } }
      invoices(filter: { number: { eq: "R-7" } }) { nodes { customer { id tombstone { reason } } } }
      customers(filter: { name: { eq: "Short Lived Ltd" } }) { totalCount }
      changes(first: 1, ids: [$id], ops: [DELETED]) { nodes { op entity { ... on Customer { id tombstone { position } } } } }
    }`,
    { id, alive, after },
  )
  const { tombstone, ...shown } = data.customer
  assert.deepEqual(shown, {
    id,
    name: 'Short Lived Ltd',
    accountOwner: null,
    emails: null,
    version: 2,
    parent: null,
    provenance: [],
    sourceRecords: { nodes: [{ deleted: true }] },
    invoices: { nodes: [{ number: 'R-7' }] },
  })
  const reason = 'SOURCES_DELETED'
  assert.equal(tombstone.reason, reason)
  assert.deepEqual(tombstone.cause, { system: 'erp', sourceId: 'E7' })
  assert.ok(alive <= tombstone.since && tombstone.since <= after, tombstone.since)
  assert.match(tombstone.detail, /its source records were deleted; ended at .* by erp Customer E7/)
  assert.deepEqual(data.node, { __typename: 'Customer', id, tombstone: { reason } })
  assert.deepEqual(data.bySource, { tombstone: { reason } })
  assert.deepEqual(data.past, { name: 'Short Lived Ltd', accountOwner: 'Ida', tombstone: null })
  assert.deepEqual(data.later, {
    name: 'Short Lived Ltd',
    accountOwner: null,
    tombstone: { reason, since: tombstone.since },
  })
  assert.deepEqual(data.daughter, { parent: { id, tombstone: { reason } } })
  assert.deepEqual(data.contacts.nodes, [
    { customer: { name: 'Short Lived Ltd', tombstone: { reason } } },
  ])
  assert.deepEqual(data.invoices.nodes, [{ customer: { id, tombstone: { reason } } }])
  assert.equal(data.customers.totalCount, 0)
  assert.deepEqual(data.changes.nodes, [
    { op: 'DELETED', entity: { id, tombstone: { position: tombstone.position } } },
  ])

  await ingestRecords(db.sql, [{ source: 'erp', type: 'Customer', id: 'E7', version: 3, fields }])
  const back = await queryData(
    gateway,
    'query ($id: ID!) { customer(id: $id) { accountOwner tombstone { reason } } }',
    { id },
  )
  assert.deepEqual(back, { customer: { accountOwner: 'Ida', tombstone: null } })
})

test('I7: ids that were merged lead to the tombstone of their survivor, and an unknown id to nothing', async () => {
  const both = {
    name: 'Brückenschlag GmbH',
    taxIds: ['DE129273398'],
    domains: ['bruecke.example'],
    phones: ['+493012345671'],
  }
  const [first, second] = [key('crm', 'Customer', 'C11'), key('billing', 'Customer', 'B11')]
  const records = (version: number, deleted: boolean) => [
    { source: 'crm', type: 'Customer', id: 'C11', version, deleted, fields: both },
    { source: 'billing', type: 'Customer', id: 'B11', version, deleted, fields: both },
  ]
  // The survivor is the older one, so its record comes first.
  await ingestRecords(db.sql, [
    ...records(1, false).slice(0, 1),
    { ...records(1, false)[1], fields: { name: 'Nobody yet 4711' } } as never,
  ])
  await ingestRecords(db.sql, records(2, false))
  await ingestRecords(db.sql, records(3, true).slice(0, 1))
  const ask = () =>
    queryData(
      gateway,
      `query ($a: ID!, $b: ID!, $no: ID!) {
        a: customer(id: $a) { id redirectedFrom tombstone { reason } }
        b: customer(id: $b) { id redirectedFrom tombstone { reason } }
        nodes(ids: [$a, $b, $no]) { id }
        no: customer(id: $no) { id }
      }`,
      { a: first, b: second, no: crypto.randomUUID() },
    )
  assert.deepEqual((await ask()).b, { id: first, redirectedFrom: second, tombstone: null })
  await ingestRecords(db.sql, records(3, true).slice(1))
  assert.deepEqual(await ask(), {
    a: { id: first, redirectedFrom: null, tombstone: { reason: 'SOURCES_DELETED' } },
    b: { id: first, redirectedFrom: second, tombstone: { reason: 'SOURCES_DELETED' } },
    nodes: [{ id: first }, { id: first }, null],
    no: null,
  })
})

test('I7: a retired golden record says that a steward retired it, and restoring brings it back', async () => {
  const id = key('erp', 'Customer', 'E12')
  await ingestRecords(db.sql, [
    { source: 'erp', type: 'Customer', id: 'E12', fields: { name: 'Ruhestand KG' } },
  ])
  const ask = () =>
    queryData(
      gateway,
      'query ($id: ID!) { customer(id: $id) { version tombstone { reason detail cause { system } } } }',
      { id },
    ).then((d) => d.customer)
  const steward = { ...directPipeline(db.sql), policy }
  const retire = (kind: 'RETIRE' | 'RESTORE', version: number) =>
    act(
      steward,
      {
        actor: 'ida',
        roles: new Set(['steward']),
        scopes: new Set(),
        correlationId: crypto.randomUUID(),
      },
      {
        input: { kind, id },
        expected: { [id]: version },
        reason: 'closed',
        idempotencyKey: crypto.randomUUID(),
      },
    )
  assert.equal((await retire('RETIRE', 1)).code, 'DONE')
  const { tombstone } = await ask()
  assert.equal(tombstone.reason, 'RETIRED')
  assert.deepEqual(tombstone.cause, { system: 'stewardship' })
  assert.match(tombstone.detail, /^a steward retired it; ended at /)
  assert.equal((await retire('RESTORE', 2)).code, 'DONE')
  assert.equal((await ask()).tombstone, null)
})

test('I7: a record that lost a required field leaves a tombstone that says so', async () => {
  const id = key('erp', 'Customer', 'E13')
  const record = { type: 'Customer', id: 'E13' }
  for (const [n, fields] of [{ name: 'Namenlos bald' }, { currency: 'EUR' }].entries()) {
    await send(db.sql, [{ source: 'erp', message: { ...record, version: n + 1, fields } }])
    await drain(directPipeline(db.sql))
  }
  const { customer } = await queryData(
    gateway,
    'query ($id: ID!) { customer(id: $id) { name currency tombstone { reason } } }',
    { id },
  )
  assert.deepEqual(customer, {
    name: 'Namenlos bald',
    currency: null,
    tombstone: { reason: 'SOURCES_INCOMPLETE' },
  })
})

test('a record whose parent turns out to be itself has no parent and is not its own child', async () => {
  const evidence = {
    taxIds: ['DE811569869'],
    domains: ['zephyr.example'],
    phones: ['+493012345679'],
    name: 'Zephyr AG',
  }
  const parent = key('erp', 'Customer', 'E8')
  await ingestRecords(db.sql, [
    { source: 'erp', type: 'Customer', id: 'E8', fields: evidence },
    { source: 'crm', type: 'Customer', id: 'C8', fields: { name: 'Quite Another', parent } },
  ])
  const ask = () =>
    queryData(
      gateway,
      `{ customer(id: "${key('crm', 'Customer', 'C8')}") { name parent { name } }
      up: customer(id: "${parent}") { children { totalCount nodes { name } } } }`,
    )
  assert.deepEqual(await ask(), {
    customer: { name: 'Quite Another', parent: { name: 'Zephyr AG' } },
    up: { children: { totalCount: 1, nodes: [{ name: 'Quite Another' }] } },
  })
  await ingestRecords(db.sql, [
    { source: 'crm', type: 'Customer', id: 'C8', version: 2, fields: { ...evidence, parent } },
  ])
  assert.deepEqual(await ask(), {
    customer: { name: 'Zephyr AG', parent: null },
    up: { children: { totalCount: 0, nodes: [] } },
  })
})

test('values that were stored before a field changed its kind are null or have a code, never INTERNAL', async () => {
  const fields = { name: 'Kindred One', lifecycle: 'FORMER', paymentTerms: 'NET30' }
  const shippingAddress = { city: 'Roma', country: 'IT' }
  await ingestRecords(db.sql, [
    { source: 'erp', type: 'Customer', id: 'E20', fields: { ...fields, shippingAddress } },
  ])
  const then = await now()
  const { model } = readPolicyFiles('schema/model')
  const with_ = (...changes: [RegExp, string][]) => {
    const before = model['customer.graphql'] ?? ''
    const text = changes.reduce((t, [from, to]) => t.replace(from, to), before)
    const changed = { ...model, 'customer.graphql': text }
    return { version: policyVersionOf(changed, {}), model: changed, parameters: {} }
  }
  const otherKinds: [RegExp, string][] = [
    [/ name: String!/, ' name: [String!]!'],
    [/ paymentTerms: String/, ' paymentTerms: Int'],
    [/ {2}"The customer no longer buys from us."\n {2}FORMER\n/, ''],
    [
      / shippingAddress: Address\s+@compare\(as: ADDRESS, group: "address"\)/,
      ' shippingAddress: Boolean',
    ],
  ]
  const changed = with_(...otherKinds)
  const context = resolutionContextOf(changed, systems)
  const narrowed = narrowedFields(context.policy, policy, 'ALL')
  const unfit = await countUnfitValues(db.sql, context.policy, narrowed)
  assert.deepEqual(unfit.map((u) => `${u.field} ${u.count} ${u.required}`).sort(), [
    'lifecycle 1 false',
    'paymentTerms 1 false',
    'shippingAddress 1 false',
  ])
  const published = await publish(
    db.sql,
    changed,
    { ...context, rules: DEFAULT_RULES },
    { actor: 'pia', reason: 'test' },
  )
  assert.equal(published.code, 'DONE')

  const id = key('erp', 'Customer', 'E20')
  const shown = '{ name lifecycle paymentTerms shippingAddress }'
  const other = await graph(db.sql, 0, systems, { policy: context.policy })
  try {
    const { data, errors } = await query(
      other,
      `query ($id: ID!, $then: DateTime!) {
        one: customer(id: $id) ${shown}
        past: customer(id: $id, asOf: $then) ${shown}
        all: customers(filter: { id: { eq: $id } }, orderBy: [{ field: PAYMENT_TERMS }]) { nodes ${shown} }
        allPast: customers(asOf: $then, filter: { id: { eq: $id } }, orderBy: [{ field: PAYMENT_TERMS }]) { nodes ${shown} }
        none: customers(asOf: $then, filter: { or: [{ paymentTerms: { gt: 1 } }, { shippingAddress: { eq: true } }] }) { totalCount }
        provenance: customer(id: $id) { provenance { field candidates { nodes { verdict } } } history { nodes { values } } }
      }`,
      { id, then },
    )
    assert.equal(errors, undefined, JSON.stringify(errors))
    const left = {
      name: ['Kindred One'],
      lifecycle: null,
      paymentTerms: null,
      shippingAddress: null,
    }
    assert.deepEqual([data.one, data.past], [left, left])
    assert.deepEqual([data.all.nodes, data.allPast.nodes], [[left], [left]])
    assert.equal(data.none.totalCount, 0)
    // The versions show what was stored.
    assert.equal(data.provenance.history.nodes.at(-1).values.paymentTerms, 'NET30')
  } finally {
    await other.close(0)
  }

  const required = with_(...otherKinds, [/ paymentTerms: Int/, ' paymentTerms: Int!'])
  const strict = await graph(db.sql, 0, systems, {
    policy: resolutionContextOf(required, systems).policy,
  })
  try {
    for (const text of [
      '($id: ID!) { customer(id: $id) { name paymentTerms } }',
      '($id: ID!, $then: DateTime!) { customer(id: $id, asOf: $then) { name paymentTerms } }',
      '($id: ID!) { customers(filter: { id: { eq: $id } }) { nodes { paymentTerms } } }',
    ]) {
      const { errors } = await query(strict, `query ${text}`, { id, then })
      assert.deepEqual(
        errors?.map((e) => [e.extensions.code, e.path?.at(-1)]),
        [['VALUE_UNFIT', 'paymentTerms']],
      )
    }
  } finally {
    await strict.close(0)
  }
})
