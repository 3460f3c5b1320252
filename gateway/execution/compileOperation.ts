import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
  getArgumentValues,
  getOperationAST,
  isAbstractType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
  visit,
} from 'graphql'

/** A field of an operation on one type of the schema: all that does not depend on variables is worked out. */
export interface FieldPlan {
  key: string
  nodes: readonly FieldNode[]
  field: GraphQLField<unknown, unknown>
  parent: GraphQLObjectType
  /** `__typename` of the parent; nothing is resolved. */
  typename: boolean
  /** The same for all parents, or a place among those that are worked out once an execution. */
  args: Readonly<Record<string, unknown>> | null
  slot: number
  value: ValuePlan
}

export interface ValuePlan {
  type: GraphQLOutputType
  nonNull: boolean
  kind: 'LEAF' | 'LIST' | 'OBJECT' | 'ABSTRACT'
  /** Of a list. */
  item: ValuePlan | null
  /** What is selected of an object, by its type. */
  selected: (type: GraphQLObjectType) => readonly FieldPlan[]
}

export interface OperationPlan {
  schema: GraphQLSchema
  operation: OperationDefinitionNode
  fragments: Record<string, FragmentDefinitionNode>
  root: readonly FieldPlan[]
  rootType: GraphQLObjectType
  /** How many arguments are worked out once an execution. */
  slots: number
}

/**
 * What an execution of a query would find out again each time: which fields of which types, with which arguments. Null for
 * what is left to graphql-js: mutations and subscriptions, @skip and @include, introspection, and types that only a
 * predicate tells apart.
 */
export function compileOperation(
  schema: GraphQLSchema,
  document: DocumentNode,
  operationName: string | undefined,
): OperationPlan | null {
  const operation = getOperationAST(document, operationName)
  const rootType = schema.getQueryType()
  if (operation?.operation !== 'query' || !rootType || !isPlain(document)) return null
  if (Object.values(schema.getTypeMap()).some((t) => isObjectType(t) && t.isTypeOf)) return null
  const fragments: Record<string, FragmentDefinitionNode> = {}
  for (const d of document.definitions) if (d.kind === Kind.FRAGMENT_DEFINITION) fragments[d.name.value] = d
  let slots = 0

  const fieldPlan = (parent: GraphQLObjectType, key: string, nodes: FieldNode[]): FieldPlan | null => {
    const [node] = nodes
    const name = node?.name.value ?? ''
    const typename = name === '__typename'
    const field = typename ? typenameField : parent.getFields()[name]
    if (!field || !node) return null
    const varies = field.args.length > 0 && hasVariables(node)
    return {
      key,
      nodes,
      field,
      parent,
      typename,
      args: varies ? null : typename ? {} : tryArguments(field, node),
      slot: slots++,
      value: valuePlan(field.type, nodes),
    }
  }

  const valuePlan = (given: GraphQLOutputType, nodes: readonly FieldNode[]): ValuePlan => {
    const nonNull = isNonNullType(given)
    const type = nonNull ? given.ofType : given
    const known = new Map<GraphQLObjectType, readonly FieldPlan[]>()
    return {
      type,
      nonNull,
      kind: isListType(type) ? 'LIST' : isLeafType(type) ? 'LEAF' : isAbstractType(type) ? 'ABSTRACT' : 'OBJECT',
      item: isListType(type) ? valuePlan(type.ofType, nodes) : null,
      selected(of) {
        let found = known.get(of)
        if (!found) {
          found = select(
            of,
            nodes.flatMap((n) => n.selectionSet ?? []),
          )
          known.set(of, found)
        }
        return found
      },
    }
  }

  const select = (type: GraphQLObjectType, sets: readonly SelectionSetNode[]): readonly FieldPlan[] => {
    const grouped = new Map<string, FieldNode[]>()
    const spread = new Set<string>()
    const collect = ({ selections }: SelectionSetNode): void => {
      for (const node of selections) {
        if (node.kind === Kind.FIELD) {
          const key = node.alias?.value ?? node.name.value
          const nodes = grouped.get(key)
          if (nodes) nodes.push(node)
          else grouped.set(key, [node])
        } else if (node.kind === Kind.INLINE_FRAGMENT) {
          if (applies(node.typeCondition?.name.value, type)) collect(node.selectionSet)
        } else if (!spread.has(node.name.value)) {
          spread.add(node.name.value)
          const fragment = fragments[node.name.value]
          if (fragment && applies(fragment.typeCondition.name.value, type)) collect(fragment.selectionSet)
        }
      }
    }
    for (const set of sets) collect(set)
    return [...grouped].flatMap(([key, nodes]) => fieldPlan(type, key, nodes) ?? [])
  }

  const applies = (condition: string | undefined, type: GraphQLObjectType): boolean => {
    if (condition === undefined || condition === type.name) return true
    const found = schema.getType(condition)
    return isAbstractType(found) && schema.isSubType(found, type)
  }

  const root = select(rootType, [operation.selectionSet])
  return {
    schema,
    operation,
    fragments,
    root,
    rootType,
    // Plans of types that only turn up later number on.
    get slots() {
      return slots
    },
  }
}

/** Stands for the field that every type has. */
const typenameField = { name: '__typename', args: [] } as unknown as GraphQLField<unknown, unknown>
Object.assign(typenameField, { type: new GraphQLObjectType({ name: 'Typename', fields: {} }) })

/** No directives that decide at run time, and no introspection. */
function isPlain(document: DocumentNode): boolean {
  let plain = true
  visit(document, {
    Directive() {
      plain = false
    },
    Field(node) {
      if (node.name.value === '__schema' || node.name.value === '__type') plain = false
    },
  })
  return plain
}

function hasVariables(node: FieldNode): boolean {
  let found = false
  for (const argument of node.arguments ?? [])
    visit(argument, {
      Variable() {
        found = true
      },
    })
  return found
}

/** Null where they do not fit: that is said at the field, when it is executed. */
function tryArguments(field: GraphQLField<unknown, unknown>, node: FieldNode): Record<string, unknown> | null {
  try {
    return getArgumentValues(field, node, {})
  } catch {
    return null
  }
}
