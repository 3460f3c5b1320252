import type { Policy } from '../../schema/policy.ts'
import type { Subgraph } from '../contract.ts'
import { connectionResolvers } from '../shared/connection.ts'
import { connectionSdl } from '../shared/listSdl.ts'
import { makeSubgraph, readSdl } from '../shared/subgraph.ts'
import type { SubgraphDeps } from '../shared/subgraphDeps.ts'
import { tagRoots } from '../shared/tagRoots.ts'
import { searchResolvers } from './search.ts'

/** Creates the subgraph of search over all golden types. */
export function createSearchSubgraph({ policy, sqlOf }: SubgraphDeps): Subgraph {
  return makeSubgraph(
    'search',
    [
      stubs(policy),
      tagRoots(readSdl(import.meta.url, 'schema.graphql'), 'internal'),
      connectionSdl({ type: 'SearchHit', plural: 'hits' }),
    ],
    { ...searchResolvers(policy), SearchHitConnection: connectionResolvers },
    sqlOf,
  )
}

/** Returns stubs of the golden types; the subgraphs that own them resolve the rest. */
function stubs(policy: Policy): string {
  return policy.types
    .map(
      (t) => `
${JSON.stringify(t.description)}
type ${t.name} implements Node @key(fields: "id", resolvable: false) {
  "The golden id."
  id: ID!
}`,
    )
    .join('\n')
}
