import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import pino from 'pino'
import { startSubgraphService } from '../../gateway/federation/subgraphService.ts'
import type { Gateway } from '../../gateway/gateway.ts'
import { internalTokens } from '../../gateway/identity/internal.ts'
import { startTailer } from '../../mdm/feed/tailer.ts'
import type { OperationalType } from '../../schema/operational.ts'
import { createSubgraphs } from '../../subgraphs/all.ts'
import { type TestDatabase, testDatabase } from '../database.ts'
import { directPipeline, policy, systems } from '../fixtures/store.ts'
import { graph, ingestRecords, key, query, queryData, type WorldRecord, world } from './world.ts'

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

test('a golden customer has the operational objects of all its source records, from all subgraphs', async () => {
  const { customer } = await queryData(
    gateway,
    `query ($id: ID!) { customer(id: $id) {
      opportunities { totalCount nodes { name amount { decimal } open source { system object id } } }
      invoices { totalCount nodes { number open overdue source { system } balance { minorUnits currency } } }
      subscriptions { nodes { status active annualAmount { minorUnits } product { name } contract { number } } }
      payments { nodes { amount { minorUnits } invoice { number } } }
      postings { totalCount nodes { amount { minorUnits } invoice { number } } }
    } }`,
    { id: nordwind },
  )
  assert.deepEqual(customer.opportunities, {
    totalCount: 2,
    nodes: [
      {
        name: 'Hall 4',
        amount: { decimal: '50000.00' },
        open: true,
        source: { system: 'crm', object: 'Opportunity', id: 'O1' },
      },
      {
        name: 'Hall 3',
        amount: null,
        open: false,
        source: { system: 'crm', object: 'Opportunity', id: 'O2' },
      },
    ],
  })
  assert.deepEqual(customer.invoices, {
    totalCount: 3,
    nodes: [
      {
        number: 'R-3',
        open: true,
        overdue: false,
        source: { system: 'erp' },
        balance: { minorUnits: 4000, currency: 'USD' },
      },
      {
        number: 'R-1',
        open: true,
        overdue: true,
        source: { system: 'billing' },
        balance: { minorUnits: 47600, currency: 'EUR' },
      },
      {
        number: 'R-2',
        open: false,
        overdue: false,
        source: { system: 'billing' },
        balance: { minorUnits: 0, currency: 'EUR' },
      },
    ],
  })
  assert.deepEqual(customer.subscriptions.nodes, [
    {
      status: 'active',
      active: true,
      annualAmount: { minorUnits: 480000 },
      product: { name: 'Cold Store Sensor' },
      contract: { number: 'K-2026-1' },
    },
    {
      status: 'canceled',
      active: false,
      annualAmount: { minorUnits: 9900 },
      product: null,
      contract: null,
    },
  ])
  assert.deepEqual(customer.payments.nodes, [
    { amount: { minorUnits: 47600 }, invoice: { number: 'R-2' } },
  ])
  assert.equal(customer.postings.totalCount, 2)
  assert.deepEqual(customer.postings.nodes[1], {
    amount: { minorUnits: 10000 },
    invoice: { number: 'R-3' },
  })
})

