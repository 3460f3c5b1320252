import {
  type ASTVisitor,
  type FragmentDefinitionNode,
  GraphQLError,
  Kind,
  type SelectionSetNode,
  type ValidationContext,
  type ValidationRule,
} from 'graphql'

/** What a gateway takes on at once, at most. */
export interface ServerBounds {
  /** Operations over HTTP that are being answered; further ones are told to come again. */
  operationsMax: number
  /** Event streams, and apart from them WebSockets, that are open. */
  streamsMax: number
}

export const SERVER_BOUNDS: ServerBounds = { operationsMax: 512, streamsMax: 5_000 }

/** What one operation may ask for at most. */
export interface QueryBounds {
  /** Bytes of the document; values belong into variables. */
  documentBytesMax: number
  /** Tokens in the document. */
  tokensMax: number
  /** Fields below each other. */
  depthMax: number
  /** Aliases in the document, fragments counted each time they are spread. */
  aliasesMax: number
  /** Fields selected in all, fragments counted each time they are spread. */
  fieldsMax: number
  /** Objects that the answer may hold, by the sizes of the pages that are asked for (cost.ts). */
  costMax: number
  /** Bytes of a request body. */
  bodyBytesMax: number
}

interface Measure {
  depth: number
  aliases: number
  fields: number
}

/**
 * A validation rule for the bounds, so that it costs nothing for a document seen before. Introspection is left out of
 * the depth: tools ask for it deeply and its answer is the schema, of one size for all.
 */
export function boundsRule(bounds: QueryBounds): ValidationRule {
  return function QueryBoundsRule(context: ValidationContext): ASTVisitor {
    const measured = new Map<FragmentDefinitionNode, Measure>()
    const open = new Set<FragmentDefinitionNode>()

    function measure(set: SelectionSetNode, hidden: boolean): Measure {
      const sum: Measure = { depth: 0, aliases: 0, fields: 0 }
      for (const node of set.selections) {
        let below: Measure = { depth: 0, aliases: 0, fields: 0 }
        if (node.kind === Kind.FIELD) {
          const introspection = hidden || node.name.value.startsWith('__')
          if (node.selectionSet) below = measure(node.selectionSet, introspection)
          if (!introspection) below.depth++
          if (node.alias) below.aliases++
          below.fields++
        } else if (node.kind === Kind.INLINE_FRAGMENT) {
          below = measure(node.selectionSet, hidden)
        } else {
          const fragment = context.getFragment(node.name.value)
          if (fragment) below = measureFragment(fragment, hidden)
        }
        sum.depth = Math.max(sum.depth, below.depth)
        sum.aliases += below.aliases
        sum.fields += below.fields
      }
      return sum
    }

    function measureFragment(fragment: FragmentDefinitionNode, hidden: boolean): Measure {
      const known = measured.get(fragment)
      if (known) return known
      // A circle is refused by GraphQL's own rule; here it only must end.
      if (open.has(fragment)) return { depth: 0, aliases: 0, fields: 0 }
      open.add(fragment)
      const result = measure(fragment.selectionSet, hidden)
      open.delete(fragment)
      measured.set(fragment, result)
      return result
    }

    return {
      OperationDefinition(node) {
        const { depth, aliases, fields } = measure(node.selectionSet, false)
        const refuse = (code: string, what: string, is: number, max: number) =>
          context.reportError(
            new GraphQLError(`The operation ${what}: ${is}; at most ${max} are allowed`, {
              nodes: node,
              extensions: { code },
            }),
          )
        if (depth > bounds.depthMax) refuse('QUERY_TOO_DEEP', 'nests too many fields', depth, bounds.depthMax)
        if (aliases > bounds.aliasesMax) refuse('TOO_MANY_ALIASES', 'has too many aliases', aliases, bounds.aliasesMax)
        if (fields > bounds.fieldsMax) refuse('TOO_MANY_FIELDS', 'selects too many fields', fields, bounds.fieldsMax)
        return false
      },
    }
  }
}
