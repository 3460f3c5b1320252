import { type DefinitionNode, GraphQLError, type OperationDefinitionNode } from 'graphql'
import type { DocumentTree, Fragment, SelectionSet } from '../operation/document.ts'
import type { QueryBounds } from './bounds.ts'

interface Measure {
  depth: number
  aliases: number
  fields: number
}

/** Pairs of selections of one field in the same place: validation compares each with each. */
const pairsMax = 20_000
/** Maximum fields of all operations of a document together, in multiples of `fieldsMax`. */
const operationsFieldsMax = 10

/**
 * Returns which bound a document exceeds, or null. Runs before validation, which can take the
 * square of the document's size. Introspection does not count towards the depth: tools nest it
 * deeply, and GraphQL has its own bound for it.
 */
export function documentBoundsError(tree: DocumentTree, bounds: QueryBounds): GraphQLError | null {
  if (tree.circle) {
    const message = `Cannot spread fragment "${tree.circle.name.value}" within itself`
    return rejection(tree.circle, 'GRAPHQL_VALIDATION_FAILED', message)
  }
  const measured = new Map<SelectionSet, Measure>()
  /** Fragments count like operations: an unused fragment is work for validation too. */
  const roots: { node: DefinitionNode; selected: SelectionSet; fields: number }[] = []
  for (const definition of inOrder(tree)) {
    const { node, selected } = definition
    const { depth, aliases, fields } = measure(selected, isIntrospection(selected), measured)
    const exceeded = (what: string, is: number, max: number) =>
      `The operation ${what}: ${is}; at most ${max} are allowed`
    if (depth > bounds.depthMax)
      return rejection(
        node,
        'QUERY_TOO_DEEP',
        exceeded('nests too many fields', depth, bounds.depthMax),
      )
    if (aliases > bounds.aliasesMax)
      return rejection(
        node,
        'TOO_MANY_ALIASES',
        exceeded('has too many aliases', aliases, bounds.aliasesMax),
      )
    if (fields > bounds.fieldsMax)
      return rejection(
        node,
        'TOO_MANY_FIELDS',
        exceeded('selects too many fields', fields, bounds.fieldsMax),
      )
    if (!('isSpread' in definition && definition.isSpread)) roots.push({ node, selected, fields })
  }
  const fieldsOfAll = roots.reduce((sum, { fields }) => sum + fields, 0)
  const max = bounds.fieldsMax * operationsFieldsMax
  if (roots[0] && fieldsOfAll > max) {
    const message = `The operations of the document select ${fieldsOfAll} fields; at most ${max} are allowed`
    return rejection(roots[0].node, 'TOO_MANY_FIELDS', message)
  }
  for (const { node, selected } of roots)
    if (pairsIn([selected], measured) > pairsMax)
      return rejection(
        node,
        'TOO_MANY_FIELDS',
        'The operation repeats the same fields too often: select each once',
      )
  return null
}

function inOrder(
  tree: DocumentTree,
): ({ node: OperationDefinitionNode; selected: SelectionSet } | Fragment)[] {
  const all = [...tree.operations, ...tree.fragmentDefinitions]
  const at = new Map(tree.node.definitions.map((d, n) => [d, n]))
  return all.sort((a, b) => (at.get(a.node) ?? 0) - (at.get(b.node) ?? 0))
}

function rejection(nodes: DefinitionNode, code: string, message: string): GraphQLError {
  return new GraphQLError(message, { nodes, extensions: { code } })
}

function isIntrospection({ type }: SelectionSet): boolean {
  return type?.name.startsWith('__') ?? false
}

function measure(
  set: SelectionSet,
  hidden: boolean,
  measured: Map<SelectionSet, Measure>,
): Measure {
  const known = measured.get(set)
  if (known) return known
  const sum: Measure = { depth: 0, aliases: 0, fields: 0 }
  for (const s of set.selections) {
    // A fragment is measured once for all its spreads, so where it is spread must not matter.
    const introspection =
      s.kind === 'FIELD'
        ? hidden || s.name.startsWith('__')
        : s.name === null
          ? hidden
          : isIntrospection(s.selected)
    const below = s.selected
      ? measure(s.selected, introspection, measured)
      : { depth: 0, aliases: 0, fields: 0 }
    const isField = s.kind === 'FIELD'
    sum.depth = Math.max(sum.depth, below.depth + (isField && !introspection ? 1 : 0))
    sum.aliases += below.aliases + (isField && s.node.alias ? 1 : 0)
    sum.fields += below.fields + (isField ? 1 : 0)
  }
  measured.set(set, sum)
  return sum
}

/**
 * Returns how many pairs of selections in these sets share their key in the response. `measured` has
 * every set: one without any field is skipped, because the bound of fields does not bound how often
 * it is spread. A fragment that spreads only unknown ones is such a set.
 */
function pairsIn(
  sets: readonly SelectionSet[],
  measured: ReadonlyMap<SelectionSet, Measure>,
): number {
  const byKey = new Map<string, { count: number; below: SelectionSet[] }>()
  const collect = ({ selections }: SelectionSet) => {
    for (const s of selections) {
      if (s.kind === 'FRAGMENT') {
        if (measured.get(s.selected)?.fields !== 0) collect(s.selected)
        continue
      }
      const same = byKey.get(s.key) ?? { count: 0, below: [] }
      same.count++
      if (s.selected) same.below.push(s.selected)
      byKey.set(s.key, same)
    }
  }
  for (const set of sets) collect(set)
  let pairs = 0
  for (const { count, below } of byKey.values())
    pairs += (count * (count - 1)) / 2 + (below.length > 0 ? pairsIn(below, measured) : 0)
  return pairs
}
