import type {
  BatchFetchNode,
  FetchNode,
  FlattenNode,
  PlanNode,
  QueryPlan,
} from '@graphql-hive/router-query-planner'
import { type ExecutionResult, type GraphQLError, type GraphQLSchema, parse } from 'graphql'
import { createDictionary, type Dictionary, ownValue } from '../../schema/kit/dictionary.ts'
import type { Operation, Variables } from '../operation/document.ts'
import { compileEntities, type Entities, type Path } from './entities.ts'
import { addAt, lostPlaces, relocated, rootsOf, settle } from './fetchErrors.ts'
import { merge, mergeEntities } from './mergeResults.ts'
import type { Fetch, PlanRequest, PrepareFetch } from './planRequest.ts'
import { compileProjection } from './projection.ts'

export type CompiledPlan = (variables: Variables, request: PlanRequest) => Promise<ExecutionResult>

/** One execution of a plan. */
interface Run {
  data: Dictionary<unknown>
  errors: GraphQLError[]
  variables: Variables
  request: PlanRequest
}
type Step = (run: Run) => void | Promise<void>

interface Compiler {
  schema: GraphQLSchema
  prepare: PrepareFetch
}

/**
 * Compiles a query plan into functions: parses documents, resolves paths and required fields of
 * entities, and compiles the projection. It does what the planner's own executor does (the
 * federation audit passes with both). Returns null for plans that only that executor supports:
 * rewrites, conditions, and operations other than queries.
 */
export function compilePlan(
  operation: Operation,
  { node }: QueryPlan,
  prepare: PrepareFetch,
): CompiledPlan | null {
  const step = node && compileNode({ schema: operation.document.schema, prepare }, node)
  if (!step) return null
  const project = compileProjection(operation)
  return async (variables, request) => {
    const run: Run = { data: createDictionary(), errors: [], variables, request }
    await step(run)
    // Also without any data: the root fields of subgraphs that are down are null.
    const result: ExecutionResult = { data: project(run.data) as ExecutionResult['data'] }
    if (run.errors.length > 0) result.errors = run.errors
    return result
  }
}

function compileNode(compiler: Compiler, node: PlanNode): Step | null {
  switch (node.kind) {
    case 'Sequence': {
      const steps = compileNodes(compiler, node.nodes)
      if (!steps) return null
      return async (run) => {
        for (const step of steps) await step(run)
      }
    }
    case 'Parallel': {
      const steps = compileNodes(compiler, node.nodes)
      if (!steps) return null
      return async (run) => {
        await Promise.all(steps.map((step) => step(run)))
      }
    }
    case 'Fetch':
      return rootFetch(compiler, node)
    case 'Flatten':
      return node.node.kind === 'Fetch' ? entityFetch(compiler, node.path, node.node) : null
    case 'BatchFetch':
      return batchFetch(compiler, node)
    default:
      return null
  }
}

function compileNodes(compiler: Compiler, nodes: readonly PlanNode[]): Step[] | null {
  const steps = nodes.flatMap((n) => compileNode(compiler, n) ?? [])
  return steps.length === nodes.length ? steps : null
}

function rootFetch({ prepare }: Compiler, node: FetchNode): Step | null {
  if (!isPlain(node) || node.requires?.length) return null
  const fetch = fetchOf(node)
  const execute = prepare(node.serviceName, fetch)
  const roots = rootsOf(fetch.document).map(({ key }) => [key])
  return async (run) => {
    const variables = variablesOf(node, run)
    const result = await settle(node.serviceName, () => execute(variables, run.request))
    for (const e of result.errors ?? []) {
      if (e.path) run.errors.push(e)
      else addAt(run.errors, e, result.data ? roots.slice(0, 1) : roots)
    }
    if (result.data) merge(run.data, result.data)
  }
}

