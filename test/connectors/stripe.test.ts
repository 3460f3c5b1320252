import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exponentOf } from '../../schema/currencyExponents.ts'
import { recordKey } from '../../schema/recordKey.ts'
import { codeOf, connector, readOne } from './fixture.ts'

const stripe = connector('stripe')

const event = (
  type: string,
  object: Record<string, unknown>,
  more: Record<string, unknown> = {},
) => ({
  id: 'evt_1',
  object: 'event',
  created: 1772357400,
  type,
  data: { object },
  ...more,
})

test('reads customer.updated as the whole object, with the time of the event as version and its id as key', () => {
  const customer = {
    id: 'cus_1',
    object: 'customer',
    name: 'Muster AG',
    email: 'Rechnung@Muster.de',
    phone: '030 123456',
    address: {
      line1: 'Hauptstr. 1',
      line2: 'Hof',
      city: 'Berlin',
      postal_code: '10115',
      country: 'DE',
      state: null,
    },
    currency: 'eur',
    tax_ids: { object: 'list', data: [{ id: 'txi_1', value: 'DE123456789' }] },
    created: 1,
  }
  const { change, canonical } = readOne(stripe, 'event', event('customer.updated', customer))
  assert.equal(change.version, 1_772_357_400_000_000n)
  assert.deepEqual(
    [change.object, change.sourceId, change.deleted, change.partial],
    ['customer', 'cus_1', false, false],
  )
  assert.deepEqual(canonical.fields, {
    lifecycle: 'CUSTOMER',
    name: 'Muster AG',
    taxIds: ['DE123456789'],
    emails: ['rechnung@muster.de'],
    phones: ['+4930123456'],
    billingAddress: {
      street: 'Hauptstr. 1, Hof',
      city: 'Berlin',
      postcode: '10115',
      country: 'DE',
    },
    currency: 'EUR',
  })
  const [message] = stripe.split(
    JSON.stringify(event('customer.updated', customer)),
    null,
    'ignored',
  )
  assert.deepEqual(
    [message?.messageId, message?.object, message?.format],
    ['evt_1', 'customer', 'event'],
  )
})

test('events of one second have one version, with former values and a stage that order them: created, changed, final, deleted', () => {
  const read = (type: string, previous?: Record<string, unknown>) => {
    const data = { object: { id: 'in_1', object: 'invoice' }, previous_attributes: previous }
    return readOne(stripe, 'event', event(type, {}, { data })).change
  }
  const types = ['invoice.created', 'invoice.finalized', 'invoice.paid', 'invoice.deleted']
  assert.deepEqual(
    types.map((type) => [read(type).version, read(type).order]),
    [0, 1, 2, 3].map((stage) => [1_772_357_400_000_000n, { by: 'CONTENT', before: null, stage }]),
  )
  assert.deepEqual(read('invoice.updated', { status: 'draft' }).order, {
    by: 'CONTENT',
    before: { status: 'draft' },
    stage: 1,
  })
})

test('gives an object of the API no version, and a row of a warehouse that of its synchronisation', () => {
  const row = { id: 'cus_1', object: 'customer', name: 'A', created: 1772357400 }
  assert.equal(readOne(stripe, 'row', row).change.version, null)
  const synced = { ...row, _fivetran_synced: '2026-03-01 09:30:00' }
  assert.equal(readOne(stripe, 'row', synced).change.version, 1_772_357_400_000_000n)
})

test('reads deleted objects as tombstones, but not an ended subscription', () => {
  assert.equal(
    readOne(stripe, 'event', event('customer.deleted', { id: 'cus_1', object: 'customer' })).change
      .deleted,
    true,
  )
  const ended = readOne(
    stripe,
    'event',
    event('customer.subscription.deleted', {
      id: 'sub_1',
      object: 'subscription',
      status: 'canceled',
    }),
  )
  assert.equal(ended.change.deleted, false)
  assert.equal(ended.canonical.fields.status, 'canceled')
  const left = readOne(stripe, 'row', { id: 'cus_1', object: 'customer', deleted: true }).change
  assert.deepEqual([left.deleted, left.partial, left.raw], [true, true, {}])
})

