import { words } from '../../mdm/golden/read/listField.ts'
import { type Named, readNamed } from '../../mdm/golden/read/read.ts'
import { OPERATIONAL_TYPES } from '../../schema/operational.ts'
import type { Subgraph } from '../contract.ts'
import { lookupName } from '../golden/model.ts'
import { graphType } from '../operational/graphType.ts'
import type { RequestContext } from '../shared/context.ts'
import { inputError } from '../shared/errors.ts'
import { pastId, readPastId } from '../shared/pastId.ts'
import { requiresScopes } from '../shared/rights.ts'
import { makeSubgraph } from '../shared/subgraph.ts'
import type { SubgraphDeps } from '../shared/subgraphDeps.ts'

/** Maximum number of ids in one `nodes`. */
const idsMax = 200

/**
 * Creates the lookup of any object by its id. Federation needs one owner of it, which has to know
 * every type. So it is a subgraph of its own that returns type and id; the owner of the type
 * resolves the rest.
 */
export function createNodeSubgraph({ policy, sqlOf }: SubgraphDeps): Subgraph {
  const types = [
    ...policy.types.map((t) => ({
      name: t.name,
      description: t.description,
      id: 'The golden id.',
    })),
    ...OPERATIONAL_TYPES.map((name) => ({
      name: graphType(name),
      description: `${/^[AEIOU]/.test(name) ? 'An' : 'A'} ${words(lookupName(name))}.`,
      id: 'The source record key.',
    })),
  ]
  const typeNames = new Map([
    ...policy.types.map((t) => [t.name, t.name] as const),
    ...OPERATIONAL_TYPES.map((name) => [name, graphType(name)] as const),
  ])
  const find = async (given: string, context: RequestContext) => {
    const { id, moment } = readPastId(given)
    const found = await context.load<Named | null>('named', id.toLowerCase(), null, (ids, sql) =>
      readNamed(sql, ids),
    )
    const __typename = found && typeNames.get(found.type)
    if (!__typename) return null
    return { __typename, id: moment ? pastId(id.toLowerCase(), moment) : found.id }
  }
  const stubs = types.map(
    (t) => `
${JSON.stringify(t.description)}
type ${t.name} implements Node @key(fields: "id", resolvable: false) {
  ${JSON.stringify(t.id)}
  id: ID!
}`,
  )
  // It finds objects of every type, so it needs the scopes of all of them.
  const scopes = requiresScopes('golden:read', 'operational:read')
  const query = `
type Query {
  """
  Returns the golden record or operational object with this id, or null if there is none. A golden
  record that has ended is returned with its tombstone.
  """
  node("A golden id, a retired golden id, or the key of a source record." id: ID!): Node ${scopes}
  "Returns the objects with these ids, in their order, with null for an unknown id. Error: TOO_MANY_IDS."
  nodes("Ids as of \`node\`, at most ${idsMax}." ids: [ID!]!): [Node] ${scopes}
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
