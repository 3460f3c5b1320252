import type { SubscriptionItem, SubscriptionItems } from '../../schema/operational.ts'
import { loadStub } from '../golden/stub.ts'
import { operationalList } from '../operational/operationalList.ts'
import { golden, lookups, money, operational, source } from '../operational/operationalResolvers.ts'
import { connectionResolvers } from '../shared/connection.ts'
import type { RequestContext } from '../shared/context.ts'
import { moneyOf } from '../shared/money.ts'
import type { Resolvers } from '../shared/subgraph.ts'
import type { SubgraphDeps } from '../shared/subgraphDeps.ts'
import { billingTotals } from './totals.ts'

export function billingResolvers({ policy }: SubgraphDeps): Resolvers {
  const subscriptions = operationalList(policy, 'Subscription')
  const invoices = operationalList(policy, 'Invoice')
  const payments = operationalList(policy, 'Payment')
  const of = {
    subscription: lookups(subscriptions),
    invoice: lookups(invoices),
    payment: lookups(payments),
  }
  const customer = golden('customer', 'Customer')
  const contract = golden('contract', 'Contract')
  return {
    Query: {
      subscription: of.subscription.one,
      subscriptions: of.subscription.all,
      invoice: of.invoice.one,
      invoices: of.invoice.all,
      payment: of.payment.one,
      payments: of.payment.all,
    },
    BillingSubscription: {
      __resolveReference: of.subscription.reference,
      amount: money('amount'),
      annualAmount: (row: Record<string, unknown>) => moneyOf(row.annualMinor, row.currency),
      customer,
      contract,
      product: golden('product', 'Product'),
      items: (row: { items?: SubscriptionItems | null }) => row.items?.list ?? [],
      invoices: invoices.ofRecord('subscription'),
      source,
    },
    BillingSubscriptionItem: {
      product: ({ product }: SubscriptionItem, _: object, context: RequestContext) =>
        product ? loadStub('Product', product, context) : null,
      amount: ({ amount }: SubscriptionItem) =>
        amount ? moneyOf(Math.round(amount.minorUnits), amount.currency) : null,
      metered: ({ metered }: SubscriptionItem) => metered ?? false,
    },
    Invoice: {
      __resolveReference: of.invoice.reference,
      total: money('total'),
      balance: money('balance'),
      customer,
      contract,
      subscription: operational(subscriptions, 'subscription'),
      payments: payments.ofRecord('invoice'),
      source,
    },
    Payment: {
      __resolveReference: of.payment.reference,
      amount: money('amount'),
      customer,
      invoice: operational(invoices, 'invoice'),
      source,
    },
    Customer: {
      subscriptions: subscriptions.ofGolden('customer'),
      invoices: invoices.ofGolden('customer'),
      payments: payments.ofGolden('customer'),
      totals: billingTotals,
    },
    Contract: {
      subscriptions: subscriptions.ofGolden('contract'),
      invoices: invoices.ofGolden('contract'),
    },
    Product: { subscriptions: subscriptions.ofGolden('product') },
    BillingSubscriptionConnection: connectionResolvers,
    InvoiceConnection: connectionResolvers,
    PaymentConnection: connectionResolvers,
  }
}
