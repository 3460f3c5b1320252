import type { Subgraph } from '../contract.ts'
import type { SubgraphDeps } from '../golden/goldenResolvers.ts'
import { goldenSubgraph } from '../golden/goldenSubgraph.ts'

/** What we sell: golden records, all of it derived from the policy. */
export function createProductSubgraph(deps: SubgraphDeps): Subgraph {
  return goldenSubgraph('product', deps, ['Product'])
}
