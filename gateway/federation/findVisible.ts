import { type ExecutionResult, parse } from 'graphql'
import type { GatewayContext } from '../execution/operationContext.ts'
import type { FindVisible } from './own/ownTransport.ts'

/** Maximum number of ids that the field `nodes` takes. */
const idsMax = 200
const NODES = parse('query ($ids: [ID!]!) { nodes(ids: $ids) { __typename } }', {
  noLocation: true,
})

/** The subgraph that looks up any object with the rights of the caller. */
export const NODE_SUBGRAPH = 'node'

export type ExecuteNodes = (request: {
  document: typeof NODES
  operationName: string | undefined
  operationType: string
  variables: { ids: readonly string[] }
  context: GatewayContext
}) => unknown

/** Creates the lookup of the objects that a caller may see. */
export function createFindVisible(execute: ExecuteNodes): FindVisible {
  return async (context, ids) => {
    const types = new Map<string, string>()
    for (let n = 0; n < ids.length; n += idsMax) {
      const some = ids.slice(n, n + idsMax)
      const { data, errors } = (await execute({
        document: NODES,
        operationName: undefined,
        operationType: 'query',
        variables: { ids: some },
        context,
      })) as ExecutionResult<{ nodes: ({ __typename: string } | null)[] }>
      // Without an answer nothing counts as visible.
      if (!data) throw errors?.[0] ?? new Error('the lookup of visible objects gave no result')
      for (const [i, node] of data.nodes.entries())
        if (node) types.set(some[i] ?? '', node.__typename)
    }
    return types
  }
}
