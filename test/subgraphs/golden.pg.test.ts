import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Gateway } from '../../gateway/gateway.ts'
import { Parameters, read } from '../../mdm/db/statement.ts'
import { conditionOf, type Filter } from '../../mdm/golden/read/filter.ts'
import type { ListField } from '../../mdm/golden/read/listField.ts'
import { type TestDatabase, testDatabase } from '../database.ts'
import { graph, ingestRecords, key, query, queryData, world } from './world.ts'

let db: TestDatabase
let gateway: Gateway
before(async () => {
  db = await testDatabase()
  await ingestRecords(db.sql, world)
  gateway = await graph(db.sql)
})
after(async () => {
  await gateway?.close(0)
  await db?.drop()
})

const nordwind = key('crm', 'Customer', 'C1')

test('finds a record by golden id, by the key of any of its source records and by source', async () => {
  const { a, b, c, d } = await queryData(
    gateway,
    `query ($a: ID!, $b: ID!) {
      a: customer(id: $a) { id name redirectedFrom sourceCount }
      b: customer(id: $b) { id redirectedFrom }
      c: customerBySource(system: "erp", object: "Customer", id: "E1") { id redirectedFrom }
      d: customer(id: "no such id") { id }
    }`,
    { a: nordwind, b: key('erp', 'Customer', 'E1') },
  )
  assert.deepEqual(a, {
    id: nordwind,
    name: 'Nordwind Logistik GmbH',
    redirectedFrom: null,
    sourceCount: 3,
  })
  assert.deepEqual(b, { id: nordwind, redirectedFrom: key('erp', 'Customer', 'E1') })
  assert.deepEqual(c, { id: nordwind, redirectedFrom: null })
  assert.equal(d, null)
})

test('finds records of its own type only', async () => {
  const data = await queryData(
    gateway,
    'query ($id: ID!) { contact(id: $id) { id } product(id: $id) { id } }',
    {
      id: nordwind,
    },
  )
  assert.deepEqual(data, { contact: null, product: null })
})

test('references lead to golden records, in both directions and across subgraphs', async () => {
  const { contact, customer, contract } = await queryData(
    gateway,
    `query ($c: ID!, $p: ID!, $k: ID!) {
      contact(id: $p) { customer { id name redirectedFrom } }
      customer(id: $c) {
        contacts(orderBy: [{ field: JOB_TITLE }]) { totalCount nodes { name } }
        children { nodes { name parent { name } } }
        contracts(orderBy: [{ field: START_DATE, direction: DESC }]) { totalCount nodes { number } }
      }
      contract(id: $k) { customer { name } value { minorUnits currency decimal } lines { quantity product { name sku } } }
    }`,
    { c: nordwind, p: key('billing', 'Contact', 'P2'), k: key('crm', 'Contract', 'K1') },
  )
  assert.deepEqual(contact.customer, {
    id: nordwind,
    name: 'Nordwind Logistik GmbH',
    redirectedFrom: null,
  })
  assert.deepEqual(customer.contacts, {
    totalCount: 2,
    nodes: [{ name: 'Anna Weber' }, { name: 'Jörg Brandt' }],
  })
  assert.deepEqual(customer.children.nodes, [
    { name: 'Zephyr Kühlhaus AG', parent: { name: 'Nordwind Logistik GmbH' } },
  ])
  assert.deepEqual(customer.contracts, {
    totalCount: 2,
    nodes: [{ number: 'K-2026-1' }, { number: 'K-2025-9' }],
  })
  assert.deepEqual(contract, {
    customer: { name: 'Nordwind Logistik GmbH' },
    value: { minorUnits: 1200000, currency: 'EUR', decimal: '12000.00' },
    lines: [{ quantity: 40, product: { name: 'Cold Store Sensor', sku: 'CSS-1' } }],
  })
})

