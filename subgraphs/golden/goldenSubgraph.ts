import type { Subgraph } from '../contract.ts'
import { connectionSdl } from '../shared/listSdl.ts'
import { makeSubgraph, readSdl } from '../shared/subgraph.ts'
import type { SubgraphDeps } from '../shared/subgraphDeps.ts'
import { goldenResolvers } from './goldenResolvers.ts'
import { goldenSdl } from './goldenSdl.ts'

const common = [
  readSdl(import.meta.url, 'golden.graphql'),
  connectionSdl({ type: 'SourceRecord', plural: 'source records', directives: '@shareable' }),
  connectionSdl({ type: 'ValueCandidate', plural: 'candidates', directives: '@shareable' }),
  connectionSdl({ type: 'GoldenVersion', plural: 'versions', directives: '@shareable' }),
]

/** Creates a subgraph that owns golden types. Types that the policy does not have are left out. */
export function goldenSubgraph(
  name: string,
  deps: SubgraphDeps,
  types: readonly string[],
): Subgraph {
  const owned = types.filter((t) => deps.policy.types.some((p) => p.name === t))
  return makeSubgraph(
    name,
    [...common, goldenSdl(deps.policy, owned)],
    goldenResolvers(deps, owned),
    deps.sqlOf,
  )
}
