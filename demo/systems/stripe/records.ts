import type { Random } from '../../random.ts'
import { dayMs, type ObjectRules, type Store } from '../kit/store.ts'
import { article, company } from '../kit/world.ts'

type Fields = Record<string, unknown>

/** Stripe counts time in seconds since 1970. */
export const seconds = (ms: number) => Math.floor(ms / 1000)

/** Lines that an invoice shows itself; the others are read from `/v1/invoices/{id}/lines`. */
export const linesShownMax = 10

export function stripeRules(random: Random): ObjectRules[] {
  const id = (prefix: string) => () => `${prefix}_${random.token(prefix === 'cus' ? 14 : 24)}`
  const written =
    (object: string, defaults: Fields) =>
    (
      fields: Fields,
      { id, now, before }: { id: string; now: number; before: Fields | undefined },
    ) => ({
      id,
      object,
      created: seconds(now),
      livemode: false,
      metadata: {},
      ...defaults,
      ...before,
      ...fields,
    })
  const tombstone = ({ id, object }: Fields): Fields => ({ id, object, deleted: true })
  const productUpdated = written('product', {
    ...{ active: true, default_price: null, description: null, images: [], shippable: null },
    ...{ tax_code: null, type: 'service', unit_label: null, url: null },
  })

  return [
    {
      name: 'product',
      idField: 'id',
      fields: ['name', 'description', 'active', 'unit_label', 'metadata', 'tax_code'],
      weight: 2,
      newId: id('prod'),
      write: (fields, at) => ({ ...productUpdated(fields, at), updated: seconds(at.now) }),
      draw(draw) {
        const { name, description, sku } = article(draw)
        return { name, description, metadata: draw.chance(0.7) ? { sku } : {} }
      },
      redraw: (draw) => draw.pick([{ active: false }, { description: article(draw).description }]),
      erase: tombstone,
    },
    {
      name: 'price',
      idField: 'id',
      fields: [
        ...['product', 'currency', 'unit_amount', 'recurring', 'type', 'active', 'nickname'],
        ...['lookup_key', 'metadata', 'unit_amount_decimal'],
      ],
      weight: 2,
      newId: id('price'),
      write: written('price', {
        ...{ active: true, billing_scheme: 'per_unit', custom_unit_amount: null },
        ...{ lookup_key: null, nickname: null, recurring: null, tax_behavior: 'unspecified' },
        ...{ tiers_mode: null, transform_quantity: null, type: 'one_time' },
      }),
      draw(draw, store) {
        const product = store.pick(draw, 'product')
        if (product === undefined) return undefined
        const { priceMinor, period } = article(draw)
        return {
          product,
          currency: draw.pick(['eur', 'usd', 'gbp', 'jpy', 'chf']),
          unit_amount: priceMinor,
          unit_amount_decimal: `${priceMinor}`,
          ...(period
            ? {
                type: 'recurring',
                recurring: {
                  interval: period,
                  interval_count: 1,
                  meter: null,
                  trial_period_days: null,
                  usage_type: 'licensed',
                },
              }
            : {}),
        }
      },
      redraw: (draw) => draw.pick([{ active: false }, { nickname: `List ${draw.between(1, 9)}` }]),
    },
    {
      name: 'customer',
      idField: 'id',
      fields: [
        ...['name', 'email', 'phone', 'description', 'address', 'shipping', 'tax_exempt'],
        ...['metadata', 'tax_ids', 'preferred_locales', 'balance'],
      ],
      weight: 8,
      newId: id('cus'),
      write: written('customer', {
        ...{ address: null, balance: 0, currency: null, default_source: null, delinquent: false },
        ...{ description: null, discount: null, email: null, invoice_prefix: 'A1B2C3D4' },
        ...{ name: null, next_invoice_sequence: 1, phone: null, preferred_locales: [] },
        ...{ shipping: null, tax_exempt: 'none', test_clock: null },
        tax_ids: { object: 'list', data: [], has_more: false, url: '/v1/customers/tax_ids' },
      }),
      erase: tombstone,
      draw(draw) {
        const { name, address, email, phone, industry, currency } = company(draw)
        return {
          name,
          email,
          ...(draw.chance(0.8) ? { phone } : {}),
          description: industry,
          address: {
            line1: address.street,
            line2: null,
            city: address.city,
            state: address.region || null,
            postal_code: address.postcode,
            country: address.country,
          },
          metadata: draw.chance(0.3) ? { preferred_currency: currency } : {},
          ...(draw.chance(0.5) ? { tax_ids: taxIds(draw) } : {}),
        }
      },
      redraw(draw) {
        const { name, email, phone } = company(draw)
        return draw.pick([{ name }, { email }, { phone }, { tax_ids: taxIds(draw) }])
      },
    },
    {
      name: 'subscription',
      idField: 'id',
      fields: [
        ...['customer', 'currency', 'status', 'items', 'cancel_at', 'cancel_at_period_end'],
        ...['canceled_at', 'ended_at', 'metadata', 'description', 'collection_method'],
        ...['days_until_due', 'start_date'],
      ],
      weight: 6,
      newId: id('sub'),
      write: (fields, at) => ({
        ...written('subscription', {
          ...{ status: 'active', cancel_at: null, cancel_at_period_end: false, canceled_at: null },
          ...{ collection_method: 'charge_automatically', days_until_due: null },
          ...{ default_payment_method: null, description: null, discounts: [], ended_at: null },
          ...{ latest_invoice: null, start_date: seconds(at.now), trial_end: null },
          billing_cycle_anchor: seconds(at.now),
        })(fields, at),
      }),
      draw(draw, store) {
        const customer = store.pick(draw, 'customer')
        const first = store.pick(draw, 'price')
        if (customer === undefined || first === undefined) return undefined
        const start = seconds(store.clock.now())
        const currency = store.table('price').get(first)!.record.currency
        return {
          customer,
          currency,
          status: draw.pick(['active', 'active', 'active', 'past_due', 'trialing', 'canceled']),
          metadata: draw.chance(0.4) ? { contract_number: `C-${draw.between(1000, 9999)}` } : {},
          items: {
            object: 'list',
            data: [first].map((price) => ({
              id: `si_${draw.token(14)}`,
              object: 'subscription_item',
              created: start,
              current_period_start: start,
              current_period_end: start + seconds(365 * dayMs),
              metadata: {},
              price: store.table('price').get(price)!.record,
              quantity: draw.between(1, 50),
            })),
            has_more: false,
            url: '/v1/subscription_items',
          },
        }
      },
      redraw: (draw, record, store) =>
        draw.chance(0.3) && record.status !== 'canceled'
          ? canceled(store.clock.now())
          : { metadata: { contract_number: `C-${draw.between(1000, 9999)}` } },
    },
    {
      name: 'quote',
      idField: 'id',
      fields: [
        ...['customer', 'currency', 'status', 'number', 'header', 'description', 'footer'],
        ...['amount_subtotal', 'amount_total', 'expires_at', 'status_transitions', 'metadata'],
      ],
      weight: 2,
      newId: id('qt'),
      write: (fields, at) =>
        written('quote', {
          ...{
            application: null,
            collection_method: 'charge_automatically',
            default_tax_rates: [],
          },
          ...{ description: null, discounts: [], footer: null, from_quote: null, header: null },
          ...{ invoice: null, number: null, on_behalf_of: null, status: 'draft' },
          ...{ subscription: null, subscription_schedule: null, test_clock: null },
          ...{ expires_at: seconds(at.now + 30 * dayMs), transfer_data: null },
          status_transitions: { accepted_at: null, canceled_at: null, finalized_at: null },
        })(fields, at),
      draw(draw, store) {
        const customer = store.pick(draw, 'customer')
        if (customer === undefined) return undefined
        const total = draw.between(1, 900) * 100
        return {
          customer,
          currency: draw.pick(['eur', 'usd', 'jpy']),
          amount_subtotal: total,
          amount_total: total,
          header: draw.chance(0.5) ? article(draw).name : null,
        }
      },
      redraw(draw, record, store) {
        const now = seconds(store.clock.now())
        const transitions = record.status_transitions as Fields
        if (record.status === 'draft' && draw.chance(0.5))
          return {
            status: 'open',
            number: `QT-A1B2C3D4-${draw.between(1, 9999)}-1`,
            status_transitions: { ...transitions, finalized_at: now },
          }
        if (record.status === 'open')
          return draw.chance(0.6)
            ? { status: 'accepted', status_transitions: { ...transitions, accepted_at: now } }
            : { status: 'canceled', status_transitions: { ...transitions, canceled_at: now } }
        return { metadata: { reviewed: `${draw.between(1, 9)}` } }
      },
    },
    {
      name: 'invoice',
      idField: 'id',
      fields: [
        ...['customer', 'currency', 'status', 'number', 'total', 'subtotal', 'amount_due'],
        ...['amount_paid', 'amount_remaining', 'due_date', 'lines', 'metadata', 'parent'],
        ...['status_transitions', 'description', 'customer_name', 'customer_email'],
      ],
      weight: 6,
      newId: id('in'),
      write: (fields, at) =>
        written('invoice', {
          ...{ account_country: 'DE', billing_reason: 'manual', due_date: null, number: null },
          ...{ collection_method: 'send_invoice', description: null, status: 'draft' },
          ...{ period_start: seconds(at.now), period_end: seconds(at.now), parent: null },
          status_transitions: {
            finalized_at: null,
            marked_uncollectible_at: null,
            paid_at: null,
            voided_at: null,
          },
        })(fields, at),
      erase: tombstone,
      draw(draw, store) {
        const subscription = store.pick(draw, 'subscription')
        if (subscription === undefined) return undefined
        const { customer, currency } = store.table('subscription').get(subscription)!.record
        const lines = Array.from({ length: draw.chance(0.1) ? 14 : draw.between(1, 3) }, () => ({
          id: `il_${draw.token(24)}`,
          object: 'line_item',
          amount: draw.between(1, 900) * 100,
          currency,
          description: article(draw).name,
          quantity: 1,
          metadata: {},
        }))
        const total = lines.reduce((sum, line) => sum + line.amount, 0)
        return {
          customer,
          currency,
          status: draw.pick(['draft', 'open', 'open']),
          number: `A1B2C3D4-${draw.between(1, 99999)}`,
          subtotal: total,
          total,
          amount_due: total,
          amount_paid: 0,
          amount_remaining: total,
          due_date: seconds(store.clock.now() + 30 * dayMs),
          lines,
          parent: {
            type: 'subscription_details',
            quote_details: null,
            subscription_details: { metadata: {}, subscription },
          },
        }
      },
      redraw(draw, record, store) {
        const now = seconds(store.clock.now())
        const transitions = record.status_transitions as Fields
        if (record.status === 'open' && draw.chance(0.8))
          return {
            status: 'paid',
            amount_paid: record.amount_due,
            amount_remaining: 0,
            status_transitions: { ...transitions, paid_at: now },
          }
        if (record.status === 'draft')
          return { status: 'open', status_transitions: { ...transitions, finalized_at: now } }
        return { metadata: { reviewed: `${draw.between(1, 9)}` } }
      },
    },
    {
      name: 'credit_note',
      idField: 'id',
      fields: ['customer', 'invoice', 'currency', 'amount', 'total', 'reason', 'status', 'memo'],
      weight: 1,
      newId: id('cn'),
      write: written('credit_note', {
        ...{ memo: null, reason: null, status: 'issued', type: 'pre_payment', voided_at: null },
      }),
      draw(draw, store) {
        const invoice = store.pick(draw, 'invoice')
        if (invoice === undefined) return undefined
        const { customer, currency, total } = store.table('invoice').get(invoice)!.record
        const amount = draw.between(1, Number(total))
        return { customer, invoice, currency, amount, total: amount, reason: 'order_change' }
      },
      redraw: (draw) => ({ memo: `Memo ${draw.between(1, 99)}` }),
    },
    {
      name: 'payment_intent',
      idField: 'id',
      fields: [
        ...['customer', 'amount', 'amount_received', 'currency', 'status', 'description'],
        ...['payment_details', 'metadata', 'latest_charge', 'canceled_at'],
      ],
      weight: 4,
      newId: id('pi'),
      write: written('payment_intent', {
        ...{ amount_received: 0, canceled_at: null, description: null, latest_charge: null },
        ...{ payment_method_types: ['card'], status: 'requires_payment_method' },
      }),
      draw(draw, store) {
        const invoice = store.pick(draw, 'invoice')
        if (invoice === undefined) return undefined
        const { customer, currency, total } = store.table('invoice').get(invoice)!.record
        return {
          customer,
          currency,
          amount: total,
          payment_details: { order_reference: invoice },
        }
      },
      redraw: (draw, record, store) =>
        draw.chance(0.8)
          ? { status: 'succeeded', amount_received: record.amount }
          : { status: 'canceled', canceled_at: seconds(store.clock.now()) },
    },
    {
      name: 'refund',
      idField: 'id',
      fields: ['amount', 'currency', 'payment_intent', 'reason', 'status', 'metadata'],
      weight: 1,
      newId: id('re'),
      write: written('refund', { charge: null, reason: null, status: 'succeeded' }),
      draw(draw, store) {
        const payment = store.pick(draw, 'payment_intent')
        if (payment === undefined) return undefined
        const { amount, currency } = store.table('payment_intent').get(payment)!.record
        return { payment_intent: payment, currency, amount: draw.between(1, Number(amount)) }
      },
      redraw: () => ({ status: 'failed' }),
    },
  ]
}

const canceled = (now: number) => ({
  status: 'canceled',
  canceled_at: seconds(now),
  ended_at: seconds(now),
})

/** Cancels the subscriptions of a deleted customer, as the vendor does. */
export function cancelSubscriptions(store: Store, customer: string): void {
  for (const { id, record } of [...store.table('subscription').rows()])
    if (record.customer === customer && record.status !== 'canceled')
      store.put('subscription', { id, ...canceled(store.clock.now()) })
}

function taxIds(draw: Random) {
  const { taxId, address } = company(draw)
  const data = [
    {
      id: `txi_${draw.token(24)}`,
      object: 'tax_id',
      country: address.country,
      type: address.country === 'GB' ? 'gb_vat' : 'eu_vat',
      value: taxId,
      verification: { status: 'pending', verified_address: null, verified_name: null },
    },
  ]
  return { object: 'list', data, has_more: false, url: '/v1/customers/tax_ids' }
}
