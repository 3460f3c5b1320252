import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
  getArgumentValues,
  isAbstractType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  type OperationDefinitionNode,
} from 'graphql'
import {
  type FieldSelection,
  fieldsOfObject,
  hasDirectives,
  operationNamed,
  readDocument,
  type SelectionSet,
  selectionsIn,
} from '../operation/document.ts'

/** A field of a fetch on one object type, with everything that does not depend on variables. */
export interface FieldPlan {
  key: string
  nodes: readonly FieldNode[]
  field: GraphQLField<unknown, unknown>
  parent: GraphQLObjectType
  /** True if it is `__typename`, which needs no resolver. */
  isTypename: boolean
  /**
   * The arguments if they are constant. Null if they are computed once per execution, in `slot`.
   */
  args: Readonly<Record<string, unknown>> | null
  slot: number
  value: ValuePlan
}

export interface ValuePlan {
  type: GraphQLOutputType
  nonNull: boolean
  kind: 'LEAF' | 'LIST' | 'OBJECT' | 'ABSTRACT'
  /** The items of a list. */
  item: ValuePlan | null
  /** Returns the selected fields of an object of this type. */
  fieldsOf: (type: GraphQLObjectType) => readonly FieldPlan[]
}

export interface FetchPlan {
  schema: GraphQLSchema
  operation: OperationDefinitionNode
  fragments: Record<string, FragmentDefinitionNode>
  root: readonly FieldPlan[]
  rootType: GraphQLObjectType
  /** The number of arguments that are computed once per execution. */
  slots: number
}

/**
 * Compiles a query to one subgraph: which fields of which types, with which arguments. Returns null
 * for operations that graphql-js executes: mutations, subscriptions, directives, introspection, and
 * schemas with types that only a predicate can distinguish.
 */
export function compileFetch(
  schema: GraphQLSchema,
  document: DocumentNode,
  operationName: string | undefined,
): FetchPlan | null {
  const tree = readDocument(schema, document)
  const operation = operationNamed(tree, operationName)
  const rootType = schema.getQueryType()
  if (
    operation?.type !== 'query' ||
    !rootType ||
    hasDirectives(operation) ||
    introspects(operation.selected)
  )
    return null
  if (Object.values(schema.getTypeMap()).some((t) => isObjectType(t) && t.isTypeOf)) return null
  let slots = 0

  const fieldPlan = (
    parent: GraphQLObjectType,
    key: string,
    selections: readonly FieldSelection[],
  ): FieldPlan[] => {
    const [first] = selections
    const isTypename = first?.name === '__typename'
    const field = isTypename ? typenameField : parent.getFields()[first?.name ?? '']
    if (!field || !first) return []
    const varies = field.args.length > 0 && first.variables.size > 0
    return [
      {
        key,
        nodes: selections.map((s) => s.node),
        field,
        parent,
        isTypename,
        args: varies ? null : isTypename ? {} : tryArguments(field, first.node),
        slot: slots++,
        value: valuePlan(
          field.type,
          selections.flatMap((s) => s.selected ?? []),
        ),
      },
    ]
  }

  const valuePlan = (given: GraphQLOutputType, sets: readonly SelectionSet[]): ValuePlan => {
    const nonNull = isNonNullType(given)
    const type = nonNull ? given.ofType : given
    const known = new Map<GraphQLObjectType, readonly FieldPlan[]>()
    return {
      type,
      nonNull,
      kind: isListType(type)
        ? 'LIST'
        : isLeafType(type)
          ? 'LEAF'
          : isAbstractType(type)
            ? 'ABSTRACT'
            : 'OBJECT',
      item: isListType(type) ? valuePlan(type.ofType, sets) : null,
      fieldsOf(object) {
        let fields = known.get(object)
        if (!fields) {
          fields = fieldPlans(object, sets)
          known.set(object, fields)
        }
        return fields
      },
    }
  }

  const fieldPlans = (
    type: GraphQLObjectType,
    sets: readonly SelectionSet[],
  ): readonly FieldPlan[] =>
    [...fieldsOfObject(schema, type, sets)].flatMap(([key, selections]) =>
      fieldPlan(type, key, selections),
    )

  const root = fieldPlans(rootType, [operation.selected])
  return {
    schema,
    operation: operation.node,
    fragments: Object.fromEntries([...tree.fragments].map(([name, { node }]) => [name, node])),
    root,
    rootType,
    // Types that first occur during an execution add fields, and therefore slots.
    get slots() {
      return slots
    },
  }
}

/** Stands for the field that every type has. */
const typenameField = { name: '__typename', args: [] } as unknown as GraphQLField<unknown, unknown>
Object.assign(typenameField, { type: new GraphQLObjectType({ name: 'Typename', fields: {} }) })

function introspects(root: SelectionSet): boolean {
  for (const [s] of selectionsIn(root))
    if (s.kind === 'FIELD' && (s.name === '__schema' || s.name === '__type')) return true
  return false
}

/** Returns null if the arguments are not valid: execution reports that at the field. */
function tryArguments(
  field: GraphQLField<unknown, unknown>,
  node: FieldNode,
): Record<string, unknown> | null {
  try {
    return getArgumentValues(field, node, {})
  } catch {
    return null
  }
}
