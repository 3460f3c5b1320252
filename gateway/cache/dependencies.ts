import {
  type DocumentNode,
  type FragmentDefinitionNode,
  type GraphQLSchema,
  getNamedType,
  isListType,
  isNonNullType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql'
import type { CacheableGraph } from '../../subgraphs/contract.ts'

/** What an answer to an operation hangs on. */
export interface Dependencies {
  /** Any change of a record of these types may change it: it has lists of them, or does not say which they are. */
  types: ReadonlySet<string>
  /** Single golden records in it that say their id: a change of that one may change it, and where there is none, any. */
  records: readonly { path: readonly string[]; type: string }[]
}

/** Null where the answer hangs on something that changes without an event. */
export function dependenciesOf(
  graph: CacheableGraph,
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
): Dependencies | null {
  const fragments = new Map(
    document.definitions.flatMap((d): [string, FragmentDefinitionNode][] =>
      d.kind === Kind.FRAGMENT_DEFINITION ? [[d.name.value, d]] : [],
    ),
  )
  const types = new Set<string>()
  const records: { path: string[]; type: string }[] = []

  /** False where there is something that is not known. */
  const walk = (sets: readonly SelectionSetNode[], typeName: string, path: readonly string[]): boolean => {
    const type = schema.getType(typeName)
    if (!isObjectType(type)) return false
    return sets.every(({ selections }) =>
      selections.every((node) => {
        if (node.directives?.length) return false
        if (node.kind !== Kind.FIELD) {
          const fragment = node.kind === Kind.INLINE_FRAGMENT ? node : fragments.get(node.name.value)
          const condition = fragment?.typeCondition?.name.value ?? typeName
          return fragment !== undefined && condition === typeName && walk([fragment.selectionSet], typeName, path)
        }
        const name = node.name.value
        if (name === '__typename') return true
        const field = type.getFields()[name]
        if (!field || !graph.fields.has(`${typeName}.${name}`)) return false
        if (!node.selectionSet) return true
        const below = getNamedType(field.type).name
        const at = [...path, node.alias?.value ?? name]
        if (below.endsWith('Connection')) types.add(below.slice(0, -'Connection'.length))
        if (graph.types.has(below)) {
          const nullable = isNonNullType(field.type) ? field.type.ofType : field.type
          if (saysId(node.selectionSet) && !isListType(nullable)) records.push({ path: at, type: below })
          else types.add(below)
        }
        return walk([node.selectionSet], below, at)
      }),
    )
  }
  const root = schema.getQueryType()
  if (operation.operation !== 'query' || !root || !walk([operation.selectionSet], root.name, [])) return null
  return { types, records: records.filter((r) => !types.has(r.type)) }
}

function saysId({ selections }: SelectionSetNode): boolean {
  return selections.some((s) => s.kind === Kind.FIELD && s.name.value === 'id' && !s.alias)
}

/** Golden ids that an answer names at these places, and the types of those that it has none of. */
export function recordsIn(data: unknown, { records }: Dependencies): { ids: Set<string>; types: Set<string> } {
  const ids = new Set<string>()
  const types = new Set<string>()
  const look = (at: unknown, path: readonly string[], type: string): void => {
    if (Array.isArray(at)) for (const item of at) look(item, path, type)
    else if (at === null || at === undefined) types.add(type)
    else if (path.length > 0) look((at as Record<string, unknown>)[path[0] ?? ''], path.slice(1), type)
    else ids.add(String((at as { id: unknown }).id))
  }
  for (const { path, type } of records) look(data, path, type)
  return { ids, types }
}
