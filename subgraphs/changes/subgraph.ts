import type { Subgraph } from '../contract.ts'
import { makeSubgraph, readSdl } from '../shared/subgraph.ts'
import { type ChangesDeps, resolvers } from './resolvers.ts'
import { goldenSdl } from './sdl.ts'

/** The change feed: `changes` as subscription and as pages of the past, and where the feed stands. */
export function createChangesSubgraph(deps: ChangesDeps): Subgraph {
  const sdl = [readSdl(import.meta.url, 'schema.graphql'), goldenSdl(deps.policy)]
  return makeSubgraph('changes', sdl, resolvers(deps))
}
