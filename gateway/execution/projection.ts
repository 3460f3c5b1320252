import {
  type DocumentNode,
  type FragmentDefinitionNode,
  type GraphQLNamedType,
  type GraphQLOutputType,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isCompositeType,
  isEnumType,
  isNonNullType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql'

/** The part of what the subgraphs answered that was asked for, in its order. */
export type Projection = (data: unknown) => unknown

interface FieldProjection {
  key: string
  /** The value is the type's name, where the subgraph did not say it. */
  typename: boolean
  nonNull: boolean
  of: Projection | null
}

/**
 * What an operation without @skip and @include selects, worked out once for each type. As the planner's own projection: a
 * value that no subgraph gave is null, and its whole object is where the schema says that it cannot be.
 */
export function compileProjection(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
): Projection {
  const fragments = new Map(
    document.definitions.flatMap((d): [string, FragmentDefinitionNode][] =>
      d.kind === Kind.FRAGMENT_DEFINITION ? [[d.name.value, d]] : [],
    ),
  )

  const object = (type: GraphQLNamedType, sets: readonly SelectionSetNode[]): Projection => {
    const known = new Map<GraphQLNamedType, readonly FieldProjection[]>()
    const fieldsOf = (of: GraphQLNamedType) => {
      let fields = known.get(of)
      if (!fields) {
        fields = select(of, sets)
        known.set(of, fields)
      }
      return fields
    }
    const statically = isObjectType(type) ? fieldsOf(type) : null
    const project: Projection = (data) => {
      if (data === null || data === undefined) return data
      if (Array.isArray(data)) {
        const items = new Array<unknown>(data.length)
        for (let n = 0; n < data.length; n++) items[n] = project(data[n])
        return items
      }
      const from = data as Record<string, unknown>
      const name = from.__typename as string | undefined
      const fields =
        statically && (name === undefined || name === type.name)
          ? statically
          : fieldsOf((name === undefined ? undefined : schema.getType(name)) ?? type)
      const result: Record<string, unknown> = {}
      for (const { key, of, typename, nonNull } of fields) {
        const value = of ? of(from[key]) : from[key]
        if (value !== undefined) result[key] = value
        else if (typename) result[key] = name ?? type.name
        else if (nonNull) return null
        else result[key] = null
      }
      return result
    }
    return project
  }

  const select = (type: GraphQLNamedType, sets: readonly SelectionSetNode[]): readonly FieldProjection[] => {
    const grouped = new Map<string, { name: string; sets: SelectionSetNode[] }>()
    const collect = ({ selections }: SelectionSetNode): void => {
      for (const node of selections) {
        if (node.kind === Kind.FIELD) {
          const key = node.alias?.value ?? node.name.value
          const known = grouped.get(key) ?? { name: node.name.value, sets: [] }
          if (node.selectionSet) known.sets.push(node.selectionSet)
          grouped.set(key, known)
          continue
        }
        const fragment = node.kind === Kind.FRAGMENT_SPREAD ? fragments.get(node.name.value) : node
        if (fragment && applies(fragment.typeCondition?.name.value, type)) collect(fragment.selectionSet)
      }
    }
    for (const set of sets) collect(set)
    return [...grouped].flatMap(([key, { name, sets: below }]): FieldProjection[] => {
      if (name === '__typename') return [{ key, typename: true, nonNull: true, of: null }]
      const field = 'getFields' in type ? type.getFields()[name] : undefined
      if (!field) return []
      return [{ key, typename: false, nonNull: isNonNullType(field.type), of: value(field.type as never, below) }]
    })
  }

  const value = (type: GraphQLOutputType, sets: readonly SelectionSetNode[]): Projection | null => {
    const named = getNamedType(type)
    if (isCompositeType(named)) return object(named, sets)
    if (!isEnumType(named)) return null
    const project: Projection = (given) => {
      if (Array.isArray(given)) return given.map(project)
      if (given === undefined) return undefined
      return typeof given === 'string' && named.getValue(given) ? given : null
    }
    return project
  }

  const applies = (condition: string | undefined, type: GraphQLNamedType): boolean => {
    if (condition === undefined || condition === type.name) return true
    const found = schema.getType(condition)
    return isAbstractType(found) && isObjectType(type) && schema.isSubType(found, type)
  }

  const root = schema.getRootType(operation.operation)
  if (!root) throw new Error(`the schema has no ${operation.operation}`)
  return object(root, [operation.selectionSet])
}