test('totals and ledger sum over all source records, per currency, and can omit other systems', async () => {
  const { customer } = await queryData(
    gateway,
    `query ($id: ID!) { customer(id: $id) {
      totals { openBalance { minorUnits currency } overdueBalance { minorUnits currency }
        annualRecurringRevenue { minorUnits currency } openInvoices overdueInvoices activeSubscriptions }
      erp: totals(systems: ["erp"]) { openBalance { minorUnits currency } openInvoices activeSubscriptions }
      ledger { account legalEntity balance { minorUnits currency } debit { minorUnits } credit { minorUnits } postings }
      march: ledger(to: "2026-03-10") { balance { minorUnits } }
    } }`,
    { id: nordwind },
  )
  assert.deepEqual(customer.totals, {
    openBalance: [
      { minorUnits: 47600, currency: 'EUR' },
      { minorUnits: 4000, currency: 'USD' },
    ],
    overdueBalance: [{ minorUnits: 47600, currency: 'EUR' }],
    annualRecurringRevenue: [{ minorUnits: 480000, currency: 'EUR' }],
    openInvoices: 2,
    overdueInvoices: 1,
    activeSubscriptions: 1,
  })
  assert.deepEqual(customer.erp, {
    openBalance: [{ minorUnits: 4000, currency: 'USD' }],
    openInvoices: 1,
    activeSubscriptions: 0,
  })
  assert.deepEqual(customer.ledger, [
    {
      account: '1400',
      legalEntity: 'DE01',
      balance: { minorUnits: 4000, currency: 'USD' },
      debit: { minorUnits: 10000 },
      credit: { minorUnits: 6000 },
      postings: 2,
    },
  ])
  assert.deepEqual(customer.march, [{ balance: { minorUnits: 10000 } }])
})

test('a customer without operational objects has empty lists and zero totals', async () => {
  const { customer } = await queryData(
    gateway,
    `{ customerBySource(system: "crm", object: "Customer", id: "C2") {
      invoices { totalCount nodes { id } pageInfo { hasNextPage endCursor } } totals { openBalance { currency } openInvoices } ledger { account } } }`,
  ).then((d) => ({ customer: d.customerBySource }))
  assert.deepEqual(customer, {
    invoices: { totalCount: 0, nodes: [], pageInfo: { hasNextPage: false, endCursor: null } },
    totals: { openBalance: [], openInvoices: 0 },
    ledger: [],
  })
})

test('each customer of a list gets its own page, limit and count', async () => {
  const { customers } = await queryData(
    gateway,
    `{ customers { nodes { name invoices(first: 1, filter: { open: true }, orderBy: [{ field: TOTAL, direction: DESC }]) {
      totalCount nodes { number } pageInfo { hasNextPage endCursor } } } } }`,
  )
  const [lupo, wind] = customers.nodes
  assert.deepEqual(lupo.invoices.nodes, [])
  assert.equal(wind.invoices.totalCount, 2)
  assert.deepEqual(wind.invoices.nodes, [{ number: 'R-1' }])
  assert.equal(wind.invoices.pageInfo.hasNextPage, true)
  const next = await queryData(
    gateway,
    `query ($id: ID!, $after: String) { customer(id: $id) { invoices(first: 1, after: $after, filter: { open: true }, orderBy: [{ field: TOTAL, direction: DESC }]) {
      nodes { number } pageInfo { hasNextPage hasPreviousPage } } } }`,
    { id: nordwind, after: wind.invoices.pageInfo.endCursor },
  )
  assert.deepEqual(next.customer.invoices, {
    nodes: [{ number: 'R-3' }],
    pageInfo: { hasNextPage: false, hasPreviousPage: true },
  })
})

