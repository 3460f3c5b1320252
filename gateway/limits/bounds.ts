import {
  type DefinitionNode,
  type DocumentNode,
  type FragmentDefinitionNode,
  GraphQLError,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
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
  /** Milliseconds that a query may take. */
  queryMsMax: number
}

interface Measure {
  depth: number
  aliases: number
  fields: number
}

/** How often the same field may be selected beside itself, as pairs: GraphQL holds each against each other. */
const pairsMax = 20_000
/** All operations of a document together, in units of what one may select. */
const operationsFieldsMax = 10

/**
 * What a document is past, before anything else looks at it: checking it against the schema can take the square of its size.
 * Introspection is left out of the depth: tools ask for it deeply, and GraphQL has a bound of its own for it. Null where it
 * keeps all bounds.
 */
export function boundsError(document: DocumentNode, bounds: QueryBounds): GraphQLError | null {
  const fragments = new Map<string, FragmentDefinitionNode>()
  for (const d of document.definitions) if (d.kind === Kind.FRAGMENT_DEFINITION) fragments.set(d.name.value, d)
  const measured = new Map<FragmentDefinitionNode, Measure>()
  const open = new Set<FragmentDefinitionNode>()
  const spread = new Set<FragmentDefinitionNode>()
  let circle: FragmentDefinitionNode | undefined

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
        const fragment = fragments.get(node.name.value)
        if (fragment) {
          spread.add(fragment)
          below = measureFragment(fragment)
        }
      }
      sum.depth = Math.max(sum.depth, below.depth)
      sum.aliases += below.aliases
      sum.fields += below.fields
    }
    return sum
  }

  function measureFragment(fragment: FragmentDefinitionNode): Measure {
    const known = measured.get(fragment)
    if (known) return known
    if (open.has(fragment)) {
      circle = fragment
      return { depth: 0, aliases: 0, fields: 0 }
    }
    open.add(fragment)
    const result = measure(fragment.selectionSet, fragment.typeCondition.name.value.startsWith('__'))
    open.delete(fragment)
    measured.set(fragment, result)
    return result
  }

  const refuse = (nodes: DefinitionNode, code: string, message: string) =>
    new GraphQLError(message, { nodes, extensions: { code } })
  const roots: { node: OperationDefinitionNode | FragmentDefinitionNode; fields: number }[] = []
  for (const node of document.definitions) {
    if (node.kind !== Kind.OPERATION_DEFINITION && node.kind !== Kind.FRAGMENT_DEFINITION) continue
    const { depth, aliases, fields } =
      node.kind === Kind.FRAGMENT_DEFINITION ? measureFragment(node) : measure(node.selectionSet, false)
    if (circle) {
      const message = `Cannot spread fragment "${circle.name.value}" within itself`
      return refuse(circle, 'GRAPHQL_VALIDATION_FAILED', message)
    }
    const past = (what: string, is: number, max: number) => `The operation ${what}: ${is}; at most ${max} are allowed`
    if (depth > bounds.depthMax)
      return refuse(node, 'QUERY_TOO_DEEP', past('nests too many fields', depth, bounds.depthMax))
    if (aliases > bounds.aliasesMax)
      return refuse(node, 'TOO_MANY_ALIASES', past('has too many aliases', aliases, bounds.aliasesMax))
    if (fields > bounds.fieldsMax)
      return refuse(node, 'TOO_MANY_FIELDS', past('selects too many fields', fields, bounds.fieldsMax))
    roots.push({ node, fields })
  }
  const tops = roots.filter(({ node }) => node.kind === Kind.OPERATION_DEFINITION || !spread.has(node))
  const fieldsOfAll = tops.reduce((sum, { fields }) => sum + fields, 0)
  const whole = bounds.fieldsMax * operationsFieldsMax
  if (tops[0] && fieldsOfAll > whole) {
    const message = `The operations of the document select ${fieldsOfAll} fields; at most ${whole} are allowed`
    return refuse(tops[0].node, 'TOO_MANY_FIELDS', message)
  }
  for (const { node } of tops)
    if (pairsIn([node.selectionSet], fragments) > pairsMax)
      return refuse(node, 'TOO_MANY_FIELDS', 'The operation selects the same fields again and again: select each once')
  return null
}

/** How many pairs of fields these selections have that share their place in the answer. */
function pairsIn(sets: readonly SelectionSetNode[], fragments: ReadonlyMap<string, FragmentDefinitionNode>): number {
  const places = new Map<string, { count: number; below: SelectionSetNode[] }>()
  const collect = (set: SelectionSetNode) => {
    for (const node of set.selections) {
      if (node.kind === Kind.FIELD) {
        const name = (node.alias ?? node.name).value
        const place = places.get(name) ?? { count: 0, below: [] }
        place.count++
        if (node.selectionSet) place.below.push(node.selectionSet)
        places.set(name, place)
      } else if (node.kind === Kind.INLINE_FRAGMENT) collect(node.selectionSet)
      else {
        const fragment = fragments.get(node.name.value)
        if (fragment) collect(fragment.selectionSet)
      }
    }
  }
  for (const set of sets) collect(set)
  let pairs = 0
  for (const { count, below } of places.values())
    pairs += (count * (count - 1)) / 2 + (below.length > 0 ? pairsIn(below, fragments) : 0)
  return pairs
}
