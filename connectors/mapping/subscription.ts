import type { Decimal } from 'decimal.js'
import type { SubscriptionItem, SubscriptionItems } from '../../schema/operational.ts'
import type { Issue } from '../contract.ts'
import type { Money } from './money.ts'
import { Exact } from './priceTiers.ts'

/** A discount as a mapping states it. */
interface Discount {
  stated?: boolean
  percent?: number
  amount?: Money
  /** It counts for one invoice, so it is no part of what recurs. */
  once?: boolean
  /** It counts for some products only. */
  partly?: boolean
}

type Item = Omit<SubscriptionItem, 'amount'> & { amount?: Money; discounts?: Discount[] }

/** Fields that a mapping states for the sums alone; they are not stored. */
export const ONLY_READ: readonly string[] = ['discounts', 'discount', 'moreItems']

/** Intervals in one year, as in mdm/golden/read/operationalFacts.ts. */
const PER_YEAR = new Map([
  ['day', 365],
  ['week', 52],
  ['month', 12],
  ['quarter', 4],
  ['year', 1],
])

/**
 * Completes a mapped subscription from its items: each item's charge counts by its own interval.
 * `amount`, `interval`, `product` and `quantity` of the subscription remain only where they hold for
 * all items. A sum of which a part is unknown is left out, with an issue: it would look like a fact.
 */
export function completeSubscription(values: Map<string, unknown>, issues: Issue[]): void {
  const items = (values.get('items') ?? []) as Item[]
  const discounts = discountsOf(values)
  const more = values.get('moreItems') === true
  for (const name of ONLY_READ) values.delete(name)
  if (items.length === 0) return
  const fixed = items.filter((i) => !i.metered)
  const timed = fixed.length > 0 ? fixed : items
  const interval = onlyOne(timed.flatMap((i) => i.interval ?? []))
  const count = onlyOne(timed.map((i) => (i.interval ? (i.intervalCount ?? 1) : undefined)))
  const oneInterval = interval !== null && count !== null
  set(values, 'interval', (oneInterval && interval) || undefined)
  set(values, 'intervalCount', (oneInterval && count) || undefined)
  set(values, 'product', onlyOne(items.map((i) => i.product)) ?? undefined)
  set(values, 'quantity', items.length === 1 ? items[0]?.quantity : undefined)

  const report = (code: string, detail: string): null => {
    issues.push({ field: 'items', code, detail })
    return null
  }
  const currency = currencyOf(values, items, report)
  if (more)
    report(
      'UNKNOWN_AMOUNT',
      'the record lists only some of its items, so the sum is not known; let the source send all items',
    )
  const charges = currency === null || more ? null : chargesOf(fixed, currency, report)
  const known = currency === null || discounts === null ? null : { currency, discounts }
  if (discounts === null && charges)
    report(
      'UNKNOWN_DISCOUNT',
      'the record names a discount without its percentage or amount, so the amount is not known; let the source expand discounts',
    )
  const sums = charges && known ? sumOf(charges, known, oneInterval, report) : null
  set(values, 'amount', sums?.amount && fixed.length > 0 ? wholeOf(sums.amount) : undefined)
  if (currency !== null) values.set('currency', currency)
  values.set('items', {
    annualMinor: sums?.annual ? wholeOf(sums.annual) : null,
    list: items.map(storedItem),
  } satisfies SubscriptionItems)
}

interface Charge {
  /** Price of one interval, in the smallest unit, not rounded. */
  minor: Decimal
  /** Intervals in one year; null for an unknown interval. */
  perYear: Decimal | null
}

type Report = (code: string, detail: string) => null

/** Returns the charge of each item; null where one is unknown. */
function chargesOf(items: Item[], currency: string, report: Report): Charge[] | null {
  const charges = items.map((item, i): Charge | null => {
    const discounts = knownOnly(item.discounts ?? [])
    if (!item.amount)
      return report(
        'UNKNOWN_AMOUNT',
        `item ${i + 1} has no amount, so the sum is not known; a price in tiers needs its tiers`,
      )
    if (discounts === null)
      return report(
        'UNKNOWN_DISCOUNT',
        `item ${i + 1} names a discount without its percentage or amount, so the amount is not known`,
      )
    const minor = reduced(exactOf(item.amount), discounts, currency)
    if (minor === null)
      return report('UNKNOWN_DISCOUNT', `a discount of item ${i + 1} is not in ${currency}`)
    return { minor, perYear: intervalsPerYear(item) }
  })
  return charges.every((c) => c !== null) ? charges : null
}

