import type { OperationalType } from '../../schema/operational.ts'
import type { Subgraph } from '../contract.ts'
import { operationalResolvers } from '../operational/operationalResolvers.ts'
import { operationalSdl } from '../operational/operationalSdl.ts'
import { makeSubgraph, readSdl } from '../shared/subgraph.ts'
import type { SubgraphDeps } from '../shared/subgraphDeps.ts'

const TYPES: OperationalType[] = ['CustomerHealth']

/** Creates the subgraph of customer success: health, its manager, and the outlook for renewal. */
export function createSuccessSubgraph({ policy, sqlOf }: SubgraphDeps): Subgraph {
  const sdl = [readSdl(import.meta.url, 'schema.graphql'), operationalSdl(policy, TYPES)]
  return makeSubgraph('success', sdl, operationalResolvers(policy, TYPES, {}), sqlOf)
}
