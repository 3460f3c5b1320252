import type { Subgraph } from '../contract.ts'
import { goldenSubgraph } from '../golden/goldenSubgraph.ts'
import type { SubgraphDeps } from '../shared/subgraphDeps.ts'

/** Customers and the people who act for them: golden records, all of it derived from the policy. */
export function createCustomerSubgraph(deps: SubgraphDeps): Subgraph {
  return goldenSubgraph('customer', deps, ['Customer', 'Contact'])
}
