import type { Subgraph } from '../contract.ts'
import { operationalSdl } from '../operational/operationalSdl.ts'
import { makeSubgraph, readSdl } from '../shared/subgraph.ts'
import type { SubgraphDeps } from '../shared/subgraphDeps.ts'
import { crmResolvers } from './resolvers.ts'

/** Creates the subgraph of sales: opportunities, and those of each customer. */
export function createCrmSubgraph(deps: SubgraphDeps): Subgraph {
  const sdl = [
    readSdl(import.meta.url, 'schema.graphql'),
    operationalSdl(deps.policy, ['Opportunity']),
  ]
  return makeSubgraph('crm', sdl, crmResolvers(deps), deps.sqlOf)
}
