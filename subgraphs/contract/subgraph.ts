import type { Subgraph } from '../contract.ts'
import { goldenSubgraph } from '../golden/goldenSubgraph.ts'
import type { SubgraphDeps } from '../shared/subgraphDeps.ts'

/**
 * Creates the subgraph of contracts and those of each customer: golden records, derived from the
 * policy.
 */
export function createContractSubgraph(deps: SubgraphDeps): Subgraph {
  return goldenSubgraph('contract', deps, ['Contract'])
}