test('operational objects can be looked up, listed and filtered on their own', async () => {
  const data = await queryData(
    gateway,
    `query ($i: ID!, $c: ID!) {
      invoice(id: $i) { number payments { totalCount } postings { totalCount } subscription { status invoices { totalCount } } contract { number } }
      overdue: invoices(filter: { overdue: true }) { totalCount nodes { number } }
      notOpen: invoices(filter: { open: false }) { nodes { number } }
      due: invoices(filter: { dueDate: { gt: "2026-12-31" }, total: { lte: 10000 } }) { nodes { number } }
      ofCustomer: payments(filter: { customer: { eq: $c } }) { totalCount }
      ofErp: invoices(filter: { source: { system: ["erp"] } }) { nodes { number } }
      ofSubscription: invoices(filter: { subscription: { eq: "${key('billing', 'Subscription', 'S1')}" } }) { nodes { number } }
      contract(id: "${key('crm', 'Contract', 'K1')}") { invoices { totalCount } subscriptions { nodes { status } } }
      product(id: "${key('erp', 'Product', 'I1')}") { subscriptions { totalCount } }
    }`,
    { i: key('billing', 'Invoice', 'N1'), c: key('erp', 'Customer', 'E1') },
  )
  assert.deepEqual(data, {
    invoice: {
      number: 'R-1',
      payments: { totalCount: 0 },
      postings: { totalCount: 0 },
      subscription: { status: 'active', invoices: { totalCount: 1 } },
      contract: { number: 'K-2026-1' },
    },
    overdue: { totalCount: 1, nodes: [{ number: 'R-1' }] },
    notOpen: { nodes: [{ number: 'R-2' }] },
    due: { nodes: [{ number: 'R-3' }] },
    ofCustomer: { totalCount: 1 },
    ofErp: { nodes: [{ number: 'R-3' }] },
    ofSubscription: { nodes: [{ number: 'R-1' }] },
    contract: { invoices: { totalCount: 1 }, subscriptions: { nodes: [{ status: 'active' }] } },
    product: { subscriptions: { totalCount: 1 } },
  })
})

test('quotes, orders, prices, credits and revenue are found from both ends, over all source records', async () => {
  const { customer, product, invoice, ...data } = await queryData(
    gateway,
    `query ($customer: ID!, $invoice: ID!, $product: ID!, $price: ID!) {
      customer(id: $customer) {
        quotes { nodes { number total { decimal } opportunity { name quotes { totalCount } salesOrders { totalCount } }
          contract { number quotes { totalCount } salesOrders { totalCount } } salesOrders { nodes { number quote { name } } } } }
        salesOrders { totalCount }
        entitlements { nodes { name quantity product { name } subscription { status entitlements { totalCount } }
          contract { entitlements { totalCount } } } }
        amendments { nodes { number kind contract { amendments { totalCount } } subscription { amendments { totalCount } } } }
        invoiceTaxes { totalCount }
        creditNotes { totalCount }
        refunds { nodes { amount { minorUnits } payment { method refunds { totalCount } } creditNote { number refunds { totalCount } } } }
        revenueSchedules { nodes { amount { decimal currency } legalEntity contract { number revenueSchedules { totalCount } }
          invoice { number revenueSchedules { totalCount } } } }
      }
      invoice(id: $invoice) {
        taxes { nodes { name rate taxableAmount { minorUnits } amount { minorUnits } invoice { number } } }
        creditNotes { nodes { number balance { minorUnits } reason customer { name } } }
      }
      product(id: $product) {
        ratePlans { nodes { name prices { totalCount } } } entitlements { totalCount } revenueSchedules { totalCount }
        prices(filter: { active: { eq: true }, amount: { lt: 1 } }, orderBy: [{ field: AMOUNT, direction: DESC }]) {
          nodes { name amount { minorUnits } exactAmount currency priceBook ratePlan { name } product { name } source { system } } }
      }
      node(id: $price) { __typename ... on Price { name } }
      creditNotes(filter: { issueDate: { gte: "2026-02-10" }, number: { startsWith: "d-" } }) { totalCount }
    }`,
    {
      customer: nordwind,
      invoice: key('billing', 'Invoice', 'N1'),
      product: key('erp', 'Product', 'I1'),
      price: key('billing', 'Price', 'H1'),
    },
  )
  const one = { totalCount: 1 }
  assert.deepEqual(customer, {
    quotes: {
      nodes: [
        {
          number: 'Q-7',
          total: { decimal: '48000.00' },
          opportunity: { name: 'Hall 4', quotes: one, salesOrders: one },
          contract: { number: 'K-2026-1', quotes: one, salesOrders: one },
          salesOrders: { nodes: [{ number: 'A-9', quote: { name: 'Hall 4, first offer' } }] },
        },
      ],
    },
    salesOrders: one,
    entitlements: {
      nodes: [
        {
          name: 'Support in 4 hours',
          quantity: 40,
          product: { name: 'Cold Store Sensor' },
          subscription: { status: 'active', entitlements: one },
          contract: { entitlements: one },
        },
      ],
    },
    amendments: {
      nodes: [
        {
          number: 'M-1',
          kind: 'UpdateProduct',
          contract: { amendments: one },
          subscription: { amendments: one },
        },
      ],
    },
    invoiceTaxes: one,
    creditNotes: one,
    refunds: {
      nodes: [
        {
          amount: { minorUnits: 4760 },
          payment: { method: 'sepa_debit', refunds: one },
          creditNote: { number: 'D-1', refunds: one },
        },
      ],
    },
    revenueSchedules: {
      nodes: [
        {
          amount: { decimal: '50.00', currency: 'USD' },
          legalEntity: 'DE01',
          contract: { number: 'K-2025-9', revenueSchedules: one },
          invoice: { number: 'R-3', revenueSchedules: one },
        },
      ],
    },
  })
  assert.deepEqual(invoice, {
    taxes: {
      nodes: [
        {
          name: 'VAT',
          rate: 19,
          taxableAmount: { minorUnits: 40000 },
          amount: { minorUnits: 7600 },
          invoice: { number: 'R-1' },
        },
      ],
    },
    creditNotes: {
      nodes: [
        {
          number: 'D-1',
          balance: { minorUnits: 4760 },
          reason: 'order_change',
          customer: { name: 'Nordwind Logistik GmbH' },
        },
      ],
    },
  })
  assert.deepEqual(product, {
    ratePlans: { nodes: [{ name: 'Standard', prices: one }] },
    entitlements: one,
    revenueSchedules: one,
    prices: {
      nodes: [
        {
          name: 'Reading',
          amount: null,
          exactAmount: '0.0005',
          currency: 'EUR',
          priceBook: 'EMEA',
          ratePlan: { name: 'Standard' },
          product: { name: 'Cold Store Sensor' },
          source: { system: 'billing' },
        },
      ],
    },
  })
  assert.deepEqual(data, {
    node: { __typename: 'Price', name: 'Reading' },
    creditNotes: one,
  })
})