const filters: [string, string, string[]][] = [
  ['text, exact', 'name: { eq: "Casa Lupo S.r.l." }', ['Casa Lupo S.r.l.']],
  ['text, other case', 'name: { contains: "KÜHL" }', ['Zephyr Kühlhaus AG']],
  ['text, beginning', 'name: { startsWith: "nord" }', ['Nordwind Logistik GmbH']],
  ['a wildcard is a letter', 'name: { contains: "%" }', []],
  ['enum', 'lifecycle: { in: [LEAD, PROSPECT] }', ['Casa Lupo S.r.l.', 'Zephyr Kühlhaus AG']],
  [
    'missing is not equal',
    'kind: { ne: ORGANISATION }',
    ['Casa Lupo S.r.l.', 'Zephyr Kühlhaus AG'],
  ],
  ['part of a group', 'billingAddress: { country: { eq: "IT" } }', ['Casa Lupo S.r.l.']],
  [
    'part of a group, by its beginning',
    'billingAddress: { city: { startsWith: "ham" } }',
    ['Nordwind Logistik GmbH'],
  ],
  [
    'list',
    'domains: { containsAny: ["zephyr.example", "casalupo.example"] }',
    ['Casa Lupo S.r.l.', 'Zephyr Kühlhaus AG'],
  ],
  ['empty list', 'taxIds: { isEmpty: true }', ['Casa Lupo S.r.l.', 'Zephyr Kühlhaus AG']],
  ['missing', 'parent: { isNull: false }', ['Zephyr Kühlhaus AG']],
  [
    'reference, by any of its ids',
    `parent: { eq: "${key('billing', 'Customer', 'B1')}" }`,
    ['Zephyr Kühlhaus AG'],
  ],
  ['source system', 'source: { system: ["erp"] }', ['Nordwind Logistik GmbH']],
  [
    'source records, named in full',
    'source: { system: ["billing", "crm"], object: ["Customer"], id: ["B1", "C2", "C9"] }',
    ['Casa Lupo S.r.l.', 'Nordwind Logistik GmbH'],
  ],
  ['source record', 'source: { system: ["billing"], id: ["B1"] }', ['Nordwind Logistik GmbH']],
  ['not', 'not: { lifecycle: { eq: CUSTOMER } }', ['Casa Lupo S.r.l.', 'Zephyr Kühlhaus AG']],
  [
    'or',
    'or: [{ name: { startsWith: "cas" } }, { name: { startsWith: "zep" } }]',
    ['Casa Lupo S.r.l.', 'Zephyr Kühlhaus AG'],
  ],
  ['moment', 'createdAt: { gt: "2999-01-01T00:00:00Z" }', []],
  [
    'empty filter',
    'name: { eq: null }, lifecycle: null',
    ['Casa Lupo S.r.l.', 'Nordwind Logistik GmbH', 'Zephyr Kühlhaus AG'],
  ],
]
for (const [what, filter, names] of filters)
  test(`filters customers: ${what}`, async () => {
    const { customers } = await queryData(
      gateway,
      `{ customers(filter: { ${filter} }) { totalCount nodes { name } } }`,
    )
    assert.deepEqual(
      customers.nodes.map((n: { name: string }) => n.name),
      names,
    )
    assert.equal(customers.totalCount, names.length)
  })

