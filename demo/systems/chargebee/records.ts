import type { Random } from '../../random.ts'
import { type Action, dayMs, type ObjectRules, type Store } from '../kit/store.ts'
import { article, company, person } from '../kit/world.ts'

type Fields = Record<string, unknown>

/** Chargebee counts time in seconds since 1970. */
export const seconds = (ms: number) => Math.floor(ms / 1000)

/** A field that is cleared leaves the record. */
const present = (record: Fields): Fields =>
  Object.fromEntries(Object.entries(record).filter(([, value]) => value !== null))

/**
 * Returns the rules of the objects of product catalog 2.
 *
 * `stampedSince`: records that were last changed before it have no `updated_at`.
 * `relations` learns the customer of each contact.
 */
export function chargebeeRules(
  random: Random,
  stampedSince: number,
  relations: CustomerRelations,
): ObjectRules[] {
  const written =
    (object: string, settle: (record: Fields, now: number) => Fields) =>
    (
      fields: Fields,
      { id, now, before }: { id: string; now: number; before?: Fields | undefined },
    ) =>
      stamp(present({ id, object, deleted: false, ...settle({ ...before, ...fields }, now) }), now)
  const stamp = (record: Fields, now: number): Fields => ({
    ...record,
    resource_version: Math.max(now, Number(record.resource_version ?? 0) + 1),
    ...(now >= stampedSince ? { updated_at: seconds(now) } : {}),
  })
  const erase = (record: Fields, now: number) => stamp({ ...record, deleted: true }, now)
  const eraseByStatus = (record: Fields, now: number) => ({
    ...erase(record, now),
    status: 'deleted',
  })
  const created = (record: Fields, now: number) => ({ created_at: seconds(now), ...record })
  const token = () => random.token(16)
  let numbers = 0

  return [
    {
      name: 'item_family',
      idField: 'id',
      fields: ['name', 'description'],
      weight: 1,
      newId: () => `family-${random.token(8)}`,
      write: written('item_family', (record) => ({ status: 'active', ...record })),
      erase: eraseByStatus,
      draw: (draw) => ({ name: article(draw).name, description: 'Products of one kind' }),
      redraw: (draw) => ({ description: `Revised in ${draw.between(1, 12)}/2026` }),
    },
    {
      name: 'item',
      idField: 'id',
      fields: [
        ...['name', 'description', 'external_name', 'type', 'item_family_id', 'unit', 'status'],
        'cf_touchstone_id',
      ],
      weight: 2,
      newId: () => `item-${random.token(10)}`,
      write: written('item', (record) => ({
        status: 'active',
        is_giftable: false,
        enabled_for_checkout: true,
        enabled_in_portal: true,
        metered: false,
        ...record,
      })),
      erase: eraseByStatus,
      draw(draw, store) {
        const family = store.pick(draw, 'item_family')
        if (family === undefined) return undefined
        const { name, description, period } = article(draw)
        const type = period ? draw.pick(['plan', 'plan', 'addon']) : 'charge'
        return { name, description, external_name: name, type, item_family_id: family }
      },
      redraw: (draw) =>
        draw.chance(0.2) ? { status: 'archived' } : { description: article(draw).description },
    },
    {
      name: 'item_price',
      idField: 'id',
      fields: [
        ...['name', 'item_id', 'item_family_id', 'item_type', 'price', 'currency_code'],
        ...['pricing_model', 'period', 'period_unit', 'status', 'description'],
      ],
      weight: 2,
      newId: () => `price-${random.token(12)}`,
      write: written('item_price', (record, now) => ({
        ...created({ status: 'active', free_quantity: 0, is_taxable: true, ...record }, now),
      })),
      erase: eraseByStatus,
      draw(draw, store) {
        const id = store.pick(draw, 'item')
        if (id === undefined) return undefined
        const item = store.table('item').get(id)!.record
        const { priceMinor } = article(draw)
        const period = item.type === 'charge' ? {} : { period: 1, period_unit: 'month' }
        return {
          ...period,
          name: `${item.name} ${priceMinor}`,
          item_id: id,
          item_family_id: item.item_family_id,
          item_type: item.type,
          pricing_model: draw.pick(['flat_fee', 'per_unit']),
          price: priceMinor,
          currency_code: draw.pick(['EUR', 'USD', 'GBP', 'JPY']),
        }
      },
      redraw: (draw) => ({ price: article(draw).priceMinor }),
    },
    {
      name: 'customer',
      idField: 'id',
      fields: [
        ...['first_name', 'last_name', 'email', 'phone', 'company', 'vat_number', 'locale'],
        ...['auto_collection', 'net_term_days', 'preferred_currency_code', 'billing_address'],
        ...['relationship', 'meta_data', 'cf_touchstone_id'],
      ],
      weight: 8,
      newId: token,
      write: written('customer', (record, now) => ({
        ...created(record, now),
        ...{ auto_collection: 'on', net_term_days: 0, allow_direct_debit: false },
        ...{ taxability: 'taxable', pii_cleared: 'active', channel: 'web', card_status: 'no_card' },
        ...{ promotional_credits: 0, unbilled_charges: 0, refundable_credits: 0 },
        excess_payments: 0,
        ...record,
      })),
      erase,
      draw(draw, store) {
        const { name, address, phone, email, taxId, currency, domain } = company(draw)
        const { given, family } = person(draw, domain)
        const parent = draw.chance(0.15) ? store.pick(draw, 'customer') : undefined
        return {
          first_name: given,
          last_name: family,
          ...(draw.chance(0.9) ? { company: name } : {}),
          ...(draw.chance(0.8) ? { phone } : {}),
          ...(draw.chance(0.6) ? { vat_number: taxId } : {}),
          email,
          net_term_days: draw.pick([0, 14, 30]),
          preferred_currency_code: currency,
          billing_address: {
            first_name: given,
            last_name: family,
            company: name,
            line1: address.street,
            city: address.city,
            state: address.region,
            zip: address.postcode,
            country: address.country,
            validation_status: 'not_validated',
            object: 'billing_address',
          },
          ...(parent === undefined
            ? {}
            : {
                relationship: {
                  parent_id: parent,
                  payment_owner_id: parent,
                  invoice_owner_id: parent,
                },
              }),
        }
      },
      redraw(draw) {
        const { name, phone, email } = company(draw)
        return draw.pick([{ company: name }, { phone }, { email }, { net_term_days: 45 }])
      },
    },
    {
      name: 'contact',
      idField: 'id',
      fields: [
        ...['customer_id', 'first_name', 'last_name', 'email', 'phone', 'label'],
        ...['enabled', 'send_account_email', 'send_billing_email'],
      ],
      weight: 5,
      newId: () => `contact_${random.token(16)}`,
      // The customer is in the path of the API, never in the contact.
      write({ customer_id: customer, ...fields }, { id, before }) {
        if (customer !== undefined) relations.assign(id, String(customer))
        if (relations.customerOf(id) === undefined) throw new Error('a contact needs a customer_id')
        return present({
          id,
          ...{ enabled: true, send_account_email: false, send_billing_email: false },
          ...before,
          ...fields,
          object: 'contact',
        })
      },
      erase: (record) => record,
      draw(draw, store) {
        const customer = store.pick(draw, 'customer')
        if (customer === undefined) return undefined
        const { given, family, email, phone, title } = person(draw, company(draw).domain)
        return {
          customer_id: customer,
          first_name: given,
          last_name: family,
          email,
          phone,
          label: title,
        }
      },
      redraw: (draw) => ({ phone: company(draw).phone }),
    },
    {
      name: 'subscription',
      idField: 'id',
      fields: [
        ...['customer_id', 'subscription_items', 'currency_code', 'billing_period', 'po_number'],
        ...['billing_period_unit', 'status', 'current_term_start', 'current_term_end'],
        ...['cancelled_at', 'cancel_reason_code', 'mrr'],
      ],
      weight: 6,
      newId: token,
      write: written('subscription', (record, now) => ({
        ...created(record, now),
        ...{ status: 'active', started_at: seconds(now), activated_at: seconds(now) },
        ...{ has_scheduled_changes: false, has_scheduled_advance_invoices: false },
        ...{ channel: 'web', due_invoices_count: 0, decommissioned: false },
        ...record,
      })),
      erase,
      draw(draw, store) {
        const customer = store.pick(draw, 'customer')
        const priceId = store.pick(draw, 'item_price')
        if (customer === undefined || priceId === undefined) return undefined
        const price = store.table('item_price').get(priceId)!.record
        const quantity = draw.between(1, 20)
        const start = store.clock.now()
        return {
          customer_id: customer,
          currency_code: price.currency_code,
          billing_period: 1,
          billing_period_unit: draw.pick(['month', 'year']),
          ...(draw.chance(0.3) ? { po_number: `PO-${draw.between(1000, 99999)}` } : {}),
          status: draw.pick(['future', 'in_trial', 'active', 'active', 'non_renewing', 'paused']),
          current_term_start: seconds(start),
          current_term_end: seconds(start + 365 * dayMs),
          mrr: Number(price.price) * quantity,
          subscription_items: [
            {
              item_price_id: priceId,
              item_type: price.item_type ?? 'plan',
              quantity,
              unit_price: price.price,
              amount: Number(price.price) * quantity,
              free_quantity: 0,
              object: 'subscription_item',
            },
          ],
        }
      },
      redraw: (draw, _record, store) =>
        draw.chance(0.4)
          ? { status: 'cancelled', cancelled_at: seconds(store.clock.now()) }
          : { po_number: `PO-${draw.between(1000, 99999)}` },
    },
    {
      name: 'invoice',
      idField: 'id',
      fields: [
        ...['customer_id', 'subscription_id', 'currency_code', 'status', 'total', 'sub_total'],
        ...['tax', 'amount_paid', 'amount_due', 'paid_at', 'line_items', 'due_date', 'po_number'],
      ],
      weight: 6,
      newId: () => `INV-${1000 + numbers++}`,
      write: written('invoice', (record, now) => ({
        ...{ recurring: true, price_type: 'tax_exclusive', status: 'payment_due' },
        ...{ date: seconds(now), due_date: seconds(now + 30 * dayMs), net_term_days: 30 },
        ...{ amount_adjusted: 0, write_off_amount: 0, credits_applied: 0, round_off_amount: 0 },
        ...{ term_finalized: true, is_gifted: false, channel: 'web' },
        generated_at: seconds(now),
        ...record,
      })),
      erase,
      draw(draw, store) {
        const id = store.pick(draw, 'subscription')
        if (id === undefined) return undefined
        const { customer_id, currency_code } = store.table('subscription').get(id)!.record
        const net = draw.between(10, 4000) * 100
        const tax = Math.round(net * 0.19)
        return {
          customer_id,
          subscription_id: id,
          currency_code,
          sub_total: net,
          tax,
          total: net + tax,
          amount_paid: 0,
          amount_due: net + tax,
          line_items: [
            {
              id: `li_${draw.token(14)}`,
              subscription_id: id,
              customer_id,
              description: article(draw).name,
              quantity: 1,
              unit_amount: net,
              amount: net,
              pricing_model: 'flat_fee',
              is_taxed: true,
              tax_amount: tax,
              entity_type: 'plan_item_price',
              object: 'line_item',
            },
          ],
        }
      },
      redraw: (draw, record, store) =>
        draw.chance(0.7)
          ? {
              status: 'paid',
              amount_paid: record.total,
              amount_due: 0,
              paid_at: seconds(store.clock.now()),
            }
          : { status: 'voided', amount_due: 0 },
    },
    {
      name: 'credit_note',
      idField: 'id',
      fields: [
        ...['customer_id', 'subscription_id', 'reference_invoice_id', 'type', 'reason_code'],
        ...['currency_code', 'status', 'total', 'sub_total', 'amount_allocated'],
        ...['amount_refunded', 'amount_available'],
      ],
      weight: 2,
      newId: () => `CN-${1000 + numbers++}`,
      write: written('credit_note', (record, now) => ({
        ...{ date: seconds(now), generated_at: seconds(now), price_type: 'tax_exclusive' },
        ...{ status: 'refund_due', amount_allocated: 0, amount_refunded: 0, channel: 'web' },
        ...record,
      })),
      erase,
      draw(draw, store) {
        const id = store.pick(draw, 'invoice')
        if (id === undefined) return undefined
        const invoice = store.table('invoice').get(id)!.record
        const total = draw.between(1, Number(invoice.total))
        return {
          customer_id: invoice.customer_id,
          subscription_id: invoice.subscription_id,
          reference_invoice_id: id,
          type: draw.pick(['adjustment', 'refundable']),
          reason_code: draw.pick(['subscription_change', 'waiver', 'service_unsatisfactory']),
          currency_code: invoice.currency_code,
          sub_total: total,
          total,
          amount_available: total,
        }
      },
      redraw: (_draw, record) => ({
        status: 'refunded',
        amount_refunded: record.total,
        amount_available: 0,
      }),
    },
    {
      name: 'quote',
      idField: 'id',
      fields: [
        ...['customer_id', 'name', 'status', 'operation_type', 'valid_till', 'currency_code'],
        ...['sub_total', 'total', 'charge_on_acceptance', 'po_number'],
      ],
      weight: 2,
      newId: () => `QUO-${1000 + numbers++}`,
      write: written('quote', (record, now) => ({
        ...{ status: 'open', operation_type: 'onetime_invoice', price_type: 'tax_exclusive' },
        ...{ date: seconds(now), valid_till: seconds(now + 30 * dayMs), version: 1 },
        ...record,
      })),
      erase,
      draw(draw, store) {
        const customer = store.pick(draw, 'customer')
        if (customer === undefined) return undefined
        const total = draw.between(10, 9000) * 100
        return {
          customer_id: customer,
          name: `Offer ${draw.fill('####')}`,
          currency_code: draw.pick(['EUR', 'USD', 'JPY']),
          sub_total: total,
          total,
          charge_on_acceptance: total,
        }
      },
      redraw: (draw) => ({ status: draw.pick(['accepted', 'declined', 'closed']) }),
    },
    {
      name: 'order',
      idField: 'id',
      fields: [
        ...['customer_id', 'invoice_id', 'subscription_id', 'document_number', 'status'],
        ...['currency_code', 'sub_total', 'total', 'order_date', 'shipping_date'],
      ],
      weight: 2,
      newId: token,
      write: written('order', (record, now) => ({
        ...created(record, now),
        ...{ status: 'new', order_type: 'manual', price_type: 'tax_exclusive', is_resent: false },
        ...{ order_date: seconds(now), payment_status: 'not_paid' },
        ...record,
      })),
      erase,
      draw(draw, store) {
        const id = store.pick(draw, 'invoice')
        if (id === undefined) return undefined
        const { record } = store.table('invoice').get(id)!
        return {
          customer_id: record.customer_id,
          invoice_id: id,
          subscription_id: record.subscription_id,
          document_number: draw.fill('ORD-#####'),
          currency_code: record.currency_code,
          sub_total: record.sub_total,
          total: record.total,
        }
      },
      redraw: (draw) => ({ status: draw.pick(['processing', 'shipped', 'complete', 'cancelled']) }),
    },
    {
      name: 'transaction',
      idField: 'id',
      fields: [
        ...['customer_id', 'subscription_id', 'type', 'amount', 'currency_code', 'status'],
        ...['payment_method', 'gateway', 'linked_invoices', 'reference_number', 'error_text'],
        ...['linked_payments', 'linked_credit_notes', 'refunded_txn_id'],
      ],
      weight: 5,
      newId: () => `txn_${random.token(16)}`,
      write: written('transaction', (record, now) => ({
        ...{ date: seconds(now), type: 'payment', status: 'success', gateway: 'not_applicable' },
        ...{ payment_method: 'bank_transfer', amount_unused: 0 },
        ...record,
      })),
      erase,
      draw(draw, store) {
        if (draw.chance(0.2)) return drawRefund(draw, store)
        const id = store.pick(draw, 'invoice')
        if (id === undefined) return undefined
        const invoice = store.table('invoice').get(id)!.record
        const amount = Number(invoice.total)
        return {
          customer_id: invoice.customer_id,
          subscription_id: invoice.subscription_id,
          amount,
          currency_code: invoice.currency_code,
          payment_method: draw.pick(['card', 'bank_transfer', 'direct_debit']),
          linked_invoices: [
            {
              invoice_id: id,
              applied_amount: amount,
              invoice_total: amount,
              object: 'linked_invoice',
            },
          ],
        }
      },
      redraw: (draw) => ({
        status: draw.pick(['failure', 'late_failure', 'needs_attention']),
        error_text: 'declined',
      }),
    },
  ]
}

