import {
  type ArgumentNode,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLOutputType,
  getNamedType,
  getNullableType,
  isCompositeType,
  isListType,
  isObjectType,
  Kind,
  type ValueNode,
  valueFromASTUntyped,
} from 'graphql'
import { ownValue } from '../../schema/kit/dictionary.ts'
import type { FieldSelection, Operation, SelectionSet, Variables } from '../operation/document.ts'

/** Upper bounds of an operation's response. */
export interface Cost {
  /** Objects that the response may hold, by the sizes of the requested pages. */
  cost: number
  /** The path to most of them, as `customers.nodes[200].invoices.nodes[50]`. */
  path: string
  /**
   * Values that the response may hold, and `valuesPerList` for each list of the operation, for its
   * statement.
   */
  values: number
}

/** The maximum number of items of lists, by `Type.field`. */
export type ListSizes = ReadonlyMap<string, number>

/** Returns the cost of one request: only page sizes given in variables are computed each time. */
export type CompiledCost = (variables: Variables | null | undefined) => Cost

/** The number of items; null where the arguments do not say. */
type Size = (variables: Variables) => number | null

/** A field of an operation, or several that share a key in the response. */
interface CostedField {
  key: string
  /** Objects each time the field is resolved: one, also for a leaf of the root. */
  own: number
  size: (variables: Variables) => number
  /** Leaves of each object; the statement that finds them is counted in the same unit. */
  leaves: number
  statement: number
  below: CostedField[]
}

/**
 * Items of a page when neither first nor last is given; a test compares it with the descriptions of
 * the lists.
 */
export const pageItemsAssumed = 20
/** Items of a list without pages. */
export const listItemsAssumed = 10
/** A list needs a statement of its own, which counts as this many values. */
const valuesPerList = 50

/**
 * Compiles the cost of a valid operation: one for each object that the response may hold, page
 * sizes multiplied down nested lists. Each alias counts, and fragments count at each spread. Both
 * sides of @skip and @include count, and so does every selection of a union or an interface.
 * `listSizes` has the sizes of lists whose subgraphs need not respect arguments of pages.
 */
export function compileCost(
  { node, selected }: Operation,
  listSizes: ListSizes = new Map(),
): CompiledCost {
  const defaults = new Map(
    (node.variableDefinitions ?? []).map((v) => [v.variable.name.value, v.defaultValue] as const),
  )
  const root = selected.type?.name
  let varies = false

  const sizeOf = (
    value: ValueNode | undefined,
    declared: unknown,
    read: (value: unknown) => number | null,
  ): Size => {
    const byDefault = read(declared)
    if (!value) return () => byDefault
    if (value.kind !== Kind.VARIABLE) {
      const constant = read(valueFromASTUntyped(value))
      return () => constant
    }
    varies = true
    const { value: name } = value.name
    const fallback = defaults.get(name)
    const otherwise = fallback ? read(valueFromASTUntyped(fallback)) : byDefault
    return (variables) => {
      const given = ownValue(variables, name)
      return given === undefined ? otherwise : read(given)
    }
  }

  /**
   * Returns the number of items that a field's arguments request: from the start, from the end or
   * by id.
   */
  const requested = (
    field: GraphQLField<unknown, unknown>,
    given: readonly ArgumentNode[],
  ): Size => {
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

  /** `page`: the size of the connection around the field. */
  const costed = ({ type, first, sets }: MergedField, page: Size | null): CostedField | null => {
    const { key, name, definition, node } = first
    if (name.startsWith('__')) return type === root ? rootLeaf(key) : null
    if (!definition) return null
    const result = getNamedType(definition.type)
    if (!isCompositeType(result)) return type === root ? rootLeaf(key) : null
    const slice = requested(definition, node.arguments ?? [])
    const isPage = isConnection(result)
    const inner = isPage ? (v: Variables) => slice(v) ?? pageItemsAssumed : null
    const fields = mergedFields(sets)
    const below = costedFields(fields, inner)
    const sizeMax = listSizes.get(`${type}.${name}`)
    const size = !isList(definition.type)
      ? () => 1
      : sizeMax !== undefined
        ? () => sizeMax
        : (v: Variables) => slice(v) ?? page?.(v) ?? listItemsAssumed
    return {
      key,
      own: 1,
      size,
      leaves: fields.length - below.length,
      statement: isPage ? valuesPerList : 0,
      below,
    }
  }
  const costedFields = (fields: MergedField[], page: Size | null): CostedField[] =>
    fields.flatMap((f) => costed(f, page) ?? [])

  const fields = costedFields(mergedFields([selected]), null)
  const constant = varies ? null : costOf(fields, {})
  return (variables) => constant ?? costOf(fields, variables ?? {})
}

interface MergedField {
  type: string
  first: FieldSelection
  sets: SelectionSet[]
}

/**
 * Merges the fields of one declared type and one key: they are resolved once, however often they
 * are selected.
 */
function mergedFields(
  sets: readonly SelectionSet[],
  into = new Map<string, MergedField>(),
): MergedField[] {
  for (const set of sets)
    for (const s of set.selections) {
      if (s.kind === 'FRAGMENT') {
        mergedFields([s.selected], into)
        continue
      }
      const type = set.type?.name ?? ''
      const known = into.get(`${type}.${s.key}`) ?? { type, first: s, sets: [] }
      if (s.selected) known.sets.push(s.selected)
      into.set(`${type}.${s.key}`, known)
    }
  return [...into.values()]
}

const rootLeaf = (key: string): CostedField => ({
  key,
  own: 1,
  size: () => 1,
  leaves: 1,
  statement: 0,
  below: [],
})

function costOf(fields: readonly CostedField[], variables: Variables): Cost {
  const { total, path, values } = heaviest(fields, variables)
  return { cost: total, path, values: values + statements(fields) }
}

/**
 * Returns the totals and the path to the largest part. Stays below infinity: NaN would be within
 * any bound.
 */
function heaviest(
  fields: readonly CostedField[],
  variables: Variables,
): { total: number; path: string; values: number } {
  let total = 0
  let values = 0
  let most = 0
  let path = ''
  for (const { key, own, size, leaves, below } of fields) {
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

function statements(fields: readonly CostedField[]): number {
  return fields.reduce((sum, { statement, below }) => sum + statement + statements(below), 0)
}

/** Returns true if a type is a page with its items below it, and not an item. */
function isConnection(type: GraphQLNamedType): boolean {
  if (!isObjectType(type)) return false
  const fields = type.getFields()
  return fields.pageInfo !== undefined && (fields.nodes !== undefined || fields.edges !== undefined)
}

function isList(type: GraphQLOutputType): boolean {
  return isListType(getNullableType(type))
}

/** Returns null for values that are not numbers: execution reports them. */
function count(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? Math.max(0, value) : null
}

/** A single value given for a list is a list of one. */
function length(value: unknown): number | null {
  if (value === null || value === undefined) return null
  return Array.isArray(value) ? value.length : 1
}
