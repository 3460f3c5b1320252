import {
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isCompositeType,
  isNonNullType,
  isObjectType,
} from 'graphql'
import { OPERATIONAL_TYPES, type OperationalType } from '../../schema/operational.ts'
import { listName, lookupName } from '../../subgraphs/golden/model.ts'
import { literal } from './smallest.ts'

/** Operational types with code of their own; the others follow from one description. */
const WITH_CODE: OperationalType[] = ['Subscription', 'Invoice', 'Posting', 'Price', 'UsageRecord']
const ALIKE = new Set(
  OPERATIONAL_TYPES.filter((type) => !WITH_CODE.includes(type)).flatMap((type) => [
    lookupName(type),
    listName(type),
  ]),
)

/**
 * Returns the root fields of queries; of operational objects that follow from one description only
 * one type, except in the long run.
 */
export function rootFields(schema: GraphQLSchema): GraphQLField<unknown, unknown>[] {
  const fields = Object.values(schema.getQueryType()?.getFields() ?? {})
  if (process.env.TOUCHSTONE_HOSTILE === 'all') return fields
  return fields.filter((f) => !ALIKE.has(f.name) || /^(opportunity|opportunities)$/.test(f.name))
}

/**
 * Returns an operation that selects a root field and everything below it, to this depth. `known`
 * supplies argument values that find something.
 */
export function wholeOperation(
  schema: GraphQLSchema,
  field: GraphQLField<unknown, unknown>,
  depth: number,
  known: (argument: string) => string | undefined,
): string {
  const given = field.args
    .filter((a) => isNonNullType(a.type) && a.defaultValue === undefined)
    .map((a) => `${a.name}: ${known(a.name) ?? literal(a.type)}`)
  const below = selection(schema, getNamedType(field.type), depth)
  return `{ ${field.name}${given.length > 0 ? `(${given.join(', ')})` : ''} ${below} }`
}

export function everythingOf(schema: GraphQLSchema, type: string, depth: number): string {
  const found = schema.getType(type)
  return found ? selection(schema, found, depth) : ''
}

/** Of an interface with more types each is selected less deep: its own root fields select it whole. */
const typesMax = 10

/**
 * Below an abstract type, fields get aliases, because fields of two types may share a name but not
 * a type.
 */
function selection(
  schema: GraphQLSchema,
  type: GraphQLNamedType,
  depth: number,
  prefix = '',
): string {
  if (isAbstractType(type)) {
    const types = schema.getPossibleTypes(type)
    const within = types.length > typesMax ? depth - 1 : depth
    const parts = types.map((t) => `... on ${t.name} ${selection(schema, t, within, `${t.name}_`)}`)
    return `{ __typename ${parts.join(' ')} }`
  }
  if (!isObjectType(type)) return ''
  const fields = Object.values(type.getFields()).flatMap((f) => {
    if (f.args.some((a) => isNonNullType(a.type) && a.defaultValue === undefined)) return []
    const name = prefix ? `${prefix}${f.name}: ${f.name}` : f.name
    const below = getNamedType(f.type)
    if (!isCompositeType(below)) return [name]
    return depth > 1 ? [`${name} ${selection(schema, below, depth - 1)}`] : []
  })
  return `{ __typename ${fields.join(' ')} }`
}
