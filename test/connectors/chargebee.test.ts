import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { recordKey } from '../../schema/recordKey.ts'
import { codeOf, deliver, ofKind, readOne } from './fixture.ts'

const chargebee = ofKind('chargebee')
const key = (object: string, id: string) => recordKey('chargebee', object, id)
const now = Date.UTC(2026, 10, 30, 6)
const basic = {
  authorization: `Basic ${Buffer.from('touchstone:first-secret').toString('base64')}`,
}

const customer = {
  id: 'acme-7',
  first_name: 'Ada',
  last_name: 'Reyes',
  email: 'billing@blue-fen.example',
  phone: '030 1234567',
  company: 'Blue Fen GmbH',
  vat_number: '123456788',
  vat_number_prefix: 'XI',
  auto_collection: 'on',
  net_term_days: 30,
  created_at: 1_764_000_000,
  updated_at: 1_764_460_800,
  resource_version: 1_764_460_800_123,
  deleted: false,
  billing_address: {
    line1: 'Hafenweg 3',
    line2: 'Tor B',
    city: 'Berlin',
    state_code: 'BE',
    zip: '10115',
    country: 'DE',
    object: 'billing_address',
  },
  preferred_currency_code: 'EUR',
  relationship: { parent_id: 'acme', payment_owner_id: 'acme', invoice_owner_id: 'acme-7' },
  object: 'customer',
}

const subscription = {
  id: 'sub-1',
  customer_id: 'acme-7',
  currency_code: 'EUR',
  billing_period: 1,
  billing_period_unit: 'month',
  status: 'active',
  started_at: 1_764_460_800,
  current_term_end: 1_767_052_800,
  resource_version: 1_764_460_801_000,
  deleted: false,
  subscription_items: [
    {
      item_price_id: 'team-EUR-monthly',
      item_type: 'plan',
      quantity: 5,
      unit_price: 1200,
      amount: 6000,
      billing_period: 1,
      billing_period_unit: 'month',
    },
    {
      item_price_id: 'setup-EUR',
      item_type: 'charge',
      quantity: 1,
      unit_price: 9900,
      amount: 9900,
    },
    { item_price_id: 'sso-EUR-monthly', item_type: 'addon', quantity: 1, amount: 500 },
  ],
  contract_term: {
    id: 'ct_1',
    status: 'active',
    contract_start: 1_764_460_800,
    contract_end: 1_795_996_800,
    action_at_term_end: 'renew',
    total_contract_value: 78_000,
  },
  object: 'subscription',
}