/** Draws a refund of a payment by a credit note. */
function drawRefund(draw: Random, store: Store): Fields | undefined {
  const id = store.pick(draw, 'transaction')
  const payment = id === undefined ? undefined : store.table('transaction').get(id)!.record
  if (payment?.type !== 'payment') return undefined
  const { customer_id, subscription_id, currency_code, amount, date, status } = payment
  const note = store.pick(draw, 'credit_note')
  return {
    ...{ customer_id, subscription_id, currency_code, amount, type: 'refund' },
    payment_method: 'card',
    refunded_txn_id: id,
    linked_payments: [{ id, status, amount, date, object: 'linked_payment' }],
    ...(note === undefined
      ? {}
      : {
          linked_credit_notes: [
            {
              cn_id: note,
              applied_amount: amount,
              cn_create_reason_code: 'Service Unsatisfactory',
              object: 'linked_credit_note',
            },
          ],
        }),
  }
}

/** Objects that belong to a customer and are deleted with it. */
const OF_CUSTOMER = ['subscription', 'invoice', 'credit_note', 'quote', 'order', 'transaction']

/** Keeps the relations between customers and what belongs to them. */
export class CustomerRelations {
  readonly #customerOf = new Map<string, string>()
  readonly #contactsOf = new Map<string, Set<string>>()

