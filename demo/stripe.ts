import { ownValue } from '../schema/kit/dictionary.ts'
import { customerView } from './customerView.ts'
import { copiedNumber, type Holding, type WorldContext } from './draft.ts'
import { earlierView } from './earlierView.ts'
import { currencyCodes } from './money.ts'
import { type Random, random } from './random.ts'
import { type Bill, stripeInvoice, stripePayment } from './stripeInvoices.ts'
import {
  apiVersion,
  customerId,
  type SubscriptionState,
  seconds,
  stripeCustomer,
  stripeId,
  stripePrice,
  stripeProduct,
  stripeSubscription,
} from './stripeObjects.ts'
import { type Contract, type Customer, dayMs, type Product, worldEnd } from './truth.ts'

/** Wraps an object in the envelope of a webhook. */
function event(
  seed: number,
  type: string,
  at: number,
  object: { id: string; object: string },
  previous?: object,
): object {
  const draw = random(seed, 'evt', type, object.id, at)
  return {
    id: `evt_${draw.token(24)}`,
    object: 'event',
    api_version: apiVersion,
    created: seconds(at),
    data: { object, ...(previous ? { previous_attributes: previous } : {}) },
    livemode: true,
    pending_webhooks: 1,
    request: { id: draw.chance(0.7) ? `req_${draw.token(14)}` : null, idempotency_key: null },
    type,
  }
}

/** Returns the previous values of the fields that differ. */
function previousOf(before: Record<string, unknown>, after: Record<string, unknown>): object {
  return Object.fromEntries(
    Object.entries(before).filter(
      ([field, value]) => JSON.stringify(value) !== JSON.stringify(ownValue(after, field)),
    ),
  )
}

class Ledger {
  readonly holding: Holding = { drafts: [], truth: [] }
  readonly seed: number
  constructor(seed: number) {
    this.seed = seed
  }
  add(
    type: string,
    at: number,
    object: { id: string; object: string },
    options: { previous?: object; late?: boolean } = {},
  ): void {
    this.holding.drafts.push({
      object: object.object,
      format: 'events',
      value: event(this.seed, type, Math.min(at, worldEnd), object, options.previous),
      ...(options.late ? { late: true } : {}),
    })
  }
}

export function stripeCatalogue(world: WorldContext, product: Product): Holding {
  const ledger = new Ledger(world.seed)
  const object = stripeProduct(world.seed, product)
  const draw = random(world.seed, 'stripe', product.key)
  ledger.add('product.created', product.since, object)
  if (draw.chance(0.1)) {
    const at = product.since + 90 * dayMs
    const after = { ...object, description: product.description, updated: seconds(at) }
    ledger.add('product.updated', at, after, { previous: previousOf(object, after) })
  }
  const truth = {
    type: 'products',
    source: 'stripe',
    entity: product.key,
    dirt: [],
    deleted: false,
  } as const
  ledger.holding.truth.push({ ...truth, object: 'product', id: object.id })
  for (const currency of product.recurring ? currencyCodes : ['EUR', 'USD']) {
    ledger.add('price.created', product.since + 1000, stripePrice(world.seed, product, currency))
  }
  return ledger.holding
}

export function stripeCustomerHolding(world: WorldContext, customer: Customer): Holding {
  const ledger = new Ledger(world.seed)
  const draw = random(world.seed, 'stripe', customer.index)
  const copies = draw.chance(0.03) ? 2 : 1
  const gone = draw.chance(0.006)
  let name = ''
  let email: string | null = null
  for (let copy = 0; copy < copies; copy++) {
    const view = customerView(world.seed, customer, 'stripe', copy)
    const earlier = earlierView(world.seed, customer, 'stripe', copy, view)
    const created = customer.since + (copy + 1) * dayMs
    const after = stripeCustomer(world.seed, customer, view, copy, created)
    const before = earlier ? stripeCustomer(world.seed, customer, earlier, copy, created) : after
    const updatedAt = Math.max(customer.movedAt ?? 0, created + 40 * dayMs)
    if (copy === 0) ({ name, email } = after)
    ledger.add('customer.created', created, before, {
      late: earlier !== undefined && draw.chance(0.15),
    })
    const news = previousOf(before, after)
    if (Object.keys(news).length > 0)
      ledger.add('customer.updated', updatedAt, after, { previous: news })
    const deleted = gone && copies === 1
    if (deleted) ledger.add('customer.deleted', worldEnd - dayMs, after)
    ledger.holding.truth.push({
      type: 'customers',
      source: 'stripe',
      object: 'customer',
      id: after.id,
      entity: customer.key,
      dirt: [...view.dirt],
      deleted,
    })
  }
  for (const contract of customer.contracts) {
    if (contract.status === 'DRAFT' || !contract.lines.some((line) => line.product.recurring))
      continue
    const holder = customerId(world.seed, customer.index, copies > 1 && draw.chance(0.4) ? 1 : 0)
    subscribe(ledger, draw, customer, contract, holder, name, email)
  }
  return ledger.holding
}

