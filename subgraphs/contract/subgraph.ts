import type { Subgraph } from '../contract.ts'
import { goldenSubgraph } from '../golden/goldenSubgraph.ts'
import type { SubgraphDeps } from '../shared/subgraphDeps.ts'

/** Contracts, and those of each customer: golden records, all of it derived from the policy. */
export function createContractSubgraph(deps: SubgraphDeps): Subgraph {
  return goldenSubgraph('contract', deps, ['Contract'])
}