test('a filter by a list takes one stored value, of an earlier policy, for a list of one', async () => {
  const path = ['f']
  const common = { name: 'f', description: '', nullable: true, type: 'jsonb' } as const
  const part: ListField = { ...common, name: 'p', kind: 'TEXT', sql: "(e.v ->> 'p')", type: 'text' }
  const texts = { ...common, kind: 'TEXT_LIST', sql: "(g.values -> 'f')" } as const
  const groups: ListField = { ...common, kind: 'GROUP_LIST', sql: texts.sql, fields: [part] }
  const matches = async (field: ListField, filter: Filter, value: unknown) => {
    const fields = { fields: [field], flags: {}, source: { row: '', record: '' } }
    const p = new Parameters()
    const condition = conditionOf(fields, { f: filter }, new Set())(p)
    const values = p.add(JSON.stringify({ f: value }), 'jsonb')
    const text = `select (${condition}) is true as is from (select ${values} as values) g`
    return (await read<{ is: boolean }>(db.sql, text, p))[0]?.is
  }
  for (const field of [{ ...texts, path }, texts]) {
    for (const value of ['x', ['x'], ['y', 'x']])
      for (const [filter, wanted] of [
        [{ contains: 'x' }, true],
        [{ contains: 'z' }, false],
        [{ containsAny: ['z', 'x'] }, true],
        [{ containsAny: [] }, false],
        [{ containsAll: ['x', 'x'] }, true],
        [{ containsAll: ['x', 'z'] }, false],
        [{ isEmpty: false }, true],
        [{ isEmpty: true }, false],
      ] as const)
        assert.equal(await matches(field, filter, value), wanted, JSON.stringify([value, filter]))
    // The graph shows nothing of a value of another kind.
    for (const value of [undefined, null, [], 7, { p: 'x' }]) {
      assert.equal(await matches(field, { isEmpty: true }, value), true)
      assert.equal(await matches(field, { contains: 'x' }, value), false)
    }
  }
  for (const [value, wanted] of [
    [{ p: 'x' }, true],
    [[{ p: 'y' }, { p: 'x' }], true],
    [{ p: 'y' }, false],
    ['x', false],
    [null, false],
    [undefined, false],
  ])
    assert.equal(await matches(groups, { p: { eq: 'x' } }, value), wanted)
})

test('filters by dates, amounts and items of a list', async () => {
  const numbers = async (filter: string) =>
    (
      await queryData(gateway, `{ contracts(filter: { ${filter} }) { nodes { number } } }`)
    ).contracts.nodes.map((n: { number: string }) => n.number)
  assert.deepEqual(await numbers('startDate: { gte: "2026-01-01" }'), ['K-2026-1'])
  assert.deepEqual(
    await numbers('value: { minorUnits: { lt: 300001 }, currency: { eq: "EUR" } }'),
    ['K-2025-9'],
  )
  assert.deepEqual(
    await numbers(
      `lines: { product: { eq: "${key('erp', 'Product', 'I1')}" }, quantity: { gt: 39 } }`,
    ),
    ['K-2026-1'],
  )
  assert.deepEqual(await numbers('lines: { quantity: { gt: 40 } }'), [])
})

test('sorts lists by amounts and dates, with missing values last', async () => {
  const numbers = async (order: string) =>
    (
      await queryData(gateway, `{ contracts(orderBy: [${order}]) { nodes { number } } }`)
    ).contracts.nodes.map((n: { number: string }) => n.number)
  assert.deepEqual(await numbers('{ field: VALUE }'), ['K-2025-9', 'K-2026-1'])
  assert.deepEqual(await numbers('{ field: VALUE, direction: DESC }'), ['K-2026-1', 'K-2025-9'])
  for (const direction of ['ASC', 'DESC'])
    assert.deepEqual(await numbers(`{ field: END_DATE, direction: ${direction} }`), [
      'K-2026-1',
      'K-2025-9',
    ])
})

test('reports errors in pages and filters with a code', async () => {
  const codes = async (args: string) => {
    const { errors } = await query(gateway, `{ customers(${args}) { nodes { id } } }`)
    return errors?.map((e) => e.extensions.code)
  }
  assert.deepEqual(await codes('first: 201'), ['PAGE_TOO_LARGE'])
  assert.deepEqual(await codes('first: -1'), ['BAD_PAGE'])
  assert.deepEqual(await codes('first: 1, last: 1'), ['BAD_PAGE'])
  assert.deepEqual(await codes('after: "nonsense"'), ['BAD_CURSOR'])
  assert.deepEqual(await codes('after: ""'), ['BAD_CURSOR'])
  assert.deepEqual(await codes('last: 1, before: ""'), ['BAD_CURSOR'])
  assert.deepEqual(await codes('orderBy: [{ field: NAME }, { field: NAME, direction: DESC }]'), [
    'BAD_PAGE',
  ])
  const { customers } = await queryData(
    gateway,
    '{ customers(first: 1) { pageInfo { endCursor } } }',
  )
  assert.deepEqual(
    await codes(`after: "${customers.pageInfo.endCursor}", orderBy: [{ field: UPDATED_AT }]`),
    ['BAD_CURSOR'],
  )
  const deep = `${'{ not: '.repeat(9)}{ name: { eq: "x" } }${' }'.repeat(9)}`
  assert.deepEqual(await codes(`filter: ${deep}`), ['FILTER_TOO_LARGE'])
})

