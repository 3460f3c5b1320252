import { transformSupergraphToPublicSchema } from '@theguild/federation-composition'
import {
  buildASTSchema,
  type ConstDirectiveNode,
  type GraphQLSchema,
  Kind,
  parse,
  print,
  visit,
} from 'graphql'

/** The graph as clients see it: a supergraph without what is between gateway and subgraphs. */
export function publicSchema(supergraph: string): GraphQLSchema {
  return buildASTSchema(
    transformSupergraphToPublicSchema(parse(supergraph, { noLocation: true })),
    {
      assumeValidSDL: true,
    },
  )
}

/** Directives that only composition, the gateway's rights and contracts read. */
const RULES = ['tag', 'requiresScopes', 'authenticated', 'policy']

/**
 * Returns the supergraph without the directives that only the gateway itself reads, their
 * definitions and scalars. The runtime shows every directive that it does not know to whoever
 * introspects, so it is given the graph without them.
 */
export function withoutRules(supergraph: string): string {
  const isRule = (node: { name: { value: string } }) =>
    RULES.includes(node.name.value.replace(/__.*/, ''))
  const linksRule = (node: ConstDirectiveNode) =>
    node.name.value === 'link' &&
    node.arguments?.some(
      (a) => a.value.kind === Kind.STRING && RULES.includes(a.value.value.split('/').at(-2) ?? ''),
    )
  return print(
    visit(parse(supergraph, { noLocation: true }), {
      Directive: (node) =>
        isRule(node) || linksRule(node as ConstDirectiveNode) ? null : undefined,
      DirectiveDefinition: (node) => (isRule(node) ? null : undefined),
      ScalarTypeDefinition: (node) =>
        isRule(node) && node.name.value.includes('__') ? null : undefined,
    }),
  )
}
