import { type Named, readNamed } from '../../mdm/golden/read/read.ts'
import { OPERATIONAL, type OperationalType } from '../../schema/operational.ts'
import type { Subgraph } from '../contract.ts'
import { graphType } from '../operational/graphType.ts'
import type { RequestContext } from '../shared/context.ts'
import { inputError } from '../shared/errors.ts'
import { requiresScopes } from '../shared/rights.ts'
import { makeSubgraph } from '../shared/subgraph.ts'
import type { SubgraphDeps } from '../shared/subgraphDeps.ts'

/** Ids that one `nodes` resolves at most. */
const idsMax = 200

/**
 * Lookup of anything by its id. Federation wants one owner for it, and the owner has to know every type there is; so it
 * is a subgraph of its own that answers with type and id, and the subgraph that owns the type does the rest.
 */
export function createNodeSubgraph({ policy, sqlOf }: SubgraphDeps): Subgraph {
  const operational = Object.keys(OPERATIONAL) as OperationalType[]
  const types = [
    ...policy.types.map((t) => ({ name: t.name, description: t.description, id: 'The golden id.' })),
    ...operational.map((name) => ({
      name: graphType(name),
      description: `${/^[AEIOU]/.test(name) ? 'An' : 'A'} ${name.toLowerCase()}.`,
      id: 'Key of its source record.',
    })),
  ]
  const typeNames = new Map([
    ...policy.types.map((t) => [t.name, t.name] as const),
    ...operational.map((name) => [name, graphType(name)] as const),
  ])
  const find = async (id: string, context: RequestContext) => {
    const found = await context.load<Named | null>('named', id.toLowerCase(), null, (ids, sql) => readNamed(sql, ids))
    const __typename = found && typeNames.get(found.type)
    return __typename ? { __typename, id: found.id } : null
  }
  const stubs = types.map(
    (t) => `
${JSON.stringify(t.description)}
type ${t.name} implements Node @key(fields: "id", resolvable: false) {
  ${JSON.stringify(t.id)}
  id: ID!
}`,
  )
  // It answers about everything there is.
  const scopes = requiresScopes('golden:read', 'operational:read')
  const query = `
type Query {
  "Whatever has this id: a golden record, also by a retired id or the key of a source record, or an operational object."
  node("The id." id: ID!): Node ${scopes}
  "The same for up to ${idsMax} ids, in their order; none where there is nothing."
  nodes("The ids." ids: [ID!]!): [Node] ${scopes}
}`
  return makeSubgraph(
    'node',
    [stubs.join('\n'), query],
    {
      Query: {
        node: (_: unknown, { id }: { id: string }, context: RequestContext) => find(id, context),
        nodes: (_: unknown, { ids }: { ids: string[] }, context: RequestContext) => {
          if (ids.length > idsMax)
            throw inputError('TOO_MANY_IDS', `nodes takes up to ${idsMax} ids, not ${ids.length}`)
          return Promise.all(ids.map((id) => find(id, context)))
        },
      },
    },
    sqlOf,
  )
}
