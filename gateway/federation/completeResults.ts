import { setImmediate } from 'node:timers/promises'
import type { unifiedGraphHandler } from '@graphql-hive/router-runtime'
import {
  type DocumentNode,
  type ExecutionResult,
  type FieldNode,
  type FragmentDefinitionNode,
  GraphQLError,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
  isAbstractType,
  isListType,
  isNonNullType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  TypeInfo,
  visit,
  visitWithTypeInfo,
} from 'graphql'
import { collectFields, collectSubfields } from 'graphql/execution/collectFields.js'
import { getVariableValues } from 'graphql/execution/values.js'
import { asyncStream } from '../../schema/kit/asyncStream.ts'
import { createDictionary, isInherited, ownValue } from '../../schema/kit/dictionary.ts'
import { isStream } from '../execution/runOperation.ts'

type Handler = typeof unifiedGraphHandler

interface Request {
  document: DocumentNode
  operationName?: string
  variables?: Readonly<Record<string, unknown>>
}

/**
 * Completes the results of the library's executor where it departs from GraphQL:
 * - It knows the type of an object of an interface or union by `__typename` alone, and returns null
 *   if only an alias of it is selected. `__typename` is therefore added, and left out of the result.
 * - It returns no `data` if no subgraph returned any. Root fields that may be null are then null.
 * - It takes an alias such as `constructor` for what every object inherits, and merges the value
 * into
 *   that object, which all requests share. Such aliases have another name while it executes.
 */
export function completeResults(handler: Handler): Handler {
  return async (options) => {
    // The library has just built the schema; what follows takes as long again.
    await setImmediate()
    const made = await handler(options)
    const { executor: library, unifiedGraph: schema } = made
    if (!library) return made
    const known = new WeakMap<DocumentNode, Rewritten | null>()
    const executor = async (given: Parameters<typeof library>[0]) => {
      const { document } = given
      let named = known.get(document)
      if (named === undefined) {
        named = rewritten(schema, document)
        known.set(document, named)
      }
      const result = (await library(named ? { ...given, document: named.document } : given)) as
        | ExecutionResult
        | AsyncIterable<ExecutionResult>
      const prefix = named?.prefix ?? ''
      const complete = (r: ExecutionResult): ExecutionResult =>
        named || lacksData(r)
          ? {
              ...withAliases(r, prefix),
              data: project(schema, given as Request, r.data ?? {}, prefix),
            }
          : r
      return isStream(result) ? mapStream(result, complete) : complete(result)
    }
    return { ...made, executor: executor as typeof library }
  }
}

/** Returns true if the operation was executed without any data: request errors have no path. */
function lacksData({ data, errors }: ExecutionResult): boolean {
  return data === undefined && (errors?.some((e) => e.path) ?? false)
}

/** A document as the library executes it, and what it has before aliases that objects inherit. */
interface Rewritten {
  document: DocumentNode
  prefix: string
}

/**
 * Returns the document with `__typename` in each selection on an interface or union, and with other
 * names for aliases that every object inherits; null if it has neither these nor an alias of
 * `__typename`.
 */
function rewritten(schema: GraphQLSchema, document: DocumentNode): Rewritten | null {
  const aliases: string[] = []
  visit(document, { Field: ({ alias }) => void (alias && aliases.push(alias.value)) })
  let prefix = 'own_'
  while (aliases.some((a) => a.startsWith(prefix))) prefix = `_${prefix}`
  const typename: FieldNode = { kind: Kind.FIELD, name: { kind: Kind.NAME, value: '__typename' } }
  let hasAlias = aliases.some(isInherited)
  const types = new TypeInfo(schema)
  const named = visit(
    document,
    visitWithTypeInfo(types, {
      Field(node) {
        if (node.name.value === '__typename' && node.alias) hasAlias = true
        if (!node.alias || !isInherited(node.alias.value)) return undefined
        return { ...node, alias: { ...node.alias, value: prefix + node.alias.value } }
      },
      SelectionSet: {
        leave(node) {
          if (!isAbstractType(types.getParentType())) return undefined
          return { ...node, selections: [typename, ...node.selections] }
        },
      },
    }),
  )
  return hasAlias ? { document: named, prefix } : null
}

