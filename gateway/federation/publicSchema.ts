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

/**
 * Returns the schema that clients see: the supergraph without the parts between gateway and
 * subgraphs.
 */
export function publicSchema(supergraph: string): GraphQLSchema {
  return buildASTSchema(
    transformSupergraphToPublicSchema(parse(supergraph, { noLocation: true })),
    {
      assumeValidSDL: true,
    },
  )
}

/** Directives that only composition, the gateway's rights and contracts read. */
const RULES = ['tag', 'requiresScopes', 'authenticated', 'policy', 'cost', 'listSize']

/**
 * Returns the supergraph without the directives that only the gateway reads, their definitions and
 * scalars. The runtime shows unknown directives to every client that introspects, so it receives
 * the graph without them.
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
