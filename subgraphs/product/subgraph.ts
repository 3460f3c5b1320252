import type { Subgraph } from '../contract.ts'
import { goldenSubgraph } from '../golden/goldenSubgraph.ts'
import type { SubgraphDeps } from '../shared/subgraphDeps.ts'

/** What we sell: golden records, all of it derived from the policy. */
export function createProductSubgraph(deps: SubgraphDeps): Subgraph {
  return goldenSubgraph('product', deps, ['Product'])
}
