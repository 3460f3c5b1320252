import {
  type DocumentNode,
  type ExecutionResult,
  type FieldNode,
  GraphQLError,
  Kind,
  type SelectionSetNode,
} from 'graphql'
import { UNREACHABLE } from '../operation/maskErrors.ts'
import type { Entity, Path } from './entities.ts'

/**
 * Maximum number of errors of one failed fetch, which may affect a field of each of many objects.
 */
const errorsOfFetchMax = 100

/** A root field of a fetch: its key, and for `_entities` the selected keys of each type. */
export interface FetchRoot {
  key: string
  fields: ReadonlyMap<string, string[]>
}

/**
 * Returns the root fields of a planned fetch: fields, and below `_entities` a fragment for each
 * type.
 */
export function rootsOf(document: DocumentNode): FetchRoot[] {
  const fieldsOf = (set: SelectionSetNode | undefined) =>
    (set?.selections ?? []).filter((s) => s.kind === Kind.FIELD)
  const keyOf = (s: FieldNode) => s.alias?.value ?? s.name.value
  return document.definitions.flatMap((d) =>
    d.kind === Kind.OPERATION_DEFINITION
      ? fieldsOf(d.selectionSet).map((root) => {
          const fields = new Map<string, string[]>()
          for (const s of root.selectionSet?.selections ?? []) {
            if (s.kind !== Kind.INLINE_FRAGMENT || !s.typeCondition) continue
            const { value } = s.typeCondition.name
            const keys = fieldsOf(s.selectionSet)
              .filter((f) => f.name.value !== '__typename')
              .map(keyOf)
            fields.set(value, [...(fields.get(value) ?? []), ...keys])
          }
          return { key: keyOf(root), fields }
        })
      : [],
  )
}

/** Returns the paths in the response that a failed fetch of entities leaves empty. */
export function lostPlaces(
  entities: readonly Entity[],
  paths: ReadonlyMap<unknown, Path>,
  root: FetchRoot | undefined,
): Path[] {
  return entities.flatMap((entity) => {
    const at = paths.get(entity) ?? []
    return root?.fields.get(entity.__typename)?.map((key) => [...at, key]) ?? [at]
  })
}

/** Adds the same error for each of these paths. */
export function addAt(errors: GraphQLError[], error: GraphQLError, places: readonly Path[]): void {
  for (const path of places.slice(0, errorsOfFetchMax)) errors.push(relocated(error, path))
}

export function relocated(e: GraphQLError, path: Path): GraphQLError {
  const { nodes, source, positions, originalError, extensions } = e
  return new GraphQLError(e.message, { nodes, source, positions, path, originalError, extensions })
}

/**
 * Runs a fetch. Never rejects: an unreachable subgraph becomes an error beside the data of the
 * others.
 */
export async function settle(
  subgraph: string,
  fetch: () => ExecutionResult | PromiseLike<ExecutionResult>,
): Promise<ExecutionResult<Record<string, unknown>>> {
  try {
    const result = await fetch()
    for (const e of result.errors ?? []) nameUnreachable(e, subgraph)
    return result as ExecutionResult<Record<string, unknown>>
  } catch (e) {
    if (e instanceof GraphQLError) return { errors: [nameUnreachable(e, subgraph)] }
    const originalError = e instanceof Error ? e : undefined
    const extensions = { code: 'DOWNSTREAM_SERVICE_ERROR', serviceName: subgraph }
    return {
      errors: [
        new GraphQLError(originalError?.message ?? String(e), { originalError, extensions }),
      ],
    }
  }
}

function nameUnreachable(e: GraphQLError, subgraph: string): GraphQLError {
  if (UNREACHABLE.has(e.extensions?.code)) e.extensions.serviceName = subgraph
  return e
}
