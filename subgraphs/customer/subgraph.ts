import type { Subgraph } from '../contract.ts'
import type { SubgraphDeps } from '../golden/goldenResolvers.ts'
import { goldenSubgraph } from '../golden/goldenSubgraph.ts'

/** Customers and the people who act for them: golden records, all of it derived from the policy. */
export function createCustomerSubgraph(deps: SubgraphDeps): Subgraph {
  return goldenSubgraph('customer', deps, ['Customer', 'Contact'])
}
