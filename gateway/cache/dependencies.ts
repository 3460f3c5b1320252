import {
  type GraphQLInputType,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  isInputObjectType,
  isInputType,
  isListType,
  isNonNullType,
  isObjectType,
  type NamedTypeNode,
  type TypeNode,
  typeFromAST,
  type ValueNode,
  valueFromASTUntyped,
} from 'graphql'
import { ownValue } from '../../schema/kit/dictionary.ts'
import type { CacheableGraph } from '../../subgraphs/contract.ts'
import type { FieldSelection, Operation, SelectionSet } from '../operation/document.ts'

/** The records on which the response of an operation depends. */
export interface Dependencies {
  /**
   * A change of any record of these types invalidates the response: it lists such records, or does
   * not select their ids.
   */
  types: ReadonlySet<string>
  /**
   * Single golden records by their ids. A change of that record invalidates the response; where
   * none was found, a change of any record of the type does.
   */
  records: readonly { path: readonly string[]; type: string }[]
  /**
   * Returns true if these variables make the response depend on data that changes without an event.
   */
  isVolatile(variables: Readonly<Record<string, unknown>>): boolean
}

/**
 * Returns the dependencies of an operation, or null if its response depends on data that changes
 * without an event.
 */
export function dependenciesOf(graph: CacheableGraph, operation: Operation): Dependencies | null {
  const { node, selected, document } = operation
  if (operation.type !== 'query') return null
  const types = new Set<string>()
  const records: { path: string[]; type: string }[] = []
  const inLiteral = (value: ValueNode | undefined, declared: GraphQLInputType | undefined) =>
    value !== undefined &&
    declared !== undefined &&
    holdsVolatile(graph, valueFromASTUntyped(value), declared)

  const visit = (set: SelectionSet, path: readonly string[]): boolean => {
    if (!isObjectType(set.type)) return false
    return set.selections.every((s) => {
      if (s.kind === 'FIELD')
        return !s.node.directives?.length && visitField(s, set.type?.name ?? '', path)
      return s.directives.length === 0 && s.selected.type === set.type && visit(s.selected, path)
    })
  }
  const visitField = (s: FieldSelection, parent: string, path: readonly string[]): boolean => {
    if (s.name === '__typename') return true
    if (!s.definition || !graph.fields.has(`${parent}.${s.name}`)) return false
    if (s.node.arguments?.some((a) => inLiteral(a.value, argumentType(s, a.name.value))))
      return false
    if (!s.selected) return true
    const below = getNamedType(s.definition.type).name
    const at = [...path, s.key]
    if (below.endsWith('Connection')) types.add(below.slice(0, -'Connection'.length))
    if (graph.types.has(below)) {
      const isList = isListType(
        isNonNullType(s.definition.type) ? s.definition.type.ofType : s.definition.type,
      )
      const ofOne = !isList && !graph.wholeTypes.has(`${parent}.${s.name}`)
      if (ofOne && selectsId(s.selected)) records.push({ path: at, type: below })
      else types.add(below)
    }
    return visit(s.selected, at)
  }

  if (!visit(selected, [])) return null
  const variables = (node.variableDefinitions ?? []).flatMap(({ variable, type, defaultValue }) => {
    const declared = inputType(document.schema, type)
    return declared ? [{ name: variable.name.value, declared, defaultValue }] : []
  })
  if (variables.some((v) => inLiteral(v.defaultValue, v.declared))) return null
  return {
    types,
    records: records.filter((r) => !types.has(r.type)),
    isVolatile: (given) =>
      variables.some(({ name, declared }) => holdsVolatile(graph, ownValue(given, name), declared)),
  }
}

/** Returns the input object type of a variable, or null if it has none. */
function inputType(schema: GraphQLSchema, node: TypeNode): GraphQLInputType | null {
  const type = typeFromAST(schema, node as NamedTypeNode)
  return isInputType(type) && isInputObjectType(getNamedType(type)) ? type : null
}

function argumentType({ definition }: FieldSelection, name: string): GraphQLInputType | undefined {
  return definition?.args.find((a) => a.name === name)?.type
}

function selectsId({ selections }: SelectionSet): boolean {
  return selections.some((s) => s.kind === 'FIELD' && s.key === 'id' && s.name === 'id')
}

/** Returns true if a value of an input type holds one of the volatile inputs. */
function holdsVolatile(graph: CacheableGraph, value: unknown, type: GraphQLInputType): boolean {
  if (value === null || value === undefined) return false
  const nullable = getNullableType(type)
  if (isListType(nullable))
    return (Array.isArray(value) ? value : [value]).some((v) =>
      holdsVolatile(graph, v, nullable.ofType),
    )
  if (!isInputObjectType(nullable)) return false
  if (graph.volatileInputs.has(nullable.name)) return true
  const fields = nullable.getFields()
  return Object.entries(value).some(
    ([name, v]) => fields[name] && holdsVolatile(graph, v, fields[name].type),
  )
}

/**
 * Returns the golden ids that a response holds at these paths, and the types of the paths that hold
 * none.
 */
export function recordsIn(
  data: unknown,
  records: Dependencies['records'],
): { ids: Set<string>; types: Set<string> } {
  const ids = new Set<string>()
  const types = new Set<string>()
  const look = (at: unknown, path: readonly string[], type: string): void => {
    if (Array.isArray(at)) for (const item of at) look(item, path, type)
    else if (at === null || at === undefined) types.add(type)
    else if (path.length > 0)
      look(ownValue(at as Record<string, unknown>, path[0] ?? ''), path.slice(1), type)
    // The id of an earlier record is its golden id and a moment (subgraphs/shared/pastId.ts).
    else ids.add(String((at as { id: unknown }).id).split('@', 1)[0] ?? '')
  }
  for (const { path, type } of records) look(data, path, type)
  return { ids, types }
}
