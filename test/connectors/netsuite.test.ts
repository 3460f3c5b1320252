import assert from 'node:assert/strict'
import { test } from 'node:test'
import { recordKey } from '../../schema/recordKey.ts'
import { codeOf, connector, readOne } from './fixture.ts'

const netsuite = connector('netsuite')

const event = (
  recordType: string,
  record: Record<string, unknown> | null,
  more: Record<string, unknown> = {},
) => ({
  type: record === null ? 'delete' : 'edit',
  recordType,
  id: '7',
  lastModified: '2026-03-01T09:30:00Z',
  record,
  ...more,
})

test('maps a customer with its address book, references and flags', () => {
  const address = (city: string) => ({
    addr1: 'Hauptstr. 1',
    addr2: null,
    city,
    zip: '10115',
    country: { id: 'DE', refName: 'Germany' },
  })
  const { change, canonical } = readOne(
    netsuite,
    'event',
    event('customer', {
      id: '7',
      companyName: 'Muster AG',
      isPerson: false,
      entityStatus: { id: '16', refName: 'CUSTOMER-Lost Customer' },
      phone: '030 123456',
      currency: { id: '1', refName: 'EUR' },
      terms: { id: '2', refName: 'Net 30' },
      parent: { id: '3', refName: 'Group' },
      subsidiary: { id: '1', refName: 'Our GmbH' },
      addressBook: {
        items: [
          { defaultBilling: false, defaultShipping: true, addressBookAddress: address('Bonn') },
          { defaultBilling: true, defaultShipping: false, addressBookAddress: address('Berlin') },
        ],
      },
    }),
  )
  assert.deepEqual(
    [change.object, change.sourceId, change.version],
    ['customer', '7', 1_772_357_400_000_000n],
  )
  assert.deepEqual(canonical.fields, {
    kind: 'ORGANISATION',
    lifecycle: 'FORMER',
    name: 'Muster AG',
    phones: ['+4930123456'],
    billingAddress: { street: 'Hauptstr. 1', city: 'Berlin', postcode: '10115', country: 'DE' },
    shippingAddress: { street: 'Hauptstr. 1', city: 'Bonn', postcode: '10115', country: 'DE' },
    parent: recordKey('netsuite', 'customer', '3'),
    currency: 'EUR',
    paymentTerms: 'Net 30',
    legalEntities: ['Our GmbH'],
  })
})

test('takes the addresses that a connection adds', () => {
  const row = (defaultbilling: string, defaultshipping: string, city: string) => ({
    ...{ entity: '7', defaultbilling, defaultshipping, addr1: 'Hauptstr. 1', city, country: 'DE' },
  })
  const { fields } = readOne(
    netsuite,
    'row',
    {
      id: '7',
      companyname: 'Muster AG',
      currencyname: 'EUR',
      termsname: 'Net 30',
      entitystatusname: 'CUSTOMER-Closed Won',
      addresses: [row('F', 'T', 'Bonn'), row('T', 'F', 'Berlin')],
    },
    'customer',
  ).canonical
  assert.deepEqual(fields, {
    kind: 'ORGANISATION',
    lifecycle: 'CUSTOMER',
    name: 'Muster AG',
    billingAddress: { street: 'Hauptstr. 1', city: 'Berlin', country: 'DE' },
    shippingAddress: { street: 'Hauptstr. 1', city: 'Bonn', country: 'DE' },
    currency: 'EUR',
    paymentTerms: 'Net 30',
  })
})

test('finds a name in altName, after the number in entityId, or in first and last name', () => {
  const name = (record: Record<string, unknown>) =>
    readOne(netsuite, 'row', { id: 1, ...record }, 'customer').canonical.fields.name
  assert.equal(name({ companyName: null, altName: 'Muster AG', entityId: 'CUST1' }), 'Muster AG')
  assert.equal(name({ companyName: null, entityId: 'CUST100012 Muster AG' }), 'Muster AG')
  assert.equal(name({ companyName: null, entityId: '4711 Muster AG' }), 'Muster AG')
  assert.equal(
    name({ isPerson: 'T', firstName: 'Ada', lastName: 'Lovelace', altName: 'x' }),
    'Ada Lovelace',
  )
  assert.equal(name({ companyName: null, entityId: 'Muster AG' }), 'Muster AG')
  for (const entityId of ['CUST100012', 'CUST-100012', '4711'])
    assert.equal(name({ entityId }), undefined, 'a number is no name')
  assert.equal(name({ entityId: '4711', email: 'a@b.example' }), '@b.example')
  assert.equal(name({ entityId: '4711', email: 'a@gmail.com' }), undefined)
})

test('reads every kind of item as one object, so that lines refer to it', () => {
  for (const kind of ['inventoryItem', 'serviceSaleItem', 'inventoryitem', 'item'])
    assert.equal(netsuite.objectName(kind), 'item', kind)
  const item = readOne(
    netsuite,
    'event',
    event('inventoryItem', {
      id: '7',
      itemId: 'SN-1',
      displayName: 'Sensor',
      basePrice: 12.5,
      isInactive: true,
    }),
  )
  assert.deepEqual(item.canonical.fields, {
    name: 'Sensor',
    sku: 'SN-1',
    status: 'INACTIVE',
    listPrice: { minorUnits: 1250, currency: 'EUR' },
  })
  const order = readOne(
    netsuite,
    'event',
    event('salesOrder', {
      id: '9',
      tranId: 'SO9',
      currency: { refName: 'JPY' },
      item: { items: [{ item: { id: '7' }, quantity: 2, rate: 100 }] },
    }),
  )
  assert.deepEqual(order.canonical.fields.lines, [
    {
      product: recordKey('netsuite', 'item', '7'),
      quantity: 2,
      unitPrice: { minorUnits: 100, currency: 'JPY' },
    },
  ])
})