function subscribe(
  ledger: Ledger,
  draw: Random,
  customer: Customer,
  contract: Contract,
  holder: string,
  name: string,
  email: string | null,
): void {
  const { seed } = ledger
  const number = draw.chance(0.85) ? copiedNumber(draw.next(), contract.number) : undefined
  const year = contract.lines.find((line) => line.product.recurring)!.product.recurring === 'year'
  const period = (year ? 365 : 30) * dayMs
  const live: SubscriptionState = {
    status: 'active',
    cancelAtPeriodEnd: false,
    periodStart: contract.start,
    periodEnd: contract.start + period,
  }
  const first = stripeSubscription(seed, customer, contract, holder, number, live)
  ledger.add('customer.subscription.created', contract.start, first)
  const over = contract.status === 'CANCELLED' || contract.status === 'EXPIRED'
  if (over) {
    const endedAt = Math.min(contract.end, worldEnd)
    const last = stripeSubscription(seed, customer, contract, holder, number, {
      ...live,
      status: 'canceled',
      endedAt,
    })
    ledger.add('customer.subscription.deleted', endedAt, last)
  } else if (draw.chance(0.3)) {
    const later = stripeSubscription(seed, customer, contract, holder, number, {
      ...live,
      cancelAtPeriodEnd: contract.renewal === 'NONE',
      periodStart: contract.start + period,
      periodEnd: contract.start + 2 * period,
    })
    ledger.add('customer.subscription.updated', contract.start + period, later, {
      previous: previousOf(first, later),
      late: draw.chance(0.1),
    })
  }
  if (number !== undefined) {
    ledger.holding.truth.push({
      type: 'contracts',
      source: 'stripe',
      object: 'subscription',
      id: stripeId(seed, 'sub', contract.key),
      entity: contract.key,
      dirt: [],
      deleted: false,
    })
  }
  const bills = draw.chance(0.6) ? 2 : 1
  for (let ordinal = 0; ordinal < bills; ordinal++) {
    const at = contract.start + ordinal * period
    if (at > worldEnd) return
    invoice(ledger, draw, customer, contract, holder, name, email, {
      ordinal,
      at,
      voided: false,
      periodEnd: at + period,
    })
  }
}

function invoice(
  ledger: Ledger,
  draw: Random,
  customer: Customer,
  contract: Contract,
  holder: string,
  name: string,
  email: string | null,
  open: Bill,
): void {
  const { seed } = ledger
  ledger.add(
    'invoice.finalized',
    open.at,
    stripeInvoice(seed, customer, contract, holder, name, email, open),
    {
      late: draw.chance(0.03),
    },
  )
  const outcome = draw.next()
  if (outcome < 0.7) {
    const paidAt = open.at + draw.between(2, 35) * dayMs
    if (paidAt > worldEnd) return
    ledger.add(
      'payment_intent.succeeded',
      paidAt,
      stripePayment(seed, customer, contract, holder, open, paidAt, true),
    )
    ledger.add(
      'invoice.paid',
      paidAt + 2000,
      stripeInvoice(seed, customer, contract, holder, name, email, { ...open, paidAt }),
    )
  } else if (outcome < 0.74) {
    const voided = { ...open, voided: true }
    ledger.add(
      'invoice.voided',
      open.at + 3 * dayMs,
      stripeInvoice(seed, customer, contract, holder, name, email, voided),
    )
  } else if (outcome < 0.8) {
    const failedAt = open.at + 20 * dayMs
    ledger.add(
      'payment_intent.payment_failed',
      failedAt,
      stripePayment(seed, customer, contract, holder, open, failedAt, false),
    )
  }
}