test('health is reached from the customer, and usage is summed by meter, unit, subscription and day', async () => {
  const customer = key('billing', 'Customer', 'B1')
  const subscription = key('billing', 'Subscription', 'S1')
  const used = (id: string, day: string, fields: WorldRecord['fields']): WorldRecord => ({
    ...{ source: 'billing', type: 'UsageRecord', id },
    fields: { customer, subscription, day, meter: 'readings', unit: 'k', ...fields },
  })
  const start = (await queryData(gateway, '{ feed { head } }')).feed.head
  const known = new Map(systems.map((s) => [s.name, s]))
  const records = [
    used('U2', '2026-03-01', { quantity: 0.2 }),
    used('U3', '2026-03-02', { quantity: 5, unit: 'piece' }),
    // The customer as another system has it.
    used('U4', '2026-03-02', {
      ...{ customer: key('erp', 'Customer', 'E1'), subscription: null },
      ...{ meter: 'alarms', quantity: 3 },
    }),
    used('U5', '2025-03-02', { quantity: 1000 }),
    used('U6', '2026-03-02', { quantity: null }),
  ]
  await ingestRecords(db.sql, records)
  assert.equal((await queryData(gateway, '{ feed { head } }')).feed.head, start, 'no event')
  const events = new Set<OperationalType>(['UsageRecord'])
  const [billing] = [known.get('billing')].flatMap((s) => (s ? { ...s, events } : []))
  assert.ok(billing)
  await ingestRecords(db.sql, [used('U7', '2024-01-01', { quantity: 1 })], {
    ...directPipeline(db.sql),
    systems: new Map([...known, ['billing', billing]]),
  })
  assert.equal((await queryData(gateway, '{ feed { head } }')).feed.head, start + 1, 'wanted')

  const range = 'from: "2026-01-01", to: "2026-12-31"'
  const sum = 'nodes { meter unit day quantity records subscription { status } }'
  const data = await queryData(
    gateway,
    `query ($customer: ID!, $subscription: ID!) {
      customer(id: $customer) {
        health { totalCount nodes { score label measuredOn stage manager renewalDate renewalOutlook annualAmount { decimal } } }
        usage(${range}) { totalCount ${sum} }
        total: usage(${range}, by: [], meters: ["readings"]) { nodes { meter unit day quantity records } }
        first: usage(${range}, first: 1) { nodes { meter day } pageInfo { hasNextPage endCursor } }
        usageRecords { totalCount }
      }
      subscription(id: $subscription) { usage(${range}) { ${sum} } usageRecords { totalCount } }
      usageRecords(filter: { day: { eq: "2025-03-02" } }) { nodes { quantity product { name } customer { name } } }
    }`,
    { customer: nordwind, subscription },
  )
  const active = { status: 'active' }
  const readings = { meter: 'readings', unit: 'k', day: '2026-03-01', quantity: 0.3, records: 2 }
  const pieces = { meter: 'readings', unit: 'piece', day: '2026-03-02', quantity: 5, records: 1 }
  const alarms = { meter: 'alarms', unit: 'k', day: '2026-03-02', quantity: 3, records: 1 }
  assert.deepEqual(data.customer.health, {
    totalCount: 1,
    nodes: [
      {
        ...{ score: 82.5, label: 'Green', measuredOn: '2026-03-02', stage: 'Adopted' },
        ...{ manager: 'Ida', renewalDate: '2026-12-31', renewalOutlook: 'Likely' },
        annualAmount: { decimal: '4800.00' },
      },
    ],
  })
  assert.deepEqual(data.customer.usage, {
    totalCount: 3,
    nodes: [
      { ...alarms, subscription: null },
      { ...pieces, subscription: active },
      { ...readings, subscription: active },
    ],
  })
  assert.deepEqual(data.customer.total.nodes, [
    { ...readings, day: null },
    { ...pieces, day: null },
  ])
  assert.deepEqual(data.subscription.usage.nodes, [
    { ...pieces, subscription: null },
    { ...readings, subscription: null },
  ])
  assert.deepEqual(
    [data.customer.usageRecords.totalCount, data.subscription.usageRecords.totalCount],
    [7, 6],
  )
  assert.deepEqual(data.usageRecords.nodes, [
    { quantity: 1000, product: null, customer: { name: 'Nordwind Logistik GmbH' } },
  ])
  const { first } = data.customer
  assert.deepEqual(first.nodes, [{ meter: 'alarms', day: '2026-03-02' }])
  const next = await queryData(
    gateway,
    `query ($id: ID!, $after: String) { customer(id: $id) { usage(${range}, after: $after) { nodes { quantity } pageInfo { hasNextPage } } } }`,
    { id: nordwind, after: first.pageInfo.endCursor },
  )
  assert.deepEqual(next.customer.usage, {
    nodes: [{ quantity: 5 }, { quantity: 0.3 }],
    pageInfo: { hasNextPage: false },
  })
  const { errors } = await query(
    gateway,
    `{ customer(id: "${nordwind}") { usage(from: "2024-01-01", to: "2026-01-01") { totalCount } } }`,
  )
  assert.equal(errors?.[0]?.extensions.code, 'BAD_FILTER')
})

