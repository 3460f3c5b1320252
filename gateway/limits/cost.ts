import {
  type ArgumentNode,
  type DocumentNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLOutputType,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  isCompositeType,
  isInterfaceType,
  isListType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
  type ValueNode,
  valueFromASTUntyped,
} from 'graphql'

/** What an operation may come to. */
export interface Cost {
  /** Objects that the answer may hold at most, by the sizes of the pages that are asked for. */
  cost: number
  /** Where most of them are, as `customers.nodes[200].invoices.nodes[50]`. */
  path: string
  /** Values that the answer may hold at most, and `valuesPerList` for each list of the operation, for its statement. */
  values: number
}

type Variables = Readonly<Record<string, unknown>>
/** How many there may be; null where what was asked for does not say. */
type Size = (variables: Variables) => number | null

/** A field of an operation, or several that GraphQL answers as one. */
interface Place {
  key: string
  /** Objects for each time it is answered: one, or none of a leaf. */
  own: number
  size: (variables: Variables) => number
  /** Leaves of each object, and once for all what finding it takes, both in values. */
  leaves: number
  statement: number
  below: Place[]
}

interface Compiled {
  places: Place[]
  /** Where no size hangs on a variable, once for all. */
  fixed: Cost | null
}

/** Items of a page when neither first nor last is given; the lists' descriptions say so, and a test holds them to it. */
export const pageItemsAssumed = 20
/** Items of a list that has no pages. */
export const listItemsAssumed = 10
/** A list takes a statement of its own, which stands for about so many values. */
const valuesPerList = 50

/**
 * The cost of operations before they are run: one for each object that the answer may hold, page sizes multiplied down
 * nested lists. Aliases count each, fragments where they are spread, both sides of @skip and @include, and of a union or
 * an interface all that is selected. Documents are compiled once; what hangs on variables is reckoned for each request.
 */
export class OperationCosts {
  readonly costMax: number
  readonly #compiled = new WeakMap<DocumentNode, Map<OperationDefinitionNode, Compiled>>()

  constructor(costMax: number) {
    this.costMax = costMax
  }

  /** Of a valid operation. */
  of(
    schema: GraphQLSchema,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: Variables | null | undefined,
  ): Cost {
    let known = this.#compiled.get(document)
    if (!known) {
      known = new Map()
      this.#compiled.set(document, known)
    }
    let compiled = known.get(operation)
    if (!compiled) {
      compiled = compile(schema, document, operation)
      known.set(operation, compiled)
    }
    return compiled.fixed ?? costOf(compiled.places, variables ?? {})
  }
}

function costOf(places: readonly Place[], variables: Variables): Cost {
  const found = heaviest(places, variables)
  return { cost: found.total, path: found.path, values: found.values + statements(places) }
}

/** All of them together, and the way down to the heaviest. Never beyond what is a number: NaN would be under any bound. */
function heaviest(places: readonly Place[], variables: Variables): { total: number; path: string; values: number } {
  let total = 0
  let values = 0
  let most = 0
  let path = ''
  for (const { key, own, size, leaves, below } of places) {
    const times = size(variables)
    const inner = heaviest(below, variables)
    const cost = Math.min(times * (own + inner.total), Number.MAX_SAFE_INTEGER)
    total = Math.min(total + cost, Number.MAX_SAFE_INTEGER)
    values = Math.min(values + times * (leaves + inner.values), Number.MAX_SAFE_INTEGER)
    if (cost <= most) continue
    most = cost
    path = `${key}${times === 1 ? '' : `[${times}]`}${inner.path === '' ? '' : `.${inner.path}`}`
  }
  return { total, path, values }
}

function statements(places: readonly Place[]): number {
  return places.reduce((sum, { statement, below }) => sum + statement + statements(below), 0)
}

const rootLeaf = (key: string): Place => ({ key, own: 1, size: () => 1, leaves: 1, statement: 0, below: [] })

