import type { OperationalType } from '../../schema/operational.ts'

/** The GraphQL type of an operational object. `Subscription` is the name of GraphQL's own root type. */
export function graphType(type: OperationalType): string {
  return type === 'Subscription' ? 'BillingSubscription' : type
}