test('omits objects that their system has deleted', async () => {
  await ingestRecords(db.sql, [
    {
      source: 'crm',
      type: 'Opportunity',
      id: 'O9',
      fields: { customer: key('crm', 'Customer', 'C2'), name: 'Gone' },
    },
  ])
  const count = async () =>
    (await queryData(gateway, '{ opportunities(filter: { name: { eq: "Gone" } }) { totalCount } }'))
      .opportunities.totalCount
  assert.equal(await count(), 1)
  await ingestRecords(db.sql, [
    { source: 'crm', type: 'Opportunity', id: 'O9', version: 2, deleted: true, fields: {} },
  ])
  assert.equal(await count(), 0)
})

test('an unavailable subgraph is named and removes its own fields only', async (t) => {
  const tailer = await startTailer({ sql: db.sql })
  t.after(() => tailer.stop())
  const subgraph = createSubgraphs({ sql: db.sql, policy, sources: systems, tailer }).find(
    (s) => s.name === 'billing',
  )
  assert.ok(subgraph)
  const internal = internalTokens('a secret of gateway and services')
  const at = {
    host: '127.0.0.1',
    port: 0,
    bodyBytesMax: 100_000,
    internal,
    log: pino({ level: 'silent' }),
  }
  const billing = await startSubgraphService({ subgraph, ...at })
  const services = new Map([['billing', billing.url]])
  const apart = await graph(db.sql, 0, systems, {}, false, {}, { services, internal })
  t.after(() => apart.close(0))
  const [beside, within, lists] = [
    '{ customers(first: 1, orderBy: [{ field: NAME, direction: ASC }]) { nodes { name invoices(first: 1) { totalCount } } } products { totalCount } }',
    `{ customer(id: "${nordwind}") { name totals { openInvoices } contracts { nodes { number invoices { totalCount } } } ledger { postings } } }`,
    '{ customers { totalCount } invoices { totalCount } }',
  ]
  const whole = await queryData(apart, beside)
  assert.deepEqual(await queryData(apart, lists), {
    customers: { totalCount: 3 },
    invoices: { totalCount: 3 },
  })
  await billing.close()

  const expected = async (text: string, data: object, ...paths: (string | number)[][]) => {
    const got = await query(apart, text)
    assert.deepEqual(got.data, data)
    assert.deepEqual(
      got.errors?.map((e) => [e.extensions.code, e.extensions.subgraph, e.path]),
      paths.map((path) => ['UNAVAILABLE', 'billing', path]),
    )
  }
  const [first] = whole.customers.nodes
  await expected(
    beside,
    { customers: { nodes: [{ name: first.name, invoices: null }] }, products: whole.products },
    ['customers', 'nodes', 0, 'invoices'],
  )
  await expected(lists, { customers: { totalCount: 3 }, invoices: null }, ['invoices'])
  await expected(
    within,
    {
      customer: {
        name: 'Nordwind Logistik GmbH',
        totals: null,
        contracts: {
          nodes: ['K-2025-9', 'K-2026-1'].map((number) => ({ number, invoices: null })),
        },
        ledger: [{ postings: 2 }],
      },
    },
    ['customer', 'totals'],
    ['customer', 'contracts', 'nodes', 0, 'invoices'],
    ['customer', 'contracts', 'nodes', 1, 'invoices'],
  )
  await expected(
    '{ invoices { totalCount } mine: payments { totalCount } products { totalCount } }',
    { invoices: null, mine: null, products: { totalCount: 1 } },
    ['invoices'],
    ['mine'],
  )
  // This operation is not compiled, so the error has the path of the fetch.
  await expected(
    beside.replace('{ totalCount', '@include(if: true) { totalCount'),
    { customers: { nodes: [{ name: first.name, invoices: null }] }, products: whole.products },
    ['customers', 'nodes'],
  )
})

