import {
  type DocumentNode,
  type FieldNode,
  type GraphQLSchema,
  isAbstractType,
  isObjectType,
  Kind,
  print,
  type SelectionNode,
  type SelectionSetNode,
  TypeInfo,
  visit,
  visitWithTypeInfo,
} from 'graphql'

/** Keys of a response that the gateway adds to each fetch. */
export const TYPE_KEY = '_touchstone_type'
export const ID_KEY = '_touchstone_id'

/** A fetch as it is sent to an own subgraph. */
export interface OwnDocument {
  text: string
  /** The variables that hold representations of entities, with the keys of their results. */
  representations: ReadonlyMap<string, readonly string[]>
}

/**
 * Adds what the gateway needs to check a response: the type wherever it may differ, and the id of
 * each object that Touchstone owns, however the operation selects it.
 */
export function ownDocument(
  schema: GraphQLSchema,
  document: DocumentNode,
  isShipped: (type: string) => boolean,
): OwnDocument {
  const info = new TypeInfo(schema)
  const representations = new Map<string, string[]>()
  const sent = visit(
    document,
    visitWithTypeInfo(info, {
      SelectionSet: {
        leave(node): SelectionSetNode | undefined {
          const type = info.getParentType()
          if (!type) return undefined
          const added: SelectionNode[] = []
          if (isAbstractType(type)) {
            added.push(field('__typename', TYPE_KEY))
            for (const t of schema.getPossibleTypes(type))
              if (isShipped(t.name)) added.push(onType(t.name))
          } else if (isObjectType(type) && isShipped(type.name)) added.push(field('id', ID_KEY))
          return added.length > 0
            ? { ...node, selections: [...node.selections, ...added] }
            : undefined
        },
      },
      Field(node) {
        if (node.name.value !== '_entities') return
        const value = node.arguments?.find((a) => a.name.value === 'representations')?.value
        if (value?.kind !== Kind.VARIABLE) return
        const keys = representations.get(value.name.value) ?? []
        representations.set(value.name.value, [...keys, node.alias?.value ?? '_entities'])
      },
    }),
  )
  return { text: print(sent), representations }
}

function field(name: string, alias: string): FieldNode {
  return {
    kind: Kind.FIELD,
    name: { kind: Kind.NAME, value: name },
    alias: { kind: Kind.NAME, value: alias },
  }
}

function onType(name: string): SelectionNode {
  return {
    kind: Kind.INLINE_FRAGMENT,
    typeCondition: { kind: Kind.NAMED_TYPE, name: { kind: Kind.NAME, value: name } },
    selectionSet: { kind: Kind.SELECTION_SET, selections: [field('id', ID_KEY)] },
  }
}
