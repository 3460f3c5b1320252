import type { Subgraph } from '../contract.ts'
import { operationalSdl } from '../operational/operationalSdl.ts'
import { makeSubgraph, readSdl } from '../shared/subgraph.ts'
import type { SubgraphDeps } from '../shared/subgraphDeps.ts'
import { BILLING_TYPES, billingResolvers } from './resolvers.ts'

/**
 * Creates the subgraph of billing: prices, subscriptions, invoices, payments, totals of each
 * customer, and checks for front offices.
 */
export function createBillingSubgraph(deps: SubgraphDeps): Subgraph {
  const lists = operationalSdl(deps.policy, BILLING_TYPES)
  return makeSubgraph(
    'billing',
    [readSdl(import.meta.url, 'schema.graphql'), readSdl(import.meta.url, 'checks.graphql'), lists],
    billingResolvers(deps),
    deps.sqlOf,
  )
}