test('a subscription with items serves each, counts their year, and belongs to the product of each', async () => {
  const product = key('erp', 'Product', 'I1')
  const amount = (minorUnits: number) => ({ minorUnits, currency: 'EUR' })
  await ingestRecords(db.sql, [
    {
      source: 'billing',
      type: 'Subscription',
      id: 'S-items',
      fields: {
        customer: nordwind,
        status: 'trialing',
        currency: 'EUR',
        items: {
          annualMinor: 24_000,
          list: [
            { product, quantity: 3, amount: amount(1000.4), interval: 'month', intervalCount: 1 },
            { product, quantity: 1, amount: amount(12_000), interval: 'year', intervalCount: 1 },
            { interval: 'month', intervalCount: 1, metered: true },
          ],
        },
      },
    },
  ])
  const asked = `status active annualAmount { minorUnits currency } amount { minorUnits }
    items { quantity amount { minorUnits currency } interval intervalCount metered product { name } }`
  const data = await queryData(
    gateway,
    `query ($product: ID!, $customer: ID!) {
      product(id: $product) { subscriptions { totalCount nodes { ${asked} } } }
      customer(id: $customer) { totals { annualRecurringRevenue { minorUnits } } }
    }`,
    { product, customer: nordwind },
  )
  assert.equal(data.product.subscriptions.totalCount, 2, 'S1 by its product, this one once')
  const sensor = { name: 'Cold Store Sensor' }
  assert.deepEqual(
    data.product.subscriptions.nodes.find((n: { status: string }) => n.status === 'trialing'),
    {
      status: 'trialing',
      active: false,
      annualAmount: { minorUnits: 24_000, currency: 'EUR' },
      amount: null,
      items: [
        {
          quantity: 3,
          amount: amount(1000),
          interval: 'month',
          intervalCount: 1,
          metered: false,
          product: sensor,
        },
        {
          quantity: 1,
          amount: amount(12_000),
          interval: 'year',
          intervalCount: 1,
          metered: false,
          product: sensor,
        },
        {
          quantity: null,
          amount: null,
          interval: 'month',
          intervalCount: 1,
          metered: true,
          product: null,
        },
      ],
    },
  )
  assert.deepEqual(
    data.customer.totals.annualRecurringRevenue,
    [{ minorUnits: 480_000 }],
    'a trial does not count',
  )
})

