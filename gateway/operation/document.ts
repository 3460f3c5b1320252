import {
  type ArgumentNode,
  type ConstDirectiveNode,
  type DirectiveNode,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isInterfaceType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  type OperationTypeNode,
  type SelectionSetNode,
  type ValueNode,
} from 'graphql'

/** The values of an operation's variables, by name. */
export type Variables = Readonly<Record<string, unknown>>

/** A selection set with the type that it selects from. All spreads of a fragment share one. */
export interface SelectionSet {
  /** Undefined if the document is not valid. */
  type: GraphQLNamedType | undefined
  selections: Selection[]
}

export type Selection = FieldSelection | FragmentSelection

export interface FieldSelection {
  kind: 'FIELD'
  node: FieldNode
  /** The name of its value in the response: the alias, else the name of the field. */
  key: string
  name: string
  /** Undefined for `__typename`, `__schema` and `__type`, and where the document is not valid. */
  definition: GraphQLField<unknown, unknown> | undefined
  /** Variables in its arguments and directives. */
  variables: ReadonlySet<string>
  /** Null for a leaf. */
  selected: SelectionSet | null
}

export interface FragmentSelection {
  kind: 'FRAGMENT'
  /** Null for an inline fragment. */
  name: string | null
  /** The name of the type in its condition. */
  condition: string | undefined
  directives: readonly DirectiveNode[]
  variables: ReadonlySet<string>
  selected: SelectionSet
}

export interface Operation {
  node: OperationDefinitionNode
  document: DocumentTree
  type: OperationTypeNode
  name: string | null
  selected: SelectionSet
}

export interface Fragment {
  node: FragmentDefinitionNode
  selected: SelectionSet
  /** False if no operation and no other fragment spreads it. */
  isSpread: boolean
}

/** A document as a tree of selections over the types of a schema: the only reader of its syntax. */
export interface DocumentTree {
  node: DocumentNode
  schema: GraphQLSchema
  operations: readonly Operation[]
  fragments: ReadonlyMap<string, Fragment>
  /** Every fragment definition, also those of a name that is defined twice. */
  fragmentDefinitions: readonly Fragment[]
  /** A fragment that spreads itself. The tree is then a circle and can only be rejected. */
  circle: FragmentDefinitionNode | null
}

const none: ReadonlySet<string> = new Set()

/**
 * Builds the tree of a document in one pass over its syntax, each fragment once. The document need
 * not be valid: names that are not in the schema have no type.
 */
export function readDocument(schema: GraphQLSchema, node: DocumentNode): DocumentTree {
  const fragments = new Map<string, Fragment>()
  const fragmentDefinitions: Fragment[] = []
  const open = new Set<Fragment>()
  const unread = new Set<Fragment>()
  let circle: FragmentDefinitionNode | null = null

  const readSet = (set: SelectionSetNode, into: SelectionSet): SelectionSet => {
    for (const s of set.selections) {
      if (s.kind === Kind.FIELD) into.selections.push(readField(s, into.type))
      else if (s.kind === Kind.INLINE_FRAGMENT) {
        const condition = s.typeCondition?.name.value
        const type = condition === undefined ? into.type : schema.getType(condition)
        const selected = readSet(s.selectionSet, { type, selections: [] })
        into.selections.push(fragmentSelection(null, condition, s.directives, selected))
      } else {
        const fragment = fragments.get(s.name.value)
        if (!fragment) continue
        fragment.isSpread = true
        const { selected } = readFragment(fragment)
        into.selections.push(
          fragmentSelection(
            s.name.value,
            fragment.node.typeCondition.name.value,
            s.directives,
            selected,
          ),
        )
      }
    }
    return into
  }

  const readField = (field: FieldNode, parent: GraphQLNamedType | undefined): FieldSelection => {
    const name = field.name.value
    const definition =
      isObjectType(parent) || isInterfaceType(parent) ? parent.getFields()[name] : undefined
    const { selectionSet } = field
    return {
      kind: 'FIELD',
      node: field,
      key: field.alias?.value ?? name,
      name,
      definition,
      variables: variablesIn(field.arguments, field.directives),
      selected: selectionSet
        ? readSet(selectionSet, {
            type: definition && getNamedType(definition.type),
            selections: [],
          })
        : null,
    }
  }

  const readFragment = (fragment: Fragment): Fragment => {
    if (open.has(fragment)) circle ??= fragment.node
    if (!unread.delete(fragment)) return fragment
    open.add(fragment)
    readSet(fragment.node.selectionSet, fragment.selected)
    open.delete(fragment)
    return fragment
  }

  for (const d of node.definitions) {
    if (d.kind !== Kind.FRAGMENT_DEFINITION) continue
    const selected: SelectionSet = {
      type: schema.getType(d.typeCondition.name.value),
      selections: [],
    }
    const fragment = { node: d, selected, isSpread: false }
    fragments.set(d.name.value, fragment)
    fragmentDefinitions.push(fragment)
    unread.add(fragment)
  }
  const operations: Operation[] = []
  const tree: DocumentTree = {
    node,
    schema,
    operations,
    fragments,
    fragmentDefinitions,
    circle: null,
  }
  for (const d of node.definitions) {
    if (d.kind !== Kind.OPERATION_DEFINITION) continue
    const type = schema.getRootType(d.operation) ?? undefined
    const selected = readSet(d.selectionSet, { type, selections: [] })
    operations.push({
      node: d,
      document: tree,
      type: d.operation,
      name: d.name?.value ?? null,
      selected,
    })
  }
  for (const fragment of unread) readFragment(fragment)
  return Object.assign(tree, { circle })
}

