import type { Subgraph } from '../contract.ts'
import { operationalSdl } from '../operational/operationalSdl.ts'
import { makeSubgraph, readSdl } from '../shared/subgraph.ts'
import type { SubgraphDeps } from '../shared/subgraphDeps.ts'
import { ERP_TYPES, erpResolvers } from './resolvers.ts'

/** Creates the subgraph of accounting: postings, revenue schedules, and ledgers of customers. */
export function createErpSubgraph(deps: SubgraphDeps): Subgraph {
  const sdl = [readSdl(import.meta.url, 'schema.graphql'), operationalSdl(deps.policy, ERP_TYPES)]
  return makeSubgraph('erp', sdl, erpResolvers(deps), deps.sqlOf)
}
