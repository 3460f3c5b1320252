import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Gateway } from '../../gateway/gateway.ts'
import { type TestDatabase, testDatabase } from '../database.ts'
import { graph, ingestRecords, key, query, queryData, type WorldRecord, world } from './world.ts'

let db: TestDatabase
let gateway: Gateway
before(async () => {
  db = await testDatabase()
  await ingestRecords(db.sql, [...world, ...more])
  gateway = await graph(db.sql)
})
after(async () => {
  await gateway?.close(0)
  await db?.drop()
})

const nordwind = key('crm', 'Customer', 'C1')
const lupo = key('crm', 'Customer', 'C2')
const zephyr = key('crm', 'Customer', 'C3')
const sensor = key('erp', 'Product', 'I1')
const pump = key('erp', 'Product', 'I2')

const more: WorldRecord[] = [
  { source: 'erp', type: 'Product', id: 'I2', fields: { name: 'Brine Pump', sku: 'BP-9' } },
  {
    source: 'billing',
    type: 'Invoice',
    id: 'young',
    fields: {
      customer: zephyr,
      number: 'Z-1',
      status: 'open',
      dueDate: ago(3),
      balance: 900,
      currency: 'CHF',
    },
  },
  entitlement('until', {
    product: pump,
    startDate: ago(10),
    endDate: ago(-20),
    quantity: 3,
    unit: 'seats',
  }),
  entitlement('ended', { product: pump, endDate: ago(1), quantity: 9 }),
  entitlement('later', { product: pump, startDate: ago(-40), quantity: 9 }),
  entitlement('off', { product: pump, status: 'Suspended', quantity: 9 }),
  { ...entitlement('gone', { product: pump, quantity: 9 }), deleted: true },
  {
    source: 'billing',
    type: 'Subscription',
    id: 'items',
    fields: {
      customer: zephyr,
      status: 'active',
      startDate: ago(5),
      items: {
        annualMinor: null,
        list: [
          { product: sensor, quantity: 2 },
          { product: sensor, quantity: 5 },
        ],
      },
    },
  },
  {
    source: 'crm',
    type: 'Contract',
    id: 'bare',
    fields: { number: 'K-77', customer: lupo, startDate: '2026-05-01', status: 'ACTIVE' },
  },
  {
    source: 'crm',
    type: 'Contract',
    id: 'orphan',
    fields: {
      number: 'K-78',
      customer: key('crm', 'Customer', 'nobody'),
      currency: 'EUR',
      startDate: '2026-07-01',
    },
  },
]

describe('Customer.receivables', () => {
  const ask = async (id: string, args = '') =>
    (
      await queryData(
        gateway,
        `query ($id: ID!) { customer(id: $id) { receivables${args} {
          status open { minorUnits currency } overdue { minorUnits currency } overdueInvoices oldestDueDate daysOverdue } } }`,
        { id },
      )
    ).customer.receivables

  test('is HOLD for a customer whose oldest overdue invoice is old, over all source records and currencies', async () => {
    const { daysOverdue, ...rest } = await ask(nordwind)
    assert.ok(daysOverdue > 200)
    assert.deepEqual(rest, {
      status: 'HOLD',
      open: [
        { minorUnits: 47600, currency: 'EUR' },
        { minorUnits: 4000, currency: 'USD' },
      ],
      overdue: [{ minorUnits: 47600, currency: 'EUR' }],
      overdueInvoices: 1,
      oldestDueDate: '2026-03-01',
    })
  })

  test('is OVERDUE within the days that a caller allows, and HOLD beyond them', async () => {
    assert.equal((await ask(zephyr)).status, 'OVERDUE')
    assert.equal((await ask(zephyr, '(holdAfterDays: 2)')).status, 'HOLD')
    assert.equal((await ask(zephyr, '(holdAfterDays: 3)')).status, 'OVERDUE')
  })

  test('is OPEN if nothing is overdue in the systems asked for, and CLEAR without an invoice', async () => {
    assert.equal((await ask(nordwind, '(systems: ["erp"])')).status, 'OPEN')
    assert.deepEqual(await ask(lupo), {
      ...{ status: 'CLEAR', open: [], overdue: [], overdueInvoices: 0, oldestDueDate: null },
      daysOverdue: 0,
    })
  })
})