describe('Chargebee', () => {
  test('maps a customer; the version is in milliseconds where the resource has one', () => {
    const { change, canonical } = readOne(chargebee, 'row', customer, 'customer')
    assert.deepEqual(
      [change.sourceId, change.version, change.deleted],
      ['acme-7', 1_764_460_800_123_000n, false],
    )
    assert.deepEqual(canonical, {
      type: 'Customer',
      complete: true,
      issues: [],
      fields: {
        kind: 'ORGANISATION',
        lifecycle: 'CUSTOMER',
        name: 'Blue Fen GmbH',
        taxIds: ['XI123456788'],
        emails: ['billing@blue-fen.example'],
        phones: ['+49301234567'],
        billingAddress: {
          street: 'Hafenweg 3, Tor B',
          city: 'Berlin',
          region: 'BE',
          postcode: '10115',
          country: 'DE',
        },
        parent: key('customer', 'acme'),
        currency: 'EUR',
        paymentTerms: 'Net 30',
      },
    })
    const { resource_version: _, ...older } = customer
    assert.equal(
      readOne(chargebee, 'row', older, 'customer').change.version,
      1_764_460_800_000_000n,
    )
    const { updated_at: __, ...oldest } = older
    assert.equal(readOne(chargebee, 'row', oldest, 'customer').change.version, null)
  })

  test('a customer without a name is shown by the domain of its address, and without one by its id', () => {
    const name = (more: object) =>
      readOne(chargebee, 'row', { id: 'c9', deleted: false, ...more }, 'customer').canonical.fields
        .name
    assert.equal(name({ email: 'x@muster.example' }), '@muster.example')
    assert.equal(name({ email: 'x@gmail.com' }), 'c9')
  })

  test('maps a contact with the customer under which it is listed', () => {
    const contact = {
      id: 'contact_1',
      first_name: 'Ben',
      last_name: 'Ode',
      email: 'ben@blue-fen.example',
      label: 'Head of Finance',
      enabled: true,
      customer_id: 'acme-7',
    }
    const { change, canonical } = readOne(chargebee, 'row', contact, 'contact')
    assert.equal(change.version, null)
    assert.deepEqual(canonical.fields, {
      name: 'Ben Ode',
      givenName: 'Ben',
      surname: 'Ode',
      jobTitle: 'Head of Finance',
      emails: ['ben@blue-fen.example'],
      customer: key('customer', 'acme-7'),
    })
  })

  test('a subscription counts its plans and addons, not its charges; its term is a contract', () => {
    const [plain, contract] = chargebee
      .read('row', JSON.stringify(subscription), 'subscription')
      .map((c) => ({ ...c, canonical: chargebee.map(c.object, c.raw) }))
    assert.equal(plain?.canonical.fields.amount, 6500)
    assert.deepEqual(plain?.canonical.fields.contract, key('contract', 'sub-1'))
    assert.deepEqual(plain?.canonical.issues, [])
    const { annualMinor } = (plain?.canonical.fields.items ?? {}) as { annualMinor?: number }
    assert.equal(annualMinor, 12 * 6500)
    assert.deepEqual(contract?.canonical, {
      type: 'Contract',
      complete: true,
      issues: [],
      fields: {
        number: 'sub-1',
        customer: key('customer', 'acme-7'),
        lines: [{ quantity: 5, unitPrice: { minorUnits: 1200, currency: 'EUR' } }, { quantity: 1 }],
        startDate: '2025-11-30',
        endDate: '2026-11-30',
        value: { minorUnits: 78_000, currency: 'EUR' },
        currency: 'EUR',
        status: 'ACTIVE',
        renewal: 'AUTOMATIC',
      },
    })
  })

  test('a coupon names no amount, so the sum is left out; a discount is subtracted', () => {
    const map = (more: object) =>
      readOne(chargebee, 'row', { ...subscription, ...more }, 'subscription').canonical
    const coupon = map({ coupons: [{ coupon_id: 'SPRING', applied_count: 1 }] })
    assert.equal(coupon.fields.amount, undefined)
    assert.deepEqual(
      coupon.issues.map((i) => i.code),
      ['UNKNOWN_DISCOUNT'],
    )
    const discount = {
      id: 'd1',
      type: 'percentage',
      percentage: 10,
      duration_type: 'forever',
      apply_on: 'invoice_amount',
    }
    assert.equal(map({ discounts: [discount] }).fields.amount, 5850)
    const once = { ...discount, duration_type: 'one_time' }
    assert.equal(map({ discounts: [once] }).fields.amount, 6500)
  })

  test('a zero-decimal currency has whole units', () => {
    const invoice = {
      id: 'INV-9',
      customer_id: 'acme-7',
      subscription_id: 'sub-1',
      status: 'payment_due',
      date: 1_764_460_800,
      due_date: 1_767_052_800,
      total: 12_000,
      amount_due: 2_000,
      currency_code: 'JPY',
      updated_at: 1_764_460_900,
      deleted: false,
    }
    assert.deepEqual(readOne(chargebee, 'row', invoice, 'invoice').canonical.fields, {
      customer: key('customer', 'acme-7'),
      subscription: key('subscription', 'sub-1'),
      number: 'INV-9',
      status: 'payment_due',
      issueDate: '2025-11-30',
      dueDate: '2025-12-30',
      total: 12_000,
      balance: 2_000,
      currency: 'JPY',
    })
  })

  test('of the transactions payments are payments and refunds refunds', () => {
    const transaction = {
      id: 'txn_1',
      customer_id: 'acme-7',
      type: 'payment',
      status: 'success',
      date: 1_764_460_800,
      amount: 6500,
      currency_code: 'EUR',
      payment_method: 'card',
      linked_invoices: [{ invoice_id: 'INV-9', applied_amount: 6500 }],
    }
    const objects = (type: string) =>
      chargebee
        .read('row', JSON.stringify({ ...transaction, type }), 'transaction')
        .map((c) => c.object)
    assert.deepEqual(objects('payment'), ['transaction', 'payment'])
    assert.deepEqual(objects('refund'), ['transaction', 'refund'])
    assert.deepEqual(objects('authorization'), ['transaction'])
    assert.deepEqual(objects('payment_reversal'), ['transaction'])
    assert.deepEqual(chargebee.map('payment', transaction).fields, {
      customer: key('customer', 'acme-7'),
      invoice: key('invoice', 'INV-9'),
      status: 'success',
      paidOn: '2025-11-30',
      amount: 6500,
      currency: 'EUR',
      method: 'card',
    })
  })

  test('an event states the resource that names it; a deletion is a tombstone', () => {
    const event = (event_type: string, content: object) => ({
      id: `ev_${event_type}`,
      occurred_at: 1_764_460_802,
      source: 'api',
      object: 'event',
      api_version: 'v2',
      event_type,
      content,
    })
    const changes = (event_type: string, content: object) =>
      deliver(chargebee, event(event_type, content), basic, now)[0]?.changes.map((c) => [
        c.object,
        c.sourceId,
        c.deleted,
        c.partial,
        c.version,
      ])
    assert.deepEqual(changes('subscription_changed', { subscription, customer }), [
      ['subscription', 'sub-1', false, false, 1_764_460_801_000_000n],
      ['contract', 'sub-1', false, false, 1_764_460_801_000_000n],
    ])
    assert.deepEqual(changes('customer_deleted', { customer }), [
      ['customer', 'acme-7', true, true, 1_764_460_800_123_000n],
    ])
    assert.deepEqual(changes('card_added', { customer, card: { customer_id: 'acme-7' } }), [])
    assert.deepEqual(changes('item_price_entitlements_updated', { feature: {} }), [])
    assert.equal(
      deliver(chargebee, event('customer_changed', { customer }), basic, now)[0]?.id,
      'ev_customer_changed',
    )
    const wrong = chargebee.verify(
      { authorization: `Basic ${Buffer.from('touchstone:other').toString('base64')}` },
      Buffer.from('{}'),
      now,
    )
    assert.equal(wrong.ok ? '' : wrong.code, 'WRONG_SIGNATURE')
    assert.equal(
      codeOf(() => deliver(chargebee, event('customer_changed', {}), basic, now)),
      'NO_DATA',
    )
  })
})
