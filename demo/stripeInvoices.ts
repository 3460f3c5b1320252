import { minorUnits } from './money.ts'
import { priceId, productId, seconds, stripeId } from './stripeObjects.ts'
import { type Contract, type Customer, dayMs } from './truth.ts'

export interface Bill {
  ordinal: number
  at: number
  paidAt?: number
  voided: boolean
  periodEnd: number
}

export const invoiceId = (seed: number, contract: Contract, ordinal: number) =>
  stripeId(seed, 'in', contract.key, ordinal)

/** Returns the billed lines: those of the subscription at list price, in minor units. */
export function billLines(customer: Customer, contract: Contract) {
  return contract.lines
    .filter((line) => line.product.recurring)
    .map((line) => ({ ...line, unit: minorUnits(line.product.priceCents, customer.currency) }))
}

export function stripeInvoice(
  seed: number,
  customer: Customer,
  contract: Contract,
  customerRef: string,
  name: string,
  email: string | null,
  bill: Bill,
) {
  const id = invoiceId(seed, contract, bill.ordinal)
  const lines = billLines(customer, contract)
  const total = lines.reduce((sum, line) => sum + line.unit * line.quantity, 0)
  const paid = bill.paidAt !== undefined
  const currency = customer.currency.toLowerCase()
  const subscription = stripeId(seed, 'sub', contract.key)
  return {
    id,
    object: 'invoice',
    account_country: 'DE',
    account_name: 'Halden Works',
    amount_due: total,
    amount_paid: paid ? total : 0,
    amount_remaining: paid || bill.voided ? 0 : total,
    attempt_count: paid ? 1 : 0,
    attempted: paid,
    billing_reason: bill.ordinal === 0 ? 'subscription_create' : 'subscription_cycle',
    collection_method: 'send_invoice',
    created: seconds(bill.at),
    currency,
    customer: customerRef,
    customer_email: email,
    customer_name: name,
    description: null,
    due_date: seconds(bill.at + 30 * dayMs),
    effective_at: seconds(bill.at),
    lines: {
      object: 'list',
      data: lines.map((line, at) => ({
        id: stripeId(seed, 'il', contract.key, bill.ordinal, at),
        object: 'line_item',
        amount: line.unit * line.quantity,
        currency,
        description: `${line.quantity} × ${line.product.name}`,
        invoice: id,
        livemode: true,
        metadata: {},
        period: { start: seconds(bill.at), end: seconds(bill.periodEnd) },
        pricing: {
          type: 'price_details',
          price_details: {
            price: priceId(seed, line.product.index, customer.currency),
            product: productId(seed, line.product.index),
          },
          unit_amount_decimal: String(line.unit),
        },
        quantity: line.quantity,
      })),
      has_more: false,
      url: `/v1/invoices/${id}/lines`,
    },
    livemode: true,
    metadata: {},
    number: `HW-${String(customer.index * 8 + contract.ordinal * 4 + bill.ordinal).padStart(7, '0')}`,
    parent: {
      type: 'subscription_details',
      quote_details: null,
      subscription_details: { metadata: {}, subscription },
    },
    period_end: seconds(bill.periodEnd),
    period_start: seconds(bill.at),
    status: bill.voided ? 'void' : paid ? 'paid' : 'open',
    status_transitions: {
      finalized_at: seconds(bill.at),
      marked_uncollectible_at: null,
      paid_at: bill.paidAt ? seconds(bill.paidAt) : null,
      voided_at: bill.voided ? seconds(bill.at + 3 * dayMs) : null,
    },
    subtotal: total,
    total,
    total_excluding_tax: total,
  }
}

export function stripePayment(
  seed: number,
  customer: Customer,
  contract: Contract,
  customerRef: string,
  bill: Bill,
  at: number,
  succeeded: boolean,
) {
  const id = stripeId(seed, 'pi', contract.key, bill.ordinal)
  const amount = billLines(customer, contract).reduce(
    (sum, line) => sum + line.unit * line.quantity,
    0,
  )
  return {
    id,
    object: 'payment_intent',
    amount,
    amount_capturable: 0,
    amount_received: succeeded ? amount : 0,
    capture_method: 'automatic',
    created: seconds(at),
    currency: customer.currency.toLowerCase(),
    customer: customerRef,
    description: 'Payment for invoice',
    latest_charge: stripeId(seed, 'ch', contract.key, bill.ordinal),
    livemode: true,
    metadata: {},
    payment_details: { order_reference: invoiceId(seed, contract, bill.ordinal) },
    payment_method_types: ['card', 'sepa_debit'],
    status: succeeded ? 'succeeded' : 'requires_payment_method',
  }
}
