import { type BillingSum, readBillingSums } from '../../mdm/golden/read/totals.ts'
import type { RequestContext } from '../shared/context.ts'
import type { Money } from '../shared/money.ts'

/**
 * Resolves Customer.totals. One statement computes the sums of all parents that request the same
 * systems.
 */
export async function billingTotals(
  parent: { id: string },
  args: { systems?: string[] | null },
  context: RequestContext,
) {
  const systems = args.systems ?? null
  const sums = await context.load<BillingSum[]>(
    `totals ${JSON.stringify(systems)}`,
    parent.id,
    [],
    (ids, sql) => readBillingSums(sql, ids, systems),
  )
  const total = (of: (s: BillingSum) => number) => sums.reduce((sum, s) => sum + of(s), 0)
  return {
    openBalance: amounts(sums, (s) => s.openMinor),
    overdueBalance: amounts(sums, (s) => s.overdueMinor),
    annualRecurringRevenue: amounts(sums, (s) => s.annualMinor),
    openInvoices: total((s) => s.openInvoices),
    overdueInvoices: total((s) => s.overdueInvoices),
    activeSubscriptions: total((s) => s.activeSubscriptions),
  }
}

/** Currencies without an amount are left out. */
function amounts(sums: BillingSum[], of: (s: BillingSum) => number): Money[] {
  return sums.flatMap((s) => (of(s) ? [{ minorUnits: of(s), currency: s.currency }] : []))
}
