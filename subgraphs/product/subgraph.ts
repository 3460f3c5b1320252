import type { Subgraph } from '../contract.ts'
import { goldenSubgraph } from '../golden/goldenSubgraph.ts'
import type { SubgraphDeps } from '../shared/subgraphDeps.ts'

/** Creates the subgraph of products: golden records, derived from the policy. */
export function createProductSubgraph(deps: SubgraphDeps): Subgraph {
  return goldenSubgraph('product', deps, ['Product'])
}