function entityFetch(
  { schema, prepare }: Compiler,
  path: FlattenNode['path'],
  node: FetchNode,
): Step | null {
  const entities =
    isPlain(node) && node.requires?.length ? compileEntities(schema, path, node.requires) : null
  if (!entities) return null
  const fetch = fetchOf(node)
  const execute = prepare(node.serviceName, fetch)
  const [root] = rootsOf(fetch.document)
  return async (run) => {
    const found: Entities = { entities: [], representations: [], order: [] }
    entities.collect(run.data, found, new Map())
    if (found.entities.length === 0) return
    const variables = { ...variablesOf(node, run), representations: found.representations }
    const result = await settle(node.serviceName, () => execute(variables, run.request))
    if (result.errors?.length) {
      const paths = pathsByEntity(entities.pathsOf(run.data))
      for (const e of result.errors) {
        const at = e.path?.indexOf('_entities') ?? -1
        const index = at < 0 ? undefined : e.path?.[at + 1]
        const places = placesOf(found, index, paths, e.path?.slice(at + 2))
        for (const place of places) run.errors.push(relocated(e, place))
        if (places.length === 0)
          addAt(
            run.errors,
            e,
            result.data ? [entities.errorPath] : lostPlaces(found.entities, paths, root),
          )
      }
    }
    mergeEntities(found, result.data?._entities)
  }
}

/** Fetches entities at several paths at once, under an alias for each shape. */
function batchFetch({ schema, prepare }: Compiler, node: BatchFetchNode): Step | null {
  const aliases = node.entityBatch.aliases.flatMap((a) => {
    if (!isPlain(a) || a.requires.length === 0) return []
    const paths = a.paths.flatMap((path) => compileEntities(schema, path, a.requires) ?? [])
    return paths.length === a.paths.length
      ? [{ alias: a.alias, variable: a.representationsVariableName, paths }]
      : []
  })
  if (aliases.length !== node.entityBatch.aliases.length) return null
  const fetch = fetchOf(node)
  const execute = prepare(node.serviceName, fetch)
  const roots = new Map(rootsOf(fetch.document).map((root) => [root.key, root]))
  return async (run) => {
    const variables = variablesOf(node, run) ?? createDictionary<unknown>()
    const known = new Map<string, Map<string, number>>()
    const all = aliases.map(({ alias, variable, paths }) => {
      variables[variable] ??= []
      const representations = variables[variable] as object[]
      const keys = known.get(variable) ?? new Map<string, number>()
      known.set(variable, keys)
      const found: Entities = { entities: [], representations, order: [] }
      for (const p of paths) p.collect(run.data, found, keys)
      return { alias, paths, found }
    })
    if (all.every((a) => a.found.representations.length === 0)) return
    const result = await settle(node.serviceName, () => execute(variables, run.request))
    const pathsOf = ({ paths }: (typeof all)[number]) =>
      pathsByEntity(paths.flatMap((p) => p.pathsOf(run.data)))
    for (const e of result.errors ?? []) {
      const [alias, index, ...tail] = e.path ?? []
      const of = all.find((a) => a.alias === alias)
      const places = of ? placesOf(of.found, index, pathsOf(of), tail) : []
      for (const place of places) run.errors.push(relocated(e, place))
      if (places.length > 0) continue
      if (result.data) run.errors.push(e)
      else {
        const lost = all.flatMap((a) =>
          lostPlaces(a.found.entities, pathsOf(a), roots.get(a.alias)),
        )
        addAt(run.errors, e, lost)
      }
    }
    for (const { alias, found } of all) mergeEntities(found, ownValue(result.data ?? {}, alias))
  }
}

function isPlain(node: {
  inputRewrites?: unknown[]
  outputRewrites?: unknown[]
  operationKind?: string
}): boolean {
  return (
    !node.inputRewrites?.length &&
    !node.outputRewrites?.length &&
    (node.operationKind ?? 'query') === 'query'
  )
}

function fetchOf(node: FetchNode | BatchFetchNode): Fetch {
  const document = parse(node.operation, { noLocation: true })
  return { document, operationType: 'query', operationName: node.operationName }
}

function variablesOf(
  node: FetchNode | BatchFetchNode,
  { variables }: Run,
): Dictionary<unknown> | undefined {
  let used: Dictionary<unknown> | undefined
  for (const name of node.variableUsages ?? [])
    if (Object.hasOwn(variables, name)) {
      used ??= createDictionary()
      used[name] = ownValue(variables, name)
    }
  return used
}

function pathsByEntity(found: readonly { entity: unknown; path: Path }[]): Map<unknown, Path> {
  return new Map(found.map(({ entity, path }) => [entity, path]))
}

/**
 * Returns the paths in the response to which an error at this index of a fetch's entities belongs.
 */
function placesOf(
  { entities, order }: Entities,
  index: string | number | undefined,
  paths: ReadonlyMap<unknown, Path>,
  tail: Path = [],
): Path[] {
  return entities
    .filter((_, n) => order[n] === index)
    .map((entity) => [...(paths.get(entity) ?? []), ...tail])
}