function compile(schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode): Compiled {
  const fragments = new Map(
    document.definitions.flatMap((d): [string, FragmentDefinitionNode][] =>
      d.kind === Kind.FRAGMENT_DEFINITION ? [[d.name.value, d]] : [],
    ),
  )
  const defaults = new Map(
    (operation.variableDefinitions ?? []).map((v) => [v.variable.name.value, v.defaultValue] as const),
  )
  const root = schema.getRootType(operation.operation)?.name ?? ''
  let varies = false

  /** Fields of one type by one name are answered once, however often they are selected. */
  interface Selected {
    type: string
    key: string
    name: string
    given: readonly ArgumentNode[]
    sets: SelectionSetNode[]
  }
  const gather = (sets: readonly SelectionSetNode[], type: string, into = new Map<string, Selected>()) => {
    for (const node of sets.flatMap((s) => s.selections)) {
      if (node.kind === Kind.FIELD) {
        const key = node.alias?.value ?? node.name.value
        const at = `${type}.${key}`
        const known = into.get(at) ?? { type, key, name: node.name.value, given: node.arguments ?? [], sets: [] }
        if (node.selectionSet) known.sets.push(node.selectionSet)
        into.set(at, known)
      } else if (node.kind === Kind.INLINE_FRAGMENT)
        gather([node.selectionSet], node.typeCondition?.name.value ?? type, into)
      else {
        const fragment = fragments.get(node.name.value)
        if (fragment) gather([fragment.selectionSet], fragment.typeCondition.name.value, into)
      }
    }
    return into.values()
  }

  const sizeOf = (value: ValueNode | undefined, declared: unknown, read: (value: unknown) => number | null): Size => {
    const unsaid = read(declared)
    if (!value) return () => unsaid
    if (value.kind !== Kind.VARIABLE) {
      const constant = read(valueFromASTUntyped(value))
      return () => constant
    }
    varies = true
    const { value: name } = value.name
    const fallback = defaults.get(name)
    const otherwise = fallback ? read(valueFromASTUntyped(fallback)) : unsaid
    return (variables) => (variables[name] === undefined ? otherwise : read(variables[name]))
  }

  /** What is asked for at a field: so many from the start or the end, or by these ids; else what the schema says. */
  const asked = (field: GraphQLField<unknown, unknown>, given: readonly ArgumentNode[]): Size => {
    const sizes = ['first', 'last', 'ids'].flatMap((name) => {
      const declared = field.args.find((a) => a.name === name)
      if (!declared) return []
      const value = given.find((a) => a.name.value === name)?.value
      return [sizeOf(value, declared.defaultValue, name === 'ids' ? length : count)]
    })
    return (variables) => {
      for (const size of sizes) {
        const items = size(variables)
        if (items !== null) return items
      }
      return null
    }
  }

  /** `page`: what the connection around was asked for. */
  const place = ({ type, key, name, given, sets }: Selected, page: Size | null): Place | null => {
    if (name.startsWith('__')) return type === root ? rootLeaf(key) : null
    const parent = schema.getType(type)
    const field = isObjectType(parent) || isInterfaceType(parent) ? parent.getFields()[name] : undefined
    if (!field) return null
    const result = getNamedType(field.type)
    if (!isCompositeType(result)) return type === root ? rootLeaf(key) : null
    const sliced = asked(field, given)
    const connection = isConnection(result)
    const inner = connection ? (v: Variables) => sliced(v) ?? pageItemsAssumed : null
    const selected = [...gather(sets, result.name)]
    const below = places(selected, inner)
    const size = isList(field.type) ? (v: Variables) => sliced(v) ?? page?.(v) ?? listItemsAssumed : () => 1
    const leaves = selected.length - below.length
    return { key, own: 1, size, leaves, statement: connection ? valuesPerList : 0, below }
  }
  const places = (selected: Iterable<Selected>, page: Size | null): Place[] =>
    [...selected].flatMap((s) => place(s, page) ?? [])

  const all = places(gather([operation.selectionSet], root), null)
  return { places: all, fixed: varies ? null : costOf(all, {}) }
}

/** A page with its items below it, rather than the items themselves. */
function isConnection(type: ReturnType<typeof getNamedType>): boolean {
  if (!isObjectType(type)) return false
  const fields = type.getFields()
  return fields.pageInfo !== undefined && (fields.nodes !== undefined || fields.edges !== undefined)
}

function isList(type: GraphQLOutputType): boolean {
  return isListType(getNullableType(type))
}

/** Of what is no number the executor says what is wrong. */
function count(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? Math.max(0, value) : null
}

/** One value that stands for a list is a list of one. */
function length(value: unknown): number | null {
  if (value === null || value === undefined) return null
  return Array.isArray(value) ? value.length : 1
}