test('provenance names the winner, the rule and the policy version, and why the others lost', async () => {
  const { customer } = await queryData(
    gateway,
    `query ($id: ID!) { customer(id: $id) { provenance(fields: ["name", "phones"]) {
      field value rule policyVersion sourceRecords { nodes { system sourceId role } } candidates { nodes { verdict value source { system } } }
    } } }`,
    { id: nordwind },
  )
  const [name, phones] = customer.provenance
  assert.equal(name.rule, 'SYSTEM_OF_RECORD')
  assert.deepEqual(name.sourceRecords.nodes, [{ system: 'erp', sourceId: 'E1', role: 'ERP' }])
  assert.match(name.policyVersion, /^[0-9a-f]{16}$/)
  assert.deepEqual(
    name.candidates.nodes.map((c: { verdict: string; source: { system: string } }) => [
      c.source.system,
      c.verdict,
    ]),
    [
      ['erp', 'WON'],
      ['crm', 'OUTRANKED'],
      ['billing', 'OUTRANKED'],
    ],
  )
  assert.equal(name.candidates.nodes[2].value, 'Nordwind Logistik')
  assert.deepEqual(
    [phones.field, phones.rule, phones.value],
    ['phones', 'UNION', ['+493012345678']],
  )
  const { errors } = await query(
    gateway,
    `{ customer(id: "${nordwind}") { provenance(fields: ["nme"]) { field } } }`,
  )
  assert.match(errors?.[0]?.message ?? '', /no field nme; it has kind, lifecycle, name/)
})

test('source records show their values and their state', async () => {
  const { customer } = await queryData(
    gateway,
    `query ($id: ID!) { customer(id: $id) { sourceRecords(first: 2) { totalCount pageInfo { endCursor hasNextPage } nodes {
      id system kind role object sourceId goldenId versionAt deleted complete canonical raw issues { field }
    } } } }`,
    { id: nordwind },
  )
  const [first] = customer.sourceRecords.nodes
  assert.equal(customer.sourceRecords.nodes.length, 2)
  assert.equal(customer.sourceRecords.totalCount, 3)
  assert.equal(customer.sourceRecords.pageInfo.hasNextPage, true)
  assert.equal(first.canonical.accountOwner, 'Ida')
  assert.equal(first.raw.accountOwner, 'Ida')
  const { canonical: _, raw: __, ...rest } = first
  assert.deepEqual(rest, {
    id: nordwind,
    system: 'crm',
    kind: 'direct',
    role: 'CRM',
    object: 'Customer',
    sourceId: 'C1',
    goldenId: nordwind,
    versionAt: '2026-01-02T00:00:00.000Z',
    deleted: false,
    complete: true,
    issues: [],
  })
  const more = await queryData(
    gateway,
    'query ($id: ID!, $after: String!) { customer(id: $id) { sourceRecords(after: $after) { nodes { system } } } }',
    { id: nordwind, after: customer.sourceRecords.pageInfo.endCursor },
  )
  assert.deepEqual(more.customer.sourceRecords.nodes, [{ system: 'erp' }])
})

test('the deprecated list of source records holds the oldest ones', async () => {
  const text = `query ($id: ID!) { customer(id: $id) {
    all: sources { system } two: sources(first: 2) { system } sourceRecords { nodes { system } }
    provenance(fields: ["phones"]) { sources { system } sourceRecords { nodes { system } } } } }`
  const { all, two, sourceRecords, provenance } = (await queryData(gateway, text, { id: nordwind }))
    .customer
  assert.deepEqual(all, sourceRecords.nodes)
  assert.deepEqual(two, sourceRecords.nodes.slice(0, 2))
  assert.deepEqual(provenance[0].sources, provenance[0].sourceRecords.nodes)
})

