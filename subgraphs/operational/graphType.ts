import type { OperationalType } from '../../schema/operational.ts'

/**
 * Returns the GraphQL type of an operational object. GraphQL's own root type is called
 * `Subscription`.
 */
export function graphType(type: OperationalType): string {
  return type === 'Subscription' ? 'BillingSubscription' : type
}
