import { minorUnits } from './money.ts'
import type { Random } from './random.ts'
import {
  type Contract,
  type Customer,
  dayMs,
  type Opportunity,
  type Product,
  worldEnd,
} from './truth.ts'

const openStages = [
  'Prospecting',
  'Qualification',
  'Needs Analysis',
  'Proposal/Price Quote',
  'Negotiation/Review',
]

const monthsLater = (time: number, months: number) => {
  const date = new Date(time)
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + months, date.getUTCDate()) - dayMs
}

function contract(
  random: Random,
  customer: Customer,
  products: readonly Product[],
  ordinal: number,
): Contract {
  const termMonths = random.pick([12, 12, 24, 36])
  // Most contracts are active: they began at most one and a half terms before the world's end. A
  // few are not signed yet.
  const ago = Math.floor(termMonths * 30 * (0.02 + 1.5 * random.next()))
  const begun =
    customer.lifecycle !== 'FORMER' && random.chance(0.05)
      ? worldEnd + random.between(5, 90) * dayMs
      : Math.max(customer.since + 5 * dayMs, worldEnd - ago * dayMs)
  const start = Math.floor(begun / dayMs) * dayMs
  const end = monthsLater(start, termMonths)
  const count = random.weighted([1, 2, 3], (many) => [0, 0.5, 0.3, 0.2][many]!)
  const lines: Contract['lines'] = []
  for (let line = 0; line < count; line++) {
    const product = random.pick(products)
    if (lines.some((other) => other.product === product)) continue
    const rebate = random.pick([1, 1, 0.95, 0.9])
    lines.push({
      product,
      quantity: product.recurring ? random.pick([1, 3, 5, 10, 25]) : random.between(1, 12),
      unitPriceMinor: minorUnits(Math.round(product.priceCents * rebate), customer.currency),
    })
  }
  const periods = (product: Product) =>
    product.recurring === 'month' ? termMonths : product.recurring === 'year' ? termMonths / 12 : 1
  const ended = end < worldEnd
  const status =
    customer.lifecycle === 'FORMER'
      ? random.pick(['CANCELLED', 'EXPIRED'] as const)
      : ended
        ? 'EXPIRED'
        : start > worldEnd
          ? 'DRAFT'
          : 'ACTIVE'
  return {
    key: `contract-${customer.index}-${ordinal}`,
    ordinal,
    number: `HC-${new Date(start).getUTCFullYear()}-${String(customer.index * 3 + ordinal).padStart(6, '0')}`,
    lines,
    termMonths,
    start,
    end,
    valueMinor: lines.reduce(
      (sum, line) => sum + Math.round(line.quantity * line.unitPriceMinor * periods(line.product)),
      0,
    ),
    status,
    renewal: random.pick(['AUTOMATIC', 'AUTOMATIC', 'MANUAL', 'NONE'] as const),
  }
}

/** Draws at most two contracts, for customers that have bought. */
export function contractsOf(
  random: Random,
  customer: Customer,
  products: readonly Product[],
): Contract[] {
  if (customer.lifecycle === 'LEAD' || customer.lifecycle === 'PROSPECT') return []
  const count = random.weighted([0, 1, 2], (many) => [0.22, 0.5, 0.28][many]!)
  return Array.from({ length: count }, (_, ordinal) =>
    contract(random, customer, products, ordinal),
  )
}

/**
 * Draws a won opportunity for about half of the contracts, and open ones that sales is working on.
 */
export function opportunitiesOf(random: Random, customer: Customer, name: string): Opportunity[] {
  const found: Opportunity[] = []
  for (const signed of customer.contracts) {
    if (!random.chance(0.5)) continue
    found.push({
      ordinal: found.length,
      name: `${name} - ${signed.lines[0]!.product.category}`,
      stage: signed.status === 'DRAFT' ? 'Negotiation/Review' : 'Closed Won',
      amountMinor: signed.valueMinor,
      close: signed.start - random.between(1, 20) * dayMs,
      contract: signed,
    })
  }
  if (
    random.chance(
      customer.lifecycle === 'PROSPECT' ? 0.9 : customer.lifecycle === 'CUSTOMER' ? 0.2 : 0.1,
    )
  ) {
    const lost = random.chance(0.25)
    found.push({
      ordinal: found.length,
      name: `${name} - ${random.pick(['New Business', 'Expansion', 'Renewal'])}`,
      stage: lost ? 'Closed Lost' : random.pick(openStages),
      amountMinor: minorUnits(random.between(20, 900) * 10_000, customer.currency),
      close: worldEnd + random.between(lost ? -200 : 10, lost ? -5 : 160) * dayMs,
    })
  }
  return found
}
