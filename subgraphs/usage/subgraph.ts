import type { Subgraph } from '../contract.ts'
import { operationalSdl } from '../operational/operationalSdl.ts'
import { connectionSdl } from '../shared/listSdl.ts'
import { requiresScopes } from '../shared/rights.ts'
import { makeSubgraph, readSdl } from '../shared/subgraph.ts'
import type { SubgraphDeps } from '../shared/subgraphDeps.ts'
import { USAGE_TYPES, usageResolvers } from './resolvers.ts'

/** Creates the subgraph of usage: single records, and sums of each customer and subscription. */
export function createUsageSubgraph(deps: SubgraphDeps): Subgraph {
  const sums = connectionSdl({
    type: 'UsageSum',
    plural: 'sums of usage',
    directives: requiresScopes('operational:read'),
  })
  const sdl = [
    readSdl(import.meta.url, 'schema.graphql'),
    sums,
    operationalSdl(deps.policy, USAGE_TYPES),
  ]
  return makeSubgraph('usage', sdl, usageResolvers(deps), deps.sqlOf)
}
