import {
  type GraphQLField,
  type GraphQLInputType,
  getNamedType,
  isCompositeType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
} from 'graphql'

/**
 * Returns the smallest operation for a root field, with meaningless values for its required
 * arguments.
 */
export function smallestOperation(
  operation: string,
  field: GraphQLField<unknown, unknown>,
): string {
  const given = field.args
    .filter((a) => isNonNullType(a.type) && a.defaultValue === undefined)
    .map((a) => `${a.name}: ${literal(a.type)}`)
  const below = isCompositeType(getNamedType(field.type)) ? ' { __typename }' : ''
  return `${operation} { ${field.name}${given.length > 0 ? `(${given.join(', ')})` : ''}${below} }`
}

export function literal(type: GraphQLInputType): string {
  if (isNonNullType(type)) return literal(type.ofType)
  if (isListType(type)) return '[]'
  if (isEnumType(type)) return type.getValues()[0]?.name ?? ''
  if (isInputObjectType(type)) {
    const needed = Object.values(type.getFields()).filter(
      (f) => isNonNullType(f.type) && f.defaultValue === undefined,
    )
    return `{ ${needed.map((f) => `${f.name}: ${literal(f.type)}`).join(', ')} }`
  }
  if (
    type.name === 'Int' ||
    type.name === 'Float' ||
    type.name === 'MinorUnits' ||
    type.name === 'Position'
  )
    return '1'
  if (type.name === 'ID') return '"00000000-0000-0000-0000-000000000000"'
  if (type.name === 'DateTime') return '"2026-01-01T00:00:00.000Z"'
  if (type.name === 'Date') return '"2026-01-01"'
  if (type.name === 'Boolean') return 'false'
  return '"x"'
}