test('the winners and losers of a field are connections, from either end', async () => {
  const text = `query ($id: ID!, $before: String) { customer(id: $id) { provenance(fields: ["phones"]) {
    sourceRecords(last: 1) { totalCount pageInfo { hasPreviousPage hasNextPage } nodes { system } }
    candidates(last: 1, before: $before) { totalCount edges { cursor node { verdict source { system } } } } } } }`
  const { provenance } = (await queryData(gateway, text, { id: nordwind })).customer
  const [{ sourceRecords, candidates }] = provenance
  assert.deepEqual([sourceRecords.totalCount, sourceRecords.nodes.length], [1, 1])
  assert.deepEqual(sourceRecords.pageInfo, { hasPreviousPage: false, hasNextPage: false })
  assert.equal(candidates.totalCount, 3)
  const [last] = candidates.edges
  const before = (await queryData(gateway, text, { id: nordwind, before: last.cursor })).customer
    .provenance[0]
  assert.notEqual(before.candidates.edges[0].node.source.system, last.node.source.system)
})

test('the cursor of a list sorted by long texts leads to the next page', async () => {
  const text = (n: number) => `${'\u{1F4E6}ä"\\ '.repeat(3_000)}${n}`
  await ingestRecords(
    db.sql,
    [0, 1, 2].map((n) => ({
      source: 'erp',
      type: 'Product',
      id: `L${n}`,
      fields: { name: `Long ${n}`, sku: `LONG-${n}`, description: text(n) },
    })),
  )
  const list = `query ($after: String) { products(first: 1, after: $after, filter: { sku: { startsWith: "LONG-" } },
    orderBy: [{ field: DESCRIPTION }]) { pageInfo { hasNextPage endCursor } nodes { sku } } }`
  const found: string[] = []
  let after: string | null = null
  for (let more = true; more; ) {
    const { products } = await queryData(gateway, list, { after })
    found.push(...products.nodes.map((p: { sku: string }) => p.sku))
    more = products.pageInfo.hasNextPage
    after = products.pageInfo.endCursor
    assert.ok((after?.length ?? 0) > 4_000)
  }
  assert.deepEqual(found, ['LONG-0', 'LONG-1', 'LONG-2'])
})

test('node finds any record by its id', async () => {
  const ids = [
    nordwind,
    key('erp', 'Customer', 'E1'),
    key('billing', 'Invoice', 'N1'),
    key('erp', 'Posting', 'G1'),
    'nothing',
  ]
  const { nodes } = await queryData(
    gateway,
    `query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id
      ... on Customer { name } ... on Invoice { number customer { name } } ... on Posting { account } } }`,
    { ids },
  )
  assert.deepEqual(nodes, [
    { __typename: 'Customer', id: nordwind, name: 'Nordwind Logistik GmbH' },
    { __typename: 'Customer', id: nordwind, name: 'Nordwind Logistik GmbH' },
    {
      __typename: 'Invoice',
      id: ids[2],
      number: 'R-1',
      customer: { name: 'Nordwind Logistik GmbH' },
    },
    { __typename: 'Posting', id: ids[3], account: '1400' },
    null,
  ])
})

test('text that no database can store finds nothing and causes no error', async () => {
  for (const text of ['\u0000', 'a\ud800b', '\\u0000', '\udc00']) {
    const data = await queryData(
      gateway,
      `query ($t: String!, $id: ID!) {
        a: customers(filter: { name: { eq: $t } }) { totalCount }
        b: customers(filter: { domains: { containsAny: [$t] } }) { totalCount }
        c: customers(filter: { source: { system: [$t] } }) { totalCount }
        d: customers(filter: { billingAddress: { city: { contains: $t } } }) { totalCount }
        e: customer(id: $id) { id }
        f: customerBySource(system: $t, object: $t, id: $t) { id }
        g: invoices(filter: { number: { in: [$t] } }) { totalCount }
      }`,
      { t: text, id: text },
    )
    const none = { totalCount: 0 }
    assert.deepEqual(data, { a: none, b: none, c: none, d: none, e: null, f: null, g: none })
  }
})
