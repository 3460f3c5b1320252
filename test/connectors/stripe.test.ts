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