test('reads a subscription with a contract number as that contract too', () => {
  const subscription = {
    id: 'sub_1',
    object: 'subscription',
    customer: 'cus_1',
    currency: 'eur',
    status: 'active',
    start_date: 1772357400,
    items: {
      data: [
        {
          quantity: 3,
          price: {
            unit_amount: 1000,
            currency: 'eur',
            product: 'prod_1',
            recurring: { interval: 'month', interval_count: 3 },
          },
        },
        {
          quantity: 1,
          price: {
            unit_amount: 500,
            currency: 'eur',
            product: 'prod_2',
            recurring: { interval: 'month', interval_count: 3 },
          },
        },
      ],
    },
    metadata: { contract_number: 'C-1', term_months: '24' },
  }
  const changes = stripe.read(
    'event',
    JSON.stringify(event('customer.subscription.created', subscription)),
    null,
  )
  assert.deepEqual(
    changes.map((c) => [c.object, c.sourceId]),
    [
      ['subscription', 'sub_1'],
      ['contract', 'sub_1'],
    ],
  )
  const [operational, contract] = changes.map((c) => stripe.map(c.object, c.raw))
  assert.equal(operational?.fields.amount, 3500, 'the sum over its items, each times its quantity')
  assert.equal(operational?.fields.intervalCount, 3)
  assert.equal(operational?.fields.contract, recordKey('stripe', 'contract', 'sub_1'))
  assert.deepEqual(contract?.fields, {
    number: 'C-1',
    customer: recordKey('stripe', 'customer', 'cus_1'),
    lines: [
      {
        product: recordKey('stripe', 'product', 'prod_1'),
        quantity: 3,
        unitPrice: { minorUnits: 1000, currency: 'EUR' },
      },
      {
        product: recordKey('stripe', 'product', 'prod_2'),
        quantity: 1,
        unitPrice: { minorUnits: 500, currency: 'EUR' },
      },
    ],
    termMonths: 24,
    startDate: '2026-03-01',
    currency: 'EUR',
    status: 'ACTIVE',
  })
  const without = stripe.read(
    'event',
    JSON.stringify(event('customer.subscription.updated', { ...subscription, metadata: {} })),
    null,
  )
  assert.deepEqual(
    without.map((c) => c.object),
    ['subscription'],
  )
})

test('converts amounts from the decimals of Stripe to those of ISO 4217', () => {
  const total = (currency: string, total: number) =>
    readOne(stripe, 'row', { id: 'in_1', object: 'invoice', currency, total }).canonical
  // Stripe's documentation lists zero-decimal and three-decimal currencies, and special cases.
  const documented: [codes: string, unit: number][] = [
    ['bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf', 1],
    ['bhd jod kwd omr tnd', 1_000],
    ['isk huf twd ugx eur usd', 100],
  ]
  for (const [codes, unit] of documented)
    for (const currency of codes.split(' '))
      assert.equal(
        total(currency, 50 * unit).fields.total,
        50 * 10 ** exponentOf(currency.toUpperCase()),
        currency,
      )
  assert.deepEqual(
    total('ugx', 50_050).issues.map((i) => i.code),
    ['ROUNDED'],
  )
})

test('maps the received amount of a payment that succeeded, else the requested one', () => {
  const pay = (status: string) =>
    readOne(
      stripe,
      'event',
      event(`payment_intent.${status}`, {
        id: 'pi_1',
        object: 'payment_intent',
        status,
        amount: 900,
        amount_received: 0,
        currency: 'eur',
        created: 1772357400,
        payment_details: { order_reference: 'in_1' },
      }),
    ).canonical.fields
  assert.deepEqual(pay('succeeded'), {
    invoice: recordKey('stripe', 'invoice', 'in_1'),
    status: 'succeeded',
    paidOn: '2026-03-01',
    amount: 0,
    currency: 'EUR',
  })
  assert.deepEqual(pay('requires_payment_method'), {
    invoice: recordKey('stripe', 'invoice', 'in_1'),
    status: 'requires_payment_method',
    amount: 900,
    currency: 'EUR',
  })
})

