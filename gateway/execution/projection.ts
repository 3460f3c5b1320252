import {
  type GraphQLNamedType,
  type GraphQLOutputType,
  getNamedType,
  isCompositeType,
  isEnumType,
  isNonNullType,
  isObjectType,
} from 'graphql'
import { createDictionary, isInherited, ownValue } from '../../schema/kit/dictionary.ts'
import { fieldsOfObject, type Operation, type SelectionSet } from '../operation/document.ts'

/** Extracts the selected fields, in their order, from the merged results of the subgraphs. */
export type Projection = (data: unknown) => unknown

interface FieldProjection {
  key: string
  /** True if a plain object has an inherited property under the key. */
  inherited: boolean
  /** True if it is the name of the type, which the subgraph need not return. */
  isTypename: boolean
  nonNull: boolean
  project: Projection | null
}

/**
 * Compiles the selection of an operation without directives, once for each type. It does what the
 * planner's own projection does. A value that no subgraph returned is null, and so is its object if
 * the schema does not allow null there.
 */
export function compileProjection({ document: { schema }, type, selected }: Operation): Projection {
  const object = (declared: GraphQLNamedType, sets: readonly SelectionSet[]): Projection => {
    const known = new Map<GraphQLNamedType, readonly FieldProjection[]>()
    const fieldsOf = (of: GraphQLNamedType) => {
      let fields = known.get(of)
      if (!fields) {
        fields = fieldProjections(of, sets)
        known.set(of, fields)
      }
      return fields
    }
    const statically = isObjectType(declared) ? fieldsOf(declared) : null
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
        statically && (name === undefined || name === declared.name)
          ? statically
          : fieldsOf((name === undefined ? undefined : schema.getType(name)) ?? declared)
      const result = createDictionary<unknown>()
      for (const { key, inherited, project: below, isTypename, nonNull } of fields) {
        // dictionary: keys that objects inherit are read as own values; others need no check
        const given = inherited ? ownValue(from, key) : from[key]
        const value = below ? below(given) : given
        if (value !== undefined) result[key] = value
        else if (isTypename) result[key] = name ?? declared.name
        else if (nonNull) return null
        else result[key] = null
      }
      return result
    }
    return project
  }

  const fieldProjections = (
    of: GraphQLNamedType,
    sets: readonly SelectionSet[],
  ): readonly FieldProjection[] =>
    [...fieldsOfObject(schema, of, sets)].flatMap(([key, selections]): FieldProjection[] => {
      const name = selections[0]?.name ?? ''
      const inherited = isInherited(key)
      if (name === '__typename')
        return [{ key, inherited, isTypename: true, nonNull: true, project: null }]
      const field = 'getFields' in of ? of.getFields()[name] : undefined
      if (!field) return []
      const below = selections.flatMap((s) => s.selected ?? [])
      const declared = field.type as GraphQLOutputType
      return [
        {
          key,
          inherited,
          isTypename: false,
          nonNull: isNonNullType(declared),
          project: value(declared, below),
        },
      ]
    })

  const value = (declared: GraphQLOutputType, sets: readonly SelectionSet[]): Projection | null => {
    const named = getNamedType(declared)
    if (isCompositeType(named)) return object(named, sets)
    if (!isEnumType(named)) return null
    const project: Projection = (given) => {
      if (Array.isArray(given)) return given.map(project)
      if (given === undefined) return undefined
      return typeof given === 'string' && named.getValue(given) ? given : null
    }
    return project
  }

  if (!selected.type) throw new Error(`the schema has no ${type}`)
  return object(selected.type, [selected])
}
