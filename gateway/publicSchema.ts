import { transformSupergraphToPublicSchema } from '@theguild/federation-composition'
import { buildASTSchema, type GraphQLSchema, parse } from 'graphql'

/** The graph as clients see it: a supergraph without what is between gateway and subgraphs. */
export function publicSchema(supergraph: string): GraphQLSchema {
  return buildASTSchema(transformSupergraphToPublicSchema(parse(supergraph, { noLocation: true })), {
    assumeValidSDL: true,
  })
}