test('maps prices, quotes, credit notes and refunds; a price may be finer than a cent', () => {
  const key = (object: string, id: string) => recordKey('stripe', object, id)
  const mapped = (object: Record<string, unknown>) => {
    const { canonical } = readOne(stripe, 'event', event(`${object.object}.created`, object))
    assert.deepEqual(canonical.issues, [])
    return [canonical.type, canonical.fields]
  }
  const price = {
    ...{
      id: 'price_1',
      object: 'price',
      active: true,
      billing_scheme: 'per_unit',
      created: 1769904000,
    },
    ...{ currency: 'usd', livemode: false, lookup_key: 'calls', nickname: null, product: 'prod_1' },
    ...{ tax_behavior: 'exclusive', tiers_mode: null, transform_quantity: null, type: 'recurring' },
    recurring: { interval: 'month', interval_count: 3, meter: 'mtr_1', usage_type: 'metered' },
    ...{ unit_amount: null, unit_amount_decimal: '0.05' },
  }
  const own = { product: key('product', 'prod_1'), name: 'calls', currency: 'USD', active: true }
  const quarter = { interval: 'month', intervalCount: 3 }
  assert.deepEqual(mapped(price), [
    'Price',
    { ...own, model: 'per_unit', amount: 0.05, ...quarter },
  ])
  const pack = { transform_quantity: { divide_by: 1000, round: 'up' }, unit_amount_decimal: '250' }
  assert.deepEqual(mapped({ ...price, ...pack, nickname: 'Pack' }), [
    'Price',
    { ...own, name: 'Pack', model: 'per_unit', amount: 250, unit: '1000', ...quarter },
  ])
  const tiers = { billing_scheme: 'tiered', tiers_mode: 'graduated', unit_amount_decimal: null }
  assert.deepEqual(mapped({ ...price, ...tiers, recurring: null }), [
    'Price',
    { ...own, model: 'graduated' },
  ])
  const row = {
    id: 'price_2',
    product_id: 'prod_1',
    unit_amount: 900,
    currency: 'jpy',
    is_active: 'true',
  }
  assert.deepEqual(readOne(stripe, 'row', row, 'prices').canonical.fields, {
    ...{ product: key('product', 'prod_1'), amount: 900, currency: 'JPY', active: true },
  })
  const customer = key('customer', 'cus_1')
  const quote = {
    ...{
      id: 'qt_1',
      object: 'quote',
      amount_subtotal: 10000,
      amount_total: 11900,
      currency: 'eur',
    },
    ...{ customer: 'cus_1', created: 1769817600, description: null, expires_at: 1772323200 },
    ...{ header: 'Renewal', invoice: null, number: 'QT-1-1', status: 'open', subscription: null },
    status_transitions: { accepted_at: null, canceled_at: null, finalized_at: 1769904000 },
  }
  assert.deepEqual(mapped(quote), [
    'Quote',
    {
      ...{ customer, number: 'QT-1-1', name: 'Renewal', status: 'open', total: 11900 },
      ...{ currency: 'EUR', issueDate: '2026-02-01', validUntil: '2026-03-01' },
    },
  ])
  const note = {
    ...{ id: 'cn_1', object: 'credit_note', amount: 1190, created: 1769904000, currency: 'eur' },
    ...{
      customer: 'cus_1',
      discount_amount: 0,
      effective_at: 1769990400,
      invoice: 'in_1',
      memo: null,
    },
    ...{
      number: 'R-1-CN-01',
      reason: 'order_change',
      status: 'issued',
      subtotal: 1000,
      total: 1190,
    },
    ...{
      refunds: [],
      total_taxes: [{ amount: 190, tax_behavior: 'exclusive' }],
      type: 'pre_payment',
    },
  }
  assert.deepEqual(mapped(note), [
    'CreditNote',
    {
      ...{ customer, invoice: key('invoice', 'in_1'), number: 'R-1-CN-01', status: 'issued' },
      ...{ issueDate: '2026-02-02', total: 1190, currency: 'EUR', reason: 'order_change' },
    },
  ])
  const refund = {
    ...{ id: 're_1', object: 'refund', amount: 1190, balance_transaction: 'txn_1', charge: 'ch_1' },
    ...{ created: 1769904000, currency: 'eur', destination_details: { type: 'card' } },
    ...{ payment_intent: 'pi_1', reason: 'requested_by_customer', receipt_number: null },
    status: 'succeeded',
  }
  const back = {
    ...{
      payment: key('payment_intent', 'pi_1'),
      status: 'succeeded',
      amount: 1190,
      currency: 'EUR',
    },
    ...{ refundedOn: '2026-02-01', method: 'card', reason: 'requested_by_customer' },
  }
  assert.deepEqual(mapped(refund), ['Refund', back])
  const expanded = { payment_intent: { id: 'pi_1', object: 'payment_intent', customer: 'cus_1' } }
  assert.deepEqual(mapped({ ...refund, ...expanded }), ['Refund', { customer, ...back }])
})

test('rejects events without data, object, time or with an unknown object, each with its code', () => {
  const code = (e: unknown) => codeOf(() => stripe.read('event', JSON.stringify(e), null))
  assert.equal(
    code({
      id: 'evt_2',
      object: 'v2.core.event',
      type: 'v1.customer.created',
      created: '2026-03-01T00:00:00Z',
    }),
    'NO_DATA',
  )
  assert.equal(code(event('x.y', { id: 'a' })), 'NO_OBJECT')
  assert.equal(code(event('x.y', { id: 'a', object: 'customre' })), 'UNKNOWN_OBJECT')
  assert.equal(code(event('customer.updated', { object: 'customer' })), 'MISSING_ID')
  assert.equal(
    code(event('customer.updated', { id: 'cus_1', object: 'customer' }, { created: 'now' })),
    'INVALID_VERSION',
  )
})
