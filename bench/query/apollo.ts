import { createRequire } from 'node:module'
import { type DocumentNode, type GraphQLSchema, graphql, parse, print, visit } from 'graphql'
import { composeSupergraph } from '../../gateway/federation/compose.ts'
import { everyone, querySubgraphs, reportUrl } from './subgraphs.ts'

// @apollo/gateway with Apollo Server before the same subgraphs, all in one process like ours (npm
// install --prefix bench/peers), without callers, rights and limits.

type Class<T> = new (options: object) => T
const peers = createRequire(new URL('../peers/', import.meta.url))
const { ApolloGateway } = peers('@apollo/gateway') as { ApolloGateway: Class<object> }
const { ApolloServer } = peers('@apollo/server') as { ApolloServer: Class<object> }
const { startStandaloneServer } = peers('@apollo/server/standalone') as {
  startStandaloneServer: (server: object, options: object) => Promise<{ url: string }>
}

const subgraphs = querySubgraphs(process.argv[2] ?? '')
const byName = new Map(subgraphs.map((s) => [s.name, s]))
const gateway = new ApolloGateway({
  supergraphSdl: print(withoutRights(parse(composeSupergraph(subgraphs)))),
  buildService: ({ name }: { name: string }) => local(byName.get(name)?.schema as GraphQLSchema),
})
const { url } = await startStandaloneServer(new ApolloServer({ gateway }), {
  listen: { port: 0, host: '127.0.0.1' },
  // One context serves all of these subgraphs.
  context: async () => subgraphs[0]?.context({ correlationId: '', scopes: everyone }),
})
reportUrl(new URL('/graphql', url).href)

interface LocalFetch {
  request: { query: string; variables?: Record<string, unknown>; operationName?: string }
  context: unknown
}

/** Returns an equivalent of its LocalGraphQLDataSource that uses the subgraphs' copy of graphql. */
function local(schema: GraphQLSchema) {
  return {
    process: async ({ request, context: contextValue }: LocalFetch) =>
      await graphql({
        schema,
        source: request.query,
        variableValues: request.variables,
        operationName: request.operationName,
        contextValue,
      }),
  }
}

/**
 * Removes the rights from a supergraph: @apollo/gateway refuses one that has them, because it does
 * not enforce them.
 */
function withoutRights(supergraph: DocumentNode): DocumentNode {
  const rights = /^(authenticated|requiresScopes|policy)$/
  return visit(supergraph, {
    Directive(node) {
      const at = node.arguments?.find((a) => a.name.value === 'url')?.value
      const link =
        node.name.value === 'link' &&
        at?.kind === 'StringValue' &&
        at.value.split('/').some((p) => rights.test(p))
      return link || rights.test(node.name.value) ? null : undefined
    },
    DirectiveDefinition: (node) => (rights.test(node.name.value) ? null : undefined),
  })
}
