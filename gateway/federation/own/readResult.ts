import {
  type DocumentNode,
  type ExecutionResult,
  execute,
  GraphQLError,
  type GraphQLFieldResolver,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  isCompositeType,
  isListType,
  isNonNullType,
} from 'graphql'
import { ownValue } from '../../../schema/kit/dictionary.ts'
import { ID_KEY, TYPE_KEY } from './ownDocument.ts'
import type { RawError, RawResult } from './post.ts'

/** Returns true if the caller may see an object that Touchstone owns. */
export type MaySee = (type: string, id: string) => Promise<boolean>

interface Reading {
  subgraph: string
  itemsMax: number
  listSizes: ReadonlyMap<string, number>
  /** Errors that no field has taken yet. */
  errors: Set<RawError>
  /** Null: the caller may see every object. */
  maySee: MaySee | null
  isShipped: (type: string) => boolean
}

/**
 * Reads a response against the schema of its subgraph, as graphql-js executes an operation: a value
 * of another type, a missing value and a list that is too long become errors at their fields.
 * Objects of Touchstone that the caller may not see are left out.
 */
export async function readResult(
  at: {
    subgraph: string
    schema: GraphQLSchema
    document: DocumentNode
    operationName: string | undefined
    variables: Readonly<Record<string, unknown>> | undefined
    itemsMax: number
    listSizes: ReadonlyMap<string, number>
    maySee: MaySee | null
    isShipped: (type: string) => boolean
  },
  raw: RawResult,
): Promise<ExecutionResult> {
  const { subgraph, itemsMax, listSizes, maySee, isShipped } = at
  if (!raw.data) return { errors: raw.errors.map((e) => subgraphError(subgraph, e, e.path)) }
  const reading: Reading = {
    subgraph,
    itemsMax,
    listSizes,
    errors: new Set(raw.errors),
    maySee,
    isShipped,
  }
  const result = await execute({
    schema: at.schema,
    document: at.document,
    operationName: at.operationName,
    variableValues: at.variables,
    rootValue: raw.data,
    contextValue: reading,
    fieldResolver: readField,
    typeResolver: (value) => ownValue(value as Record<string, unknown>, TYPE_KEY) as string,
  })
  const errors = [
    ...[...reading.errors].map((e) => subgraphError(subgraph, e, e.path)),
    ...(result.errors ?? []).map((e) => contractError(subgraph, e)),
  ]
  return errors.length > 0 ? { data: result.data, errors } : { data: result.data }
}

const readField: GraphQLFieldResolver<unknown, Reading> = (source, _args, reading, info) => {
  const { path, returnType, parentType, fieldName } = info
  const value = ownValue(source as Record<string, unknown>, String(path.key))
  if (value === null || value === undefined) {
    const error = takeError(reading.errors, path)
    if (error) throw subgraphError(reading.subgraph, error)
    if (value === undefined) throw new Error(`${parentType.name}.${fieldName} is missing`)
    return null
  }
  if (fieldName === '_entities') return value
  if (isListType(getNullableType(returnType)) && !Array.isArray(value))
    throw new Error(`${parentType.name}.${fieldName} is no list`)
  const itemsMax = reading.listSizes.get(`${parentType.name}.${fieldName}`) ?? reading.itemsMax
  if (Array.isArray(value) && value.length > itemsMax)
    throw new Error(
      `${parentType.name}.${fieldName} has ${value.length} items, at most ${itemsMax} are taken (itemsMax, @listSize)`,
    )
  const named = getNamedType(returnType)
  if (!reading.maySee || !isCompositeType(named)) return value
  return visible(value, named.name, reading, reading.maySee).then((shown) => {
    if (shown === null && isNonNullType(returnType))
      throw new GraphQLError(
        `${parentType.name}.${fieldName} is nothing that this caller may see`,
        {
          extensions: { code: 'SUBGRAPH_ERROR', subgraph: reading.subgraph },
        },
      )
    return shown
  })
}

/** Takes the errors at or below a place that is null; returns the first. */
function takeError(errors: Set<RawError>, path: Path): RawError | undefined {
  if (errors.size === 0) return undefined
  const place = keysOf(path)
  const found = [...errors].filter((e) => place.every((key, n) => e.path?.[n] === key))
  for (const e of found) errors.delete(e)
  return found[0]
}

/** Returns the value without objects that the caller may not see; null if none is left. */
async function visible(
  value: unknown,
  declared: string,
  reading: Reading,
  maySee: MaySee,
): Promise<unknown> {
  if (Array.isArray(value)) {
    const items = await Promise.all(
      value.map(async (item) => ({ item, shown: await visible(item, declared, reading, maySee) })),
    )
    return items.flatMap(({ item, shown }) => (item !== null && shown === null ? [] : [shown]))
  }
  if (typeof value !== 'object' || value === null) return value
  const fields = value as Record<string, unknown>
  const type = ownValue(fields, TYPE_KEY) ?? declared
  if (typeof type !== 'string' || !reading.isShipped(type)) return value
  const id = ownValue(fields, ID_KEY)
  return typeof id === 'string' && (await maySee(type, id)) ? value : null
}

/**
 * Returns an error of a subgraph as callers see it. Its text passes if the subgraph gave it a code,
 * and so meant it for callers. Its code does not: clients act on the codes of this gateway.
 */
function subgraphError(
  subgraph: string,
  { message, code }: RawError,
  path?: readonly (string | number)[],
): GraphQLError {
  const isMeant = code !== undefined && code !== 'INTERNAL_SERVER_ERROR'
  return new GraphQLError(isMeant ? message : `The subgraph ${subgraph} has failed here`, {
    path: path ?? null,
    extensions: {
      code: 'SUBGRAPH_ERROR',
      subgraph,
      ...(isMeant ? { subgraphCode: code } : {}),
      ...(isMeant ? {} : { hidden: message }),
    },
  })
}

/** An error without a code is a response that the schema does not allow. */
function contractError(subgraph: string, e: GraphQLError): GraphQLError {
  if (e.extensions.code === 'SUBGRAPH_ERROR') return e
  return new GraphQLError(`The subgraph ${subgraph} returned what its schema does not allow`, {
    path: e.path,
    extensions: { code: 'SUBGRAPH_ERROR', subgraph, hidden: e.message },
  })
}

type Path = GraphQLResolveInfo['path']

function keysOf(path: Path): (string | number)[] {
  const keys: (string | number)[] = []
  for (let at: Path | undefined = path; at; at = at.prev) keys.unshift(at.key)
  return keys
}
