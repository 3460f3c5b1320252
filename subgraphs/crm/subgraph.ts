import type { OperationalType } from '../../schema/operational.ts'
import type { Subgraph } from '../contract.ts'
import { operationalResolvers } from '../operational/operationalResolvers.ts'
import { operationalSdl } from '../operational/operationalSdl.ts'
import { makeSubgraph, readSdl } from '../shared/subgraph.ts'
import type { SubgraphDeps } from '../shared/subgraphDeps.ts'

const TYPES: OperationalType[] = ['Opportunity', 'Quote', 'SalesOrder', 'Entitlement']

/** Creates the subgraph of sales: opportunities, quotes, orders, and what customers may use. */
export function createCrmSubgraph({ policy, sqlOf }: SubgraphDeps): Subgraph {
  const sdl = [readSdl(import.meta.url, 'schema.graphql'), operationalSdl(policy, TYPES)]
  return makeSubgraph('crm', sdl, operationalResolvers(policy, TYPES, {}), sqlOf)
}