/** Returns a result whose errors name aliases as the caller wrote them. */
function withAliases(result: ExecutionResult, prefix: string): ExecutionResult {
  const isRenamed = (key: unknown) => prefix !== '' && String(key).startsWith(prefix)
  if (!result.errors?.some((e) => e.path?.some(isRenamed))) return result
  const errors = result.errors.map((e) => {
    const path = e.path?.map((key) => (isRenamed(key) ? String(key).slice(prefix.length) : key))
    const { nodes, source, positions, originalError, extensions } = e
    return new GraphQLError(e.message, {
      ...{ nodes, source, positions, originalError, extensions },
      path,
    })
  })
  return { ...result, errors }
}

/** Returns the selected fields of an operation from the data of its fetches. */
function project(
  schema: GraphQLSchema,
  { document, operationName, variables = {} }: Request,
  data: object,
  prefix: string,
): ExecutionResult['data'] {
  const operations = document.definitions.filter(
    (d): d is OperationDefinitionNode => d.kind === Kind.OPERATION_DEFINITION,
  )
  const operation =
    operations.length === 1
      ? operations[0]
      : operations.find((o) => o.name?.value === operationName)
  const root = operation && schema.getRootType(operation.operation)
  if (!root) return null
  const fragments = createDictionary<FragmentDefinitionNode>()
  for (const d of document.definitions)
    if (d.kind === Kind.FRAGMENT_DEFINITION) fragments[d.name.value] = d
  const { coerced = {} } = getVariableValues(schema, operation.variableDefinitions ?? [], variables)

  const object = (
    type: GraphQLObjectType,
    from: object,
    fields: ReadonlyMap<string, readonly FieldNode[]>,
  ) => {
    const into = createDictionary<unknown>()
    for (const [key, nodes] of fields) {
      const name = nodes[0]?.name.value ?? ''
      const given = ownValue(from as Record<string, unknown>, isInherited(key) ? prefix + key : key)
      const field = type.getFields()[name]
      if (name === '__typename') into[key] = type.name
      else if (!field) into[key] = given
      else {
        const shown = value(field.type, given, nodes)
        if (shown === null && isNonNullType(field.type)) return null
        into[key] = shown
      }
    }
    return into
  }
  const value = (type: GraphQLOutputType, given: unknown, nodes: readonly FieldNode[]): unknown => {
    if (given === null || given === undefined) return null
    if (isNonNullType(type)) return value(type.ofType, given, nodes)
    if (isListType(type)) {
      if (!Array.isArray(given)) return null
      const items = given.map((item) => value(type.ofType, item, nodes))
      return isNonNullType(type.ofType) && items.includes(null) ? null : items
    }
    if (!isObjectType(type) && !isAbstractType(type)) return given
    const name = ownValue(given as Record<string, unknown>, '__typename')
    const actual = isObjectType(type) ? type : schema.getType(String(name))
    if (!isObjectType(actual)) return null
    const selected = collectSubfields(schema, fragments, coerced, actual, nodes)
    return object(actual, given, selected)
  }
  return object(root, data, collectFields(schema, fragments, coerced, root, operation.selectionSet))
}

function mapStream(
  results: AsyncIterable<ExecutionResult>,
  map: (result: ExecutionResult) => ExecutionResult,
): AsyncIterable<ExecutionResult> {
  const iterator = results[Symbol.asyncIterator]()
  return asyncStream<ExecutionResult>(
    async () => {
      const result = await iterator.next()
      return result.done
        ? { done: true, value: undefined }
        : { done: false, value: map(result.value) }
    },
    async () => await iterator.return?.(),
  )
}
