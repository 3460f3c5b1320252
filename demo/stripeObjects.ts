import { ownValue } from '../schema/kit/dictionary.ts'
import type { CustomerView } from './customerView.ts'
import { minorUnits } from './money.ts'
import { random } from './random.ts'
import type { Contract, Customer, Product } from './truth.ts'

/**
 * Stripe objects as the API returns them, version 2026-02-25.clover. Irrelevant fields are missing
 * or null.
 */
export const apiVersion = '2026-02-25.clover'
export const seconds = (time: number) => Math.floor(time / 1000)

/** Returns an opaque id: a prefix and a token derived from `names`. */
export const stripeId = (seed: number, prefix: string, ...names: (string | number)[]) =>
  `${prefix}_${random(seed, prefix, ...names).token(prefix === 'cus' || prefix === 'prod' || prefix === 'si' ? 14 : 24)}`

export const customerId = (seed: number, customer: number, copy: number) =>
  stripeId(seed, 'cus', customer, copy)
export const productId = (seed: number, product: number) => stripeId(seed, 'prod', product)
export const priceId = (seed: number, product: number, currency: string) =>
  stripeId(seed, 'price', product, currency)

const euVat = new Set(['DE', 'AT', 'FR', 'ES', 'PT', 'IT', 'NL', 'PL', 'GR', 'BG'])
const taxIdTypes: Readonly<Record<string, string>> = {
  GB: 'gb_vat',
  CH: 'ch_vat',
  US: 'us_ein',
  JP: 'jp_cn',
  CN: 'cn_tin',
}
const taxIdType = (country: string) =>
  euVat.has(country) ? 'eu_vat' : (ownValue(taxIdTypes, country) ?? 'unknown')

export function stripeCustomer(
  seed: number,
  customer: Customer,
  view: CustomerView,
  copy: number,
  created: number,
) {
  const id = customerId(seed, customer.index, copy)
  const country = customer.address.country
  const contact = customer.contacts[0]
  const draw = random(seed, 'stripe-customer', customer.index, copy)
  const address = (value: NonNullable<CustomerView['address']>) => ({
    city: value.city,
    country: value.country,
    line1: value.street,
    line2: null,
    postal_code: value.postcode,
    state: value.region || null,
  })
  return {
    id,
    object: 'customer',
    address: view.address ? address(view.address) : null,
    balance: 0,
    created: seconds(created),
    currency: customer.currency.toLowerCase(),
    default_source: null,
    delinquent: draw.chance(0.03),
    description: view.misplaced ? view.name : null,
    email: view.email ?? null,
    invoice_prefix: draw.token(8).toUpperCase(),
    livemode: true,
    metadata: draw.chance(0.8) ? { account_type: view.person ? 'individual' : 'business' } : {},
    name: view.misplaced && contact ? `${contact.given.latin} ${contact.surname.latin}` : view.name,
    phone: view.phone ?? null,
    preferred_locales: [
      customer.locale.country === 'GB' || country === 'US' ? 'en' : country.toLowerCase(),
    ],
    shipping: view.shipping
      ? { address: address(view.shipping), name: view.name, phone: null }
      : null,
    tax_exempt: 'none',
    tax_ids: {
      object: 'list',
      data: view.taxId
        ? [
            {
              id: stripeId(seed, 'txi', customer.index, copy),
              object: 'tax_id',
              country,
              created: seconds(created),
              customer: id,
              livemode: true,
              type: taxIdType(country),
              value: view.taxId,
            },
          ]
        : [],
      has_more: false,
      url: `/v1/customers/${id}/tax_ids`,
    },
  }
}

export function stripeProduct(seed: number, product: Product) {
  const draw = random(seed, 'stripe-product', product.index)
  return {
    id: productId(seed, product.index),
    object: 'product',
    active: product.active,
    created: seconds(product.since),
    default_price: priceId(seed, product.index, 'EUR'),
    description: draw.chance(0.5) ? product.description : null,
    images: [],
    livemode: true,
    marketing_features: [],
    metadata: {
      ...(draw.chance(0.75) ? { sku: product.sku } : {}),
      ...(product.gtin && draw.chance(0.3) ? { gtin: product.gtin } : {}),
      ...(draw.chance(0.6) ? { category: product.category } : {}),
    },
    name: draw.chance(0.3) ? product.shopName : product.name,
    shippable: null,
    statement_descriptor: null,
    tax_code: null,
    type: product.service ? 'service' : 'good',
    unit_label: product.unit,
    updated: seconds(product.since),
    url: null,
  }
}

export function stripePrice(seed: number, product: Product, currency: string) {
  const amount = minorUnits(product.priceCents, currency)
  return {
    id: priceId(seed, product.index, currency),
    object: 'price',
    active: product.active,
    billing_scheme: 'per_unit',
    created: seconds(product.since),
    currency: currency.toLowerCase(),
    livemode: true,
    lookup_key: null,
    metadata: {},
    nickname: null,
    product: productId(seed, product.index),
    recurring: product.recurring
      ? {
          interval: product.recurring,
          interval_count: 1,
          meter: null,
          trial_period_days: null,
          usage_type: 'licensed',
        }
      : null,
    tax_behavior: 'exclusive',
    tiers_mode: null,
    type: product.recurring ? 'recurring' : 'one_time',
    unit_amount: amount,
    unit_amount_decimal: String(amount),
  }
}

export interface SubscriptionState {
  status: 'active' | 'canceled' | 'past_due'
  cancelAtPeriodEnd: boolean
  periodStart: number
  periodEnd: number
  endedAt?: number
}

export function stripeSubscription(
  seed: number,
  customer: Customer,
  contract: Contract,
  customerRef: string,
  number: string | undefined,
  state: SubscriptionState,
) {
  const id = stripeId(seed, 'sub', contract.key)
  const lines = contract.lines.filter((line) => line.product.recurring)
  return {
    id,
    object: 'subscription',
    billing_cycle_anchor: seconds(contract.start),
    cancel_at: null,
    cancel_at_period_end: state.cancelAtPeriodEnd,
    canceled_at: state.endedAt ? seconds(state.endedAt) : null,
    collection_method: 'send_invoice',
    created: seconds(contract.start),
    currency: customer.currency.toLowerCase(),
    customer: customerRef,
    days_until_due: 30,
    default_payment_method: null,
    description: null,
    discounts: [],
    ended_at: state.endedAt ? seconds(state.endedAt) : null,
    items: {
      object: 'list',
      data: lines.map((line) => ({
        id: stripeId(seed, 'si', contract.key, line.product.index),
        object: 'subscription_item',
        created: seconds(contract.start),
        current_period_end: seconds(state.periodEnd),
        current_period_start: seconds(state.periodStart),
        metadata: {},
        price: stripePrice(seed, line.product, customer.currency),
        quantity: line.quantity,
        subscription: id,
        tax_rates: [],
      })),
      has_more: false,
      url: `/v1/subscription_items?subscription=${id}`,
    },
    latest_invoice: null,
    livemode: true,
    metadata:
      number === undefined
        ? {}
        : { contract_number: number, term_months: String(contract.termMonths) },
    start_date: seconds(contract.start),
    status: state.status,
    trial_end: null,
    trial_start: null,
  }
}