  assign(contact: string, customer: string): void {
    this.#contactsOf.get(this.#customerOf.get(contact) ?? '')?.delete(contact)
    this.#customerOf.set(contact, customer)
    const contacts = this.#contactsOf.get(customer) ?? new Set()
    this.#contactsOf.set(customer, contacts.add(contact))
  }

  customerOf(contact: string): string | undefined {
    return this.#customerOf.get(contact)
  }

  /** Returns the ids of a customer's contacts, deleted ones included. */
  contactsOf(customer: string): readonly string[] {
    return [...(this.#contactsOf.get(customer) ?? [])]
  }

  /** Changes a customer's version, as a write to one of its contacts does. */
  touch(store: Store, customer: string): void {
    const row = store.table('customer').get(customer)
    if (!row || row.deleted) return
    store.replace('customer', customer, touched(row.record, store.clock.now()), 'updated')
  }

  /** Deletes what belongs to a deleted customer. */
  cascade(store: Store, customer: string): void {
    for (const object of OF_CUSTOMER)
      for (const { id } of recordsOf(store, object, customer)) store.remove(object, id)
    for (const contact of this.contactsOf(customer))
      if (!store.table('contact').get(contact)?.deleted) store.remove('contact', contact)
  }

  /** Merges two customers: everything of one moves to the other, and the one is deleted. */
  readonly merge: Action = {
    weight: 0.5,
    run: (draw, store) => {
      const from = store.pick(draw, 'customer')
      const to = store.pick(draw, 'customer')
      if (from === undefined || to === undefined || from === to) return
      for (const object of OF_CUSTOMER)
        for (const { id, record } of recordsOf(store, object, from)) {
          const moved = touched({ ...record, customer_id: to }, store.clock.now())
          store.replace(object, id, moved, 'updated')
        }
      for (const contact of this.contactsOf(from)) this.assign(contact, to)
      this.touch(store, to)
      store.remove('customer', from)
    },
  }
}

const touched = (record: Fields, now: number): Fields => ({
  ...record,
  resource_version: Math.max(now, Number(record.resource_version) + 1),
  updated_at: seconds(now),
})

function recordsOf(store: Store, object: string, customer: string) {
  return [...store.table(object).rows()].filter(
    ({ record, deleted }) => !deleted && record.customer_id === customer,
  )
}