/** Returns the charges of one interval, where all have the same one, and of one year. */
function sumOf(
  charges: Charge[],
  { currency, discounts }: { currency: string; discounts: Discount[] },
  oneInterval: boolean,
  report: Report,
): { amount: Decimal | null; annual: Decimal | null } {
  const none = { amount: null, annual: null }
  const sum = (minors: Decimal[]) => minors.reduce((a, b) => a.plus(b), new Exact(0))
  if (oneInterval) {
    const amount = reduced(sum(charges.map((c) => c.minor)), discounts, currency)
    if (amount === null) {
      report('UNKNOWN_DISCOUNT', `a discount is not in ${currency}, so the amount is not known`)
      return none
    }
    const perYear = charges.find((c) => c.perYear)?.perYear ?? null
    if (charges.length > 0 && charges.some((c) => c.perYear === null)) {
      report('UNKNOWN_INTERVAL', 'the interval of an item is unknown, so no year can be computed')
      return { amount, annual: null }
    }
    return { amount, annual: perYear ? amount.times(perYear) : new Exact(0) }
  }
  if (charges.some((c) => c.perYear === null)) {
    report('UNKNOWN_INTERVAL', 'the interval of an item is unknown, so no year can be computed')
    return none
  }
  if (discounts.some((d) => d.percent === undefined)) {
    report(
      'UNKNOWN_DISCOUNT',
      'a discount by an amount counts for each invoice, and the items have different intervals, so no year can be computed',
    )
    return none
  }
  const annual = sum(charges.map((c) => c.minor.times(c.perYear ?? 0)))
  return { amount: null, annual: reduced(annual, discounts, currency) }
}

/** Subtracts discounts in their order, never below zero; null for one in another currency. */
function reduced(minor: Decimal, discounts: Discount[], currency: string): Decimal | null {
  let rest = minor
  for (const { percent, amount } of discounts) {
    if (percent !== undefined) rest = rest.times(new Exact(100).minus(percent)).dividedBy(100)
    else if (amount?.currency !== currency) return null
    else rest = rest.minus(exactOf(amount))
    if (rest.isNegative()) rest = new Exact(0)
  }
  return rest
}

/**
 * Returns the discounts that recur; null where one is unknown. Stripe's older API states the last
 * discount whole and all of them by id, so a single id is that discount.
 */
function discountsOf(values: ReadonlyMap<string, unknown>): Discount[] | null {
  const list = (values.get('discounts') ?? []) as Discount[]
  const alone = values.get('discount') as Discount | undefined
  if (alone && list.length === 0) return knownOnly([alone])
  return knownOnly(list) ?? (alone && list.length === 1 ? knownOnly([alone]) : null)
}

function knownOnly(discounts: Discount[]): Discount[] | null {
  const recurring = discounts.filter((d) => !d.once)
  const known = recurring.every((d) => !d.partly && (d.percent ?? d.amount) !== undefined)
  return known ? recurring : null
}

/** Returns the one currency of all items and of the subscription; null where there are several. */
function currencyOf(
  values: ReadonlyMap<string, unknown>,
  items: Item[],
  report: Report,
): string | null {
  const stated = values.get('currency')
  const all = new Set([
    ...(typeof stated === 'string' ? [stated] : []),
    ...items.flatMap((i) => i.amount?.currency ?? []),
  ])
  if (all.size <= 1) return [...all][0] ?? null
  return report(
    'INVALID_CURRENCY',
    `the subscription and its items have different currencies, ${[...all].join(' and ')}, which cannot be added`,
  )
}

function intervalsPerYear({ interval, intervalCount }: Item): Decimal | null {
  const perYear = PER_YEAR.get((interval ?? '').trim().toLowerCase())
  const count = intervalCount ?? 1
  return perYear !== undefined && count > 0 ? new Exact(perYear).dividedBy(count) : null
}

function exactOf(amount: Money): Decimal {
  return amount.exact ?? new Exact(amount.minorUnits)
}

function storedItem({ discounts: _, amount, ...item }: Item): SubscriptionItem {
  return amount
    ? { ...item, amount: { minorUnits: amount.minorUnits, currency: amount.currency } }
    : item
}

/** Returns the value that all share; null where they differ, undefined where there is none. */
function onlyOne<T>(values: T[]): T | null | undefined {
  return new Set(values).size > 1 ? null : values[0]
}

function wholeOf(minor: Decimal): number {
  return minor.toDecimalPlaces(0, Exact.ROUND_HALF_EVEN).toNumber() + 0
}

function set(values: Map<string, unknown>, name: string, value: unknown): void {
  if (value === undefined) values.delete(name)
  else values.set(name, value)
}