describe('events of operational objects (FEED 1.6)', () => {
  const EVENTS = `query ($after: String, $where: [ChangeValueFilter!]) { changes(after: $after, first: 200, where: $where, types:
      [CUSTOMER, OPPORTUNITY, SUBSCRIPTION, INVOICE, PAYMENT, POSTING, PRICE, CREDIT_NOTE]) {
    nodes { type op goldenId version before after changedFields customer { id name } entity { __typename } cause { system object recordId } }
  } }`
  const since = async (after: string, variables: object = {}) =>
    (await queryData(gateway, EVENTS, { after, ...variables })).changes.nodes
  const cursor = async () => (await queryData(gateway, '{ feed { cursor } }')).feed.cursor
  const of = (id: string, version: number, fields: WorldRecord['fields']): WorldRecord => ({
    source: 'billing',
    type: 'Invoice',
    id,
    version,
    fields,
  })
  /** The customer as the billing system knows it; its golden id may be of another system. */
  const customer = key('billing', 'Customer', 'B1')
  const open = { customer, number: 'E-1', status: 'open', total: 10_000, currency: 'EUR' }

  test('an invoice that is issued, paid, sent again and deleted; with its golden customer', async () => {
    const start = await cursor()
    await ingestRecords(db.sql, [of('E1', 1, open)])
    await ingestRecords(db.sql, [of('E1', 2, { ...open, status: 'paid', balance: 0 })])
    await ingestRecords(db.sql, [of('E1', 3, { ...open, status: 'paid', balance: 0 })])
    await ingestRecords(db.sql, [{ ...of('E1', 4, {}), deleted: true }])
    const events = await since(start)
    const id = key('billing', 'Invoice', 'E1')
    assert.deepEqual(
      events.map((e: Record<string, unknown>) => [e.op, e.version, e.changedFields]),
      [
        ['CREATED', 1, ['customer', 'number', 'status', 'total', 'currency']],
        ['UPDATED', 2, ['status', 'balance']],
        ['DELETED', 3, ['customer', 'number', 'status', 'total', 'balance', 'currency']],
      ],
    )
    const { customer: golden } = await queryData(
      gateway,
      `{ customer(id: "${customer}") { id name } }`,
    )
    for (const e of events)
      assert.deepEqual([e.type, e.goldenId, e.customer, e.entity], ['INVOICE', id, golden, null])
    const [created, paid, deleted] = events
    assert.deepEqual([created.before, deleted.after], [null, null])
    assert.deepEqual([paid.before, paid.after], [created.after, deleted.before])
    assert.deepEqual(
      [paid.before.status, paid.after.status, paid.after.balance],
      ['open', 'paid', 0],
    )
    assert.deepEqual(created.cause, { system: 'billing', object: 'Invoice', recordId: 'E1' })
    const narrowed = await since(start, { where: [{ field: 'status', in: ['paid'] }] })
    assert.deepEqual(
      narrowed.map((e: { op: string }) => e.op),
      ['UPDATED', 'DELETED'],
      'the event that enters the filter and the one that leaves it',
    )
  })

  test('in a batch the customer comes before its objects; one that is not known is null', async () => {
    const start = await cursor()
    const own = (id: string) => ({ customer: key('crm', 'Customer', id) })
    const opportunity = { source: 'crm', type: 'Opportunity' }
    await ingestRecords(db.sql, [
      {
        ...opportunity,
        id: 'E2',
        fields: { ...own('E3'), stage: 'won', isWon: true, isClosed: true },
      },
      { ...opportunity, id: 'E4', fields: { ...own('unknown'), stage: 'new' } },
      { source: 'crm', type: 'Customer', id: 'E3', fields: { name: 'Ereignis Verlag GmbH' } },
      { source: 'billing', type: 'Subscription', id: 'E5', fields: { customer, status: 'active' } },
      { source: 'billing', type: 'Payment', id: 'E6', fields: { customer, amount: 1 } },
      { source: 'erp', type: 'Posting', id: 'E7', fields: { customer, amount: 1 } },
      { source: 'billing', type: 'CreditNote', id: 'E10', fields: { customer, total: 1 } },
      { source: 'billing', type: 'Price', id: 'E11', fields: { amount: 0.5 } },
    ])
    const events = await since(start)
    assert.deepEqual(events.map((e: { type: string }) => e.type).sort(), [
      'CREDIT_NOTE',
      'CUSTOMER',
      'OPPORTUNITY',
      'OPPORTUNITY',
      'PAYMENT',
      'POSTING',
      'PRICE',
      'SUBSCRIPTION',
    ])
    assert.equal(events[0].type, 'CUSTOMER')
    const byId = (id: string) => events.find((e: { goldenId: string }) => e.goldenId === id)
    assert.deepEqual(byId(key('crm', 'Opportunity', 'E2')).customer, {
      id: key('crm', 'Customer', 'E3'),
      name: 'Ereignis Verlag GmbH',
    })
    assert.equal(byId(key('crm', 'Opportunity', 'E4')).customer, null)
  })

  test('switched off for a system, and on again: before is what was served, and the version shows the gap', async () => {
    const start = await cursor()
    await ingestRecords(db.sql, [of('E8', 1, open)])
    const off = {
      ...directPipeline(db.sql),
      systems: new Map(systems.map((s) => [s.name, { ...s, events: new Set<never>() }])),
    }
    await ingestRecords(db.sql, [of('E8', 2, { ...open, status: 'sent' }), of('E9', 1, open)], off)
    assert.equal((await since(start)).length, 1)
    await ingestRecords(db.sql, [
      of('E8', 3, { ...open, status: 'paid' }),
      of('E9', 2, { ...open, status: 'paid' }),
    ])
    const events = await since(start)
    assert.deepEqual(
      events
        .map((e: Record<string, Record<string, unknown>>) => [
          e.op,
          e.version,
          e.before?.status,
          e.after?.status,
        ])
        .sort(),
      [
        ['CREATED', 1, undefined, 'open'],
        ['UPDATED', 2, 'open', 'paid'],
        ['UPDATED', 3, 'sent', 'paid'],
      ],
    )
  })
})
