import type { Subgraph } from '../contract.ts'
import { goldenSubgraph } from '../golden/goldenSubgraph.ts'
import type { SubgraphDeps } from '../shared/subgraphDeps.ts'

/**
 * Creates the subgraph of customers and their contacts: golden records, derived from the policy.
 */
export function createCustomerSubgraph(deps: SubgraphDeps): Subgraph {
  return goldenSubgraph('customer', deps, ['Customer', 'Contact'])
}