describe('Customer.entitlementFor', () => {
  const ask = async (id: string, product: string, on: string | null = null) =>
    (
      await queryData(
        gateway,
        `query ($id: ID!, $product: ID!, $on: Date) { customer(id: $id) { entitlementFor(product: $product, on: $on) {
          entitled until quantity by { id kind until quantity unit } } } }`,
        { id, product, on },
      )
    ).customer.entitlementFor

  test('counts entitlements in force alone', async () => {
    assert.deepEqual(await ask(zephyr, pump), {
      entitled: true,
      until: ago(-20),
      quantity: 3,
      by: [
        {
          id: key('crm', 'Entitlement', 'until'),
          ...{ kind: 'ENTITLEMENT', until: ago(-20), quantity: 3, unit: 'seats' },
        },
      ],
    })
    assert.equal((await ask(zephyr, pump, ago(-50))).by[0].id, key('crm', 'Entitlement', 'later'))
    assert.equal((await ask(zephyr, pump, ago(-30))).entitled, false)
  })

  test('counts active subscriptions of the product, also of their items', async () => {
    const found = await ask(zephyr, sensor)
    assert.deepEqual([found.entitled, found.until, found.quantity], [true, null, 7])
    const { quantity, by } = await ask(nordwind, sensor)
    // The entitlement belongs to the subscription, so they count once.
    assert.deepEqual([quantity, by.length, by[0].kind], [40, 1, 'ENTITLEMENT'])
    assert.deepEqual(await ask(lupo, sensor), {
      entitled: false,
      until: null,
      quantity: null,
      by: [],
    })
  })

  test('rejects an id that is none', async () => {
    const { errors } = await query(
      gateway,
      `{ customer(id: "${lupo}") { entitlementFor(product: "sensor") { entitled } } }`,
    )
    assert.equal(errors?.[0]?.extensions.code, 'BAD_FILTER')
  })
})

describe('Contract.billingReadiness', () => {
  const ask = async (id: string, args = '') =>
    (
      await queryData(
        gateway,
        `query ($id: ID!) { contract(id: $id) { billingReadiness${args} {
          ready missing { path detail record systems } notChecked } } }`,
        { id },
      )
    ).contract.billingReadiness
  const paths = (of: { missing: { path: string | null }[] }) => of.missing.map((m) => m.path)

  test('names each missing field with the record and the systems that own it', async () => {
    const bare = await ask(key('crm', 'Contract', 'bare'))
    assert.equal(bare.ready, false)
    assert.deepEqual(paths(bare), [
      ...[
        'contract.currency',
        'contract.lines',
        'customer.billingAddress.street',
        'customer.paymentTerms',
      ],
      ...[null, null],
    ])
    const [currency, , street, , billing] = bare.missing
    assert.deepEqual(currency, {
      path: 'contract.currency',
      detail: 'The contract has no currency.',
      record: key('crm', 'Contract', 'bare'),
      systems: ['erp', 'crm', 'billing'],
    })
    assert.deepEqual(
      [street.record, street.detail],
      [lupo, 'The customer has no street in billingAddress.'],
    )
    assert.deepEqual(billing, {
      path: null,
      detail: 'No system of the role BILLING holds the customer.',
      record: lupo,
      systems: ['billing'],
    })
  })

  test('is ready when nothing is missing, by what the caller requires', async () => {
    const id = key('crm', 'Contract', 'K1')
    assert.deepEqual(paths(await ask(id)), ['contract.currency'])
    const args =
      '(required: ["contract.number", "customer.billingAddress.country"], knownTo: [ERP])'
    assert.deepEqual(await ask(id, args), { ready: true, missing: [], notChecked: [] })
  })

  test('says once that a contract has no customer', async () => {
    const orphan = await ask(
      key('crm', 'Contract', 'orphan'),
      '(required: ["contract.number", "customer.name"])',
    )
    assert.deepEqual(paths(orphan), ['contract.customer'])
  })

  test('rejects a path that is no field', async () => {
    for (const path of [
      'contract.colour',
      'customer.billingAddress.planet',
      'number',
      'product.name',
    ]) {
      const { errors } = await query(
        gateway,
        `{ contract(id: "${key('crm', 'Contract', 'K1')}") { billingReadiness(required: ["${path}"]) { ready } } }`,
      )
      assert.equal(errors?.[0]?.extensions.code, 'BAD_FILTER', path)
    }
  })
})

/** Returns the day that many days ago. */
function ago(days: number): string {
  return new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 10)
}

function entitlement(id: string, fields: Record<string, unknown>): WorldRecord {
  return { source: 'crm', type: 'Entitlement', id, fields: { customer: zephyr, ...fields } }
}
