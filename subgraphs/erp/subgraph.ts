import type { Subgraph } from '../contract.ts'
import { operationalSdl } from '../operational/operationalSdl.ts'
import { makeSubgraph, readSdl } from '../shared/subgraph.ts'
import type { SubgraphDeps } from '../shared/subgraphDeps.ts'
import { erpResolvers } from './resolvers.ts'

/** Creates the subgraph of accounting: postings, and the ledger of each customer. */
export function createErpSubgraph(deps: SubgraphDeps): Subgraph {
  const sdl = [readSdl(import.meta.url, 'schema.graphql'), operationalSdl(deps.policy, ['Posting'])]
  return makeSubgraph('erp', sdl, erpResolvers(deps), deps.sqlOf)
}
