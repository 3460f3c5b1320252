import type { ExceptionDesk } from '../../mdm/exceptions.ts'
import type { Subgraph } from '../contract.ts'
import { makeSubgraph, readSdl } from '../shared/subgraph.ts'
import { exceptionResolvers } from './exceptions.ts'

/** Operations: what could not be applied, and what was done about it. */
export function createOperationsSubgraph(desk: ExceptionDesk): Subgraph {
  return makeSubgraph('operations', [readSdl(import.meta.url, 'schema.graphql')], exceptionResolvers(desk))
}
