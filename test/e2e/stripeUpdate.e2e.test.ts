import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createClient as createSseClient } from 'graphql-sse'
import { createClient } from 'graphql-ws'
import WebSocket from 'ws'
import { dataDirectory } from '../cli/process.ts'
import { developerHeaders } from '../developer.ts'
import { running } from './running.ts'

const stripeCustomer = {
  id: 'cus_Nordwind000001',
  object: 'customer',
  name: 'Nordwind Logistik GmbH',
  email: 'rechnung@nordwind-logistik.example',
  phone: '+49 40 30011220',
  currency: 'eur',
  address: {
    line1: 'Hafenstr. 1',
    line2: null,
    city: 'Hamburg',
    postal_code: '20457',
    state: null,
    country: 'DE',
  },
  tax_ids: {
    object: 'list',
    data: [{ id: 'txi_1', object: 'tax_id', type: 'eu_vat', value: 'DE136695976' }],
  },
}
const event = (
  id: string,
  type: string,
  created: number,
  object: object,
  previous_attributes?: object,
) => ({
  id,
  object: 'event',
  api_version: '2026-02-25.clover',
  created,
  data: { object, ...(previous_attributes ? { previous_attributes } : {}) },
  livemode: true,
  type,
})
const netsuite = (recordType: string, id: string, record: object) => ({
  recordType,
  type: 'create',
  id,
  lastModified: '2026-01-02T08:00:00Z',
  record: { id, ...record },
})
const EUR = { id: '1', refName: 'EUR' }

const WATCH = `subscription ($after: String) { changes(after: $after, types: [CUSTOMER]) { __typename
  ... on Change { op changedFields before after cause { system object recordId correlationId }
    entity { ... on Customer { id name invoices(first: 10) { nodes { number balance { minorUnits currency } } } } } } } }`

// biome-ignore lint/suspicious/noExplicitAny: tests read responses of any shape
type Item = any

async function firstChange(
  results: AsyncIterable<{ data?: unknown; errors?: unknown }>,
): Promise<Item> {
  for await (const { data, errors } of results) {
    assert.equal(errors, undefined)
    const item = (data as Item).changes
    if (item.__typename === 'Change') return item
  }
}

test('a signed customer.updated changes the fields billing owns but not those the ERP owns, and reaches both kinds of stream', async (t) => {
  const { dir } = dataDirectory(t)
  const it = await running(dir)
  t.after(() => void it.command.child.kill('SIGKILL'))
  await it.deliver('netsuite', null, [
    netsuite('customer', '1001', {
      isPerson: false,
      companyName: 'Nordwind Logistik GmbH',
      vatRegNumber: 'DE136695976',
      email: 'office@nordwind-logistik.example',
      terms: { id: '5', refName: 'Net 30' },
      currency: EUR,
    }),
    netsuite('invoice', '500001', {
      tranId: 'INV-4711',
      entity: { id: '1001', refName: 'Nordwind Logistik GmbH' },
      tranDate: '2026-01-02',
      dueDate: '2026-02-01',
      total: 1190.5,
      amountRemaining: 1190.5,
      currency: EUR,
      status: { id: 'CustInvc:A', refName: 'Open' },
    }),
  ])
  await it.deliver('stripe', null, event('evt_1', 'customer.created', 1767340800, stripeCustomer))
  const fields =
    'id name currency billingAddress { street city } sourceRecords { nodes { system } } provenance(fields: ["name", "billingAddress"]) { field rule sourceRecords { nodes { system } } }'
  const before = await it.customer(
    'stripe',
    stripeCustomer.id,
    fields,
    (c) => c.sourceRecords.nodes.length === 2,
  )
  assert.deepEqual(before.billingAddress, { street: 'Hafenstr. 1', city: 'Hamburg' })

  const { feed } = await it.query('{ feed { cursor } }')
  const ws = createClient({
    url: it.url.replace('http', 'ws'),
    connectionParams: () => developerHeaders(it.url),
    webSocketImpl: WebSocket,
    retryAttempts: 0,
  })
  const sse = createSseClient({
    url: it.url,
    headers: () => developerHeaders(it.url),
    retryAttempts: 0,
  })
  t.after(async () => {
    await ws.dispose()
    sse.dispose()
  })
  const payload = { query: WATCH, variables: { after: feed.cursor } }
  const arrived = [firstChange(ws.iterate(payload)), firstChange(sse.iterate(payload))]
  const { answer } = await it.deliver(
    'stripe',
    null,
    event(
      'evt_2',
      'customer.updated',
      1767427200,
      {
        ...stripeCustomer,
        name: 'Nordwind Shipping Billing Dept',
        address: { ...stripeCustomer.address, line1: 'Speicherweg 7', postal_code: '20459' },
      },
      { name: stripeCustomer.name, address: stripeCustomer.address },
    ),
  )
  const [overWs, overSse] = await Promise.all(arrived)
  assert.deepEqual(overWs, overSse)
  assert.equal(overWs.op, 'UPDATED')
  assert.deepEqual(overWs.changedFields, ['billingAddress'])
  assert.equal(overWs.before.billingAddress.street, 'Hafenstr. 1')
  assert.equal(overWs.after.billingAddress.street, 'Speicherweg 7')
  assert.equal(overWs.after.name, 'Nordwind Logistik GmbH', 'the ERP owns the name')
  assert.deepEqual(overWs.cause, {
    system: 'stripe',
    object: 'customer',
    recordId: stripeCustomer.id,
    correlationId: answer.body.correlationId,
  })
  assert.deepEqual(overWs.entity, {
    id: before.id,
    name: 'Nordwind Logistik GmbH',
    invoices: { nodes: [{ number: 'INV-4711', balance: { minorUnits: 119050, currency: 'EUR' } }] },
  })

  const after = await it.customer('netsuite', '1001', fields)
  assert.equal(after.name, before.name)
  assert.deepEqual(after.billingAddress, { street: 'Speicherweg 7', city: 'Hamburg' })
  assert.deepEqual(
    after.provenance.map((p: Item) => [p.field, p.rule, p.sourceRecords.nodes[0].system]),
    [
      ['name', 'SYSTEM_OF_RECORD', 'netsuite'],
      ['billingAddress', 'SYSTEM_OF_RECORD', 'stripe'],
    ],
  )
  assert.equal(await it.stop(), 0)
})
