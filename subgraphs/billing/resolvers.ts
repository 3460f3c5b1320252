import type {
  OperationalType,
  SubscriptionItem,
  SubscriptionItems,
} from '../../schema/operational.ts'
import { loadStub } from '../golden/stub.ts'
import { operationalResolvers } from '../operational/operationalResolvers.ts'
import type { RequestContext } from '../shared/context.ts'
import { exactDecimalOf, moneyOf } from '../shared/money.ts'
import type { Resolvers } from '../shared/subgraph.ts'
import type { SubgraphDeps } from '../shared/subgraphDeps.ts'
import { checkResolvers } from './checks.ts'
import { billingTotals } from './totals.ts'

export const BILLING_TYPES: OperationalType[] = [
  'RatePlan',
  'Price',
  'Subscription',
  'Amendment',
  'Invoice',
  'InvoiceTax',
  'CreditNote',
  'Payment',
  'Refund',
]

export function billingResolvers(deps: SubgraphDeps): Resolvers {
  const { policy } = deps
  const checks = checkResolvers(deps)
  return operationalResolvers(policy, BILLING_TYPES, {
    ...checks,
    BillingSubscription: {
      annualAmount: (row: Record<string, unknown>) => moneyOf(row.annualMinor, row.currency),
      items: (row: { items?: SubscriptionItems | null }) => row.items?.list ?? [],
    },
    BillingSubscriptionItem: {
      product: ({ product }: SubscriptionItem, _: object, context: RequestContext) =>
        product ? loadStub('Product', product, context) : null,
      amount: ({ amount }: SubscriptionItem) =>
        amount ? moneyOf(Math.round(amount.minorUnits), amount.currency) : null,
      metered: ({ metered }: SubscriptionItem) => metered ?? false,
    },
    Price: {
      exactAmount: (row: Record<string, unknown>) => {
        const price = moneyOf(row.amount, row.currency)
        return price && exactDecimalOf(price)
      },
    },
    Customer: { ...checks.Customer, totals: billingTotals },
  })
}