test('maps a posting as debit minus credit; only a posting of an invoice refers to one', () => {
  const line = (transactionType: string) =>
    readOne(
      netsuite,
      'event',
      event('transactionAccountingLine', {
        id: '5-1-1',
        transaction: { id: '5' },
        transactionType,
        account: { refName: '1100 Receivables' },
        entity: { id: '7' },
        currency: { refName: 'EUR' },
        tranDate: '2026-03-01',
        amount: -12.34,
      }),
    ).canonical.fields
  assert.equal(line('CustInvc').amount, -1234)
  assert.equal(line('CustInvc').invoice, recordKey('netsuite', 'invoice', '5'))
  assert.equal(line('CustPymt').invoice, undefined)
  const row = { transaction: '5', transactionline: '1', accountingbook: '1', amount: '3' }
  assert.equal(
    readOne(netsuite, 'row', row, 'tran_acct_line').change.sourceId,
    '5-1-1',
    'the same id from a warehouse',
  )
})

test('maps estimates, credit memos and refunds; a sales order is a contract and an order', () => {
  const key = (object: string, id: string) => recordKey('netsuite', object, id)
  const common = {
    ...{ id: '7', tranDate: '2026-02-01', currency: { id: '1', refName: 'EUR' }, total: 1190 },
    entity: { id: '3', refName: '3 Muster AG' },
  }
  const own = { customer: key('customer', '3'), currency: 'EUR' }
  const mapped = (recordType: string, record: Record<string, unknown>) =>
    netsuite
      .read('event', JSON.stringify(event(recordType, { ...common, ...record })), null)
      .map((change) => {
        const { type, fields, issues } = netsuite.map(change.object, change.raw)
        assert.deepEqual(issues, [])
        return [change.object, change.sourceId, type, fields]
      })
  const estimate = {
    ...{
      tranId: 'EST1',
      title: 'Renewal',
      opportunity: { id: '9', refName: 'Opportunity #9' },
      dueDate: '2026-03-01',
      status: { id: 'A', refName: 'Open' },
    },
  }
  assert.deepEqual(mapped('estimate', estimate), [
    [
      ...['estimate', '7', 'Quote'],
      {
        ...{
          ...own,
          opportunity: key('opportunity', '9'),
          number: 'EST1',
          name: 'Renewal',
          status: 'Open',
          issueDate: '2026-02-01',
        },
        ...{ validUntil: '2026-03-01', total: 119000 },
      },
    ],
  ])
  const ordered = mapped('salesOrder', {
    ...{ tranId: 'SO9', createdFrom: { id: '5', refName: 'Estimate #EST1' } },
    status: { id: 'B', refName: 'Pending Fulfillment' },
  })
  assert.deepEqual(ordered[0]?.slice(0, 3), ['salesOrder', '7', 'Contract'])
  assert.deepEqual(ordered[1], [
    ...['order', '7', 'SalesOrder'],
    {
      ...{ ...own, quote: key('estimate', '5'), contract: key('salesOrder', '7'), number: 'SO9' },
      ...{ status: 'Pending Fulfillment', orderDate: '2026-02-01', total: 119000 },
    },
  ])
  const applied = (id: string) => ({
    items: [
      { apply: false, doc: { id: '1' } },
      { apply: true, doc: { id } },
    ],
  })
  const memo = {
    ...{ tranId: 'CM1', memo: 'Returned', unapplied: 200.5, apply: applied('11') },
    status: { id: 'A', refName: 'Open' },
  }
  assert.deepEqual(mapped('creditMemo', memo), [
    [
      ...['creditMemo', '7', 'CreditNote'],
      {
        ...{ ...own, invoice: key('invoice', '11'), number: 'CM1', status: 'Open', total: 119000 },
        ...{ issueDate: '2026-02-01', balance: 20050, reason: 'Returned' },
      },
    ],
  ])
  const refund = {
    ...{ entity: undefined, customer: { id: '3' }, apply: applied('7') },
    ...{ paymentMethod: { id: '2', refName: 'Check' }, status: { refName: 'Fully Applied' } },
  }
  assert.deepEqual(mapped('customerRefund', refund), [
    [
      ...['customerRefund', '7', 'Refund'],
      {
        ...{ ...own, creditNote: key('creditMemo', '7'), status: 'Fully Applied', amount: 119000 },
        ...{ refundedOn: '2026-02-01', method: 'Check' },
      },
    ],
  ])
})

test('reads a delete without fields', () => {
  const { change } = readOne(netsuite, 'event', event('customer', null))
  assert.deepEqual([change.deleted, change.partial, change.raw], [true, true, {}])
})

test('rejects events without a record, of an unknown type or with an invalid time, each with its code', () => {
  const code = (e: unknown) => codeOf(() => netsuite.read('event', JSON.stringify(e), null))
  assert.equal(code(event('customer', null, { type: 'edit' })), 'NO_DATA')
  assert.equal(code(event('customer', {}, { type: 'copy' })), 'UNKNOWN_CHANGE')
  assert.equal(code(event('customer', {}, { lastModified: '2026-99-01' })), 'INVALID_VERSION')
  assert.equal(code(event('custmer', {})), 'UNKNOWN_OBJECT')
})