function fragmentSelection(
  name: string | null,
  condition: string | undefined,
  directives: readonly DirectiveNode[] = [],
  selected: SelectionSet,
): FragmentSelection {
  return {
    kind: 'FRAGMENT',
    name,
    condition,
    directives,
    variables: variablesIn(undefined, directives),
    selected,
  }
}

/** Returns the operation of this name; without a name, the only one of the document. */
export function operationNamed(
  tree: DocumentTree,
  name: string | null | undefined,
): Operation | null {
  if (name === null || name === undefined)
    return tree.operations.length === 1 ? (tree.operations[0] ?? null) : null
  return tree.operations.find((o) => o.name === name) ?? null
}

/**
 * Yields every selection in and below a set once, with the set that contains it. Fragments are
 * visited at their first spread.
 */
export function* selectionsIn(
  set: SelectionSet,
  seen = new Set<SelectionSet>(),
): Generator<[Selection, SelectionSet]> {
  if (seen.has(set)) return
  seen.add(set)
  for (const selection of set.selections) {
    yield [selection, set]
    if (selection.selected) yield* selectionsIn(selection.selected, seen)
  }
}

/**
 * Returns the fields that an object of this type has in the response, by key and in order, with
 * every selection of them. Ignores directives.
 */
export function fieldsOfObject(
  schema: GraphQLSchema,
  type: GraphQLNamedType,
  sets: readonly SelectionSet[],
): Map<string, FieldSelection[]> {
  const fields = new Map<string, FieldSelection[]>()
  const seen = new Set<SelectionSet>()
  const collect = (set: SelectionSet): void => {
    if (seen.has(set)) return
    seen.add(set)
    for (const s of set.selections) {
      if (s.kind === 'FIELD') {
        const same = fields.get(s.key)
        if (same) same.push(s)
        else fields.set(s.key, [s])
      } else if (s.condition === undefined || applies(schema, schema.getType(s.condition), type))
        collect(s.selected)
    }
  }
  for (const set of sets) collect(set)
  return fields
}

function applies(
  schema: GraphQLSchema,
  condition: GraphQLNamedType | undefined,
  type: GraphQLNamedType,
): boolean {
  if (condition === type) return true
  return isAbstractType(condition) && isObjectType(type) && schema.isSubType(condition, type)
}

/**
 * Returns true if an operation has a directive anywhere: on itself, a variable, a field or a
 * fragment.
 */
export function hasDirectives({ node, selected }: Operation): boolean {
  if (node.directives?.length || node.variableDefinitions?.some((v) => v.directives?.length))
    return true
  for (const [s] of selectionsIn(selected))
    if (s.kind === 'FIELD' ? s.node.directives?.length : s.directives.length) return true
  return false
}

/** Returns the names of the variables in values of arguments and directives. */
export function variablesIn(
  given: readonly ArgumentNode[] = [],
  directives: readonly (DirectiveNode | ConstDirectiveNode)[] = [],
): ReadonlySet<string> {
  if (given.length === 0 && directives.length === 0) return none
  const names = new Set<string>()
  const read = (value: ValueNode): void => {
    if (value.kind === Kind.VARIABLE) names.add(value.name.value)
    else if (value.kind === Kind.LIST) value.values.forEach(read)
    else if (value.kind === Kind.OBJECT) for (const f of value.fields) read(f.value)
  }
  for (const a of given) read(a.value)
  for (const d of directives) for (const a of d.arguments ?? []) read(a.value)
  return names
}
