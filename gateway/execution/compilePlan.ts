import type { BatchFetchNode, FetchNode, PlanNode, QueryPlan } from '@graphql-hive/router-query-planner'
import {
  type DocumentNode,
  type ExecutionResult,
  type FieldNode,
  GraphQLError,
  type GraphQLSchema,
  Kind,
  type OperationDefinitionNode,
  parse,
  type SelectionSetNode,
} from 'graphql'
import { UNREACHABLE } from '../operation/mask.ts'
import { compileEntities, type Entities, type Entity, type Path } from './entities.ts'
import { compileProjection } from './projection.ts'

/** Of a subgraph that does not answer, the places that are named; it may have had a field of each of many objects. */
const errorsOfFetchMax = 100

/** One fetch, as the transports of the runtime take it. */
export interface Fetch {
  document: DocumentNode
  variables: Record<string, unknown> | undefined
  operationType: 'query'
  operationName: string | undefined
}

/** One execution of a plan. */
interface Run {
  data: Record<string, unknown>
  errors: GraphQLError[]
  variables: Readonly<Record<string, unknown>>
  fetch: (subgraph: string, fetch: Fetch) => ExecutionResult | PromiseLike<ExecutionResult>
}
type Step = (run: Run) => void | Promise<void>

export type CompiledPlan = (
  variables: Readonly<Record<string, unknown>>,
  fetch: Run['fetch'],
) => Promise<ExecutionResult>

/**
 * A query plan as functions: documents parsed, paths and what is required of entities worked out, the projection of the
 * answer compiled. It does what the planner's own executor does (the federation audit passes through both). Null for what
 * is left to that one: rewrites, conditions, and what is no query.
 */
export function compilePlan(
  schema: GraphQLSchema,
  { node }: QueryPlan,
  document: DocumentNode,
  operation: OperationDefinitionNode,
): CompiledPlan | null {
  const step = node && compileNode(schema, node)
  if (!step) return null
  const project = compileProjection(schema, document, operation)
  return async (variables, fetch) => {
    const run: Run = { data: {}, errors: [], variables, fetch }
    await step(run)
    const result: ExecutionResult = {}
    if (Object.keys(run.data).length > 0) result.data = project(run.data) as ExecutionResult['data']
    if (run.errors.length > 0) result.errors = run.errors
    return result
  }
}

function compileNode(schema: GraphQLSchema, node: PlanNode): Step | null {
  switch (node.kind) {
    case 'Sequence': {
      const steps = node.nodes.map((n) => compileNode(schema, n))
      if (!isWhole(steps)) return null
      return async (run) => {
        for (const step of steps) await step(run)
      }
    }
    case 'Parallel': {
      const steps = node.nodes.map((n) => compileNode(schema, n))
      if (!isWhole(steps)) return null
      return async (run) => {
        await Promise.all(steps.map((step) => step(run)))
      }
    }
    case 'Fetch':
      return rootFetch(node)
    case 'Flatten':
      return node.node.kind === 'Fetch' ? entityFetch(schema, node.path, node.node) : null
    case 'BatchFetch':
      return batchFetch(schema, node)
    default:
      return null
  }
}

function isWhole(steps: (Step | null)[]): steps is Step[] {
  return !steps.includes(null)
}

function rootFetch(node: FetchNode): Step | null {
  if (!isPlain(node) || node.requires?.length) return null
  const ask = fetchOf(node)
  const roots = askedOf(ask.document).map(({ key }) => [key])
  return async (run) => {
    const result = await answered(run, node.serviceName, { ...ask, variables: variablesOf(node, run) })
    for (const e of result.errors ?? []) {
      if (e.path) run.errors.push(e)
      else note(run, e, result.data ? roots.slice(0, 1) : roots)
    }
    if (result.data) merge(run.data, result.data)
  }
}

function entityFetch(schema: GraphQLSchema, path: Parameters<typeof compileEntities>[1], node: FetchNode): Step | null {
  const entities = isPlain(node) && node.requires?.length ? compileEntities(schema, path, node.requires) : null
  if (!entities) return null
  const ask = fetchOf(node)
  const [asked] = askedOf(ask.document)
  return async (run) => {
    const found: Entities = { entities: [], representations: [], order: [] }
    entities.collect(run.data, found, new Map())
    if (found.entities.length === 0) return
    const { representations } = found
    const variables = { ...variablesOf(node, run), representations }
    const result = await answered(run, node.serviceName, { ...ask, variables })
    if (result.errors?.length) {
      const paths = new Map(entities.pathsOf(run.data).map((p) => [p.entity, p.path]))
      for (const e of result.errors) {
        const at = e.path?.indexOf('_entities') ?? -1
        const index = at < 0 ? undefined : e.path?.[at + 1]
        const places = found.entities.filter((_, n) => found.order[n] === index)
        for (const entity of places)
          run.errors.push(relocated(e, [...(paths.get(entity) ?? []), ...(e.path?.slice(at + 2) ?? [])]))
        if (places.length === 0)
          note(run, e, result.data ? [entities.errorPath] : lostOf(found.entities, paths, asked?.fields))
      }
    }
    mergeEntities(found, result.data?._entities)
  }
}

/** Entities at several paths, in one fetch: an alias for each shape that is asked for. */
function batchFetch(schema: GraphQLSchema, node: BatchFetchNode): Step | null {
  const aliases = node.entityBatch.aliases.map((a) => ({
    alias: a.alias,
    variable: a.representationsVariableName,
    paths:
      isPlain(a) && a.requires.length > 0 ? a.paths.map((path) => compileEntities(schema, path, a.requires)) : [null],
  }))
  if (aliases.some((a) => a.paths.includes(null))) return null
  const ask = fetchOf(node)
  const asked = new Map(askedOf(ask.document).map((a) => [a.key, a.fields]))
  return async (run) => {
    const variables: Record<string, unknown> = { ...variablesOf(node, run) }
    const known = new Map<string, Map<string, number>>()
    const all = aliases.map(({ alias, variable, paths }) => {
      variables[variable] ??= []
      const representations = variables[variable] as object[]
      const keys = known.get(variable) ?? new Map<string, number>()
      known.set(variable, keys)
      const found: Entities = { entities: [], representations, order: [] }
      for (const p of paths) p?.collect(run.data, found, keys)
      return { alias, paths, found }
    })
    if (all.every((a) => a.found.representations.length === 0)) return
    const result = await answered(run, node.serviceName, { ...ask, variables })
    const pathsOf = (of: (typeof all)[number]) =>
      new Map(of.paths.flatMap((p) => p?.pathsOf(run.data) ?? []).map((p) => [p.entity, p.path]))
    for (const e of result.errors ?? []) {
      const [alias, index, ...tail] = e.path ?? []
      const of = all.find((a) => a.alias === alias)
      const places = of ? of.found.entities.filter((_, n) => of.found.order[n] === index) : []
      if (of && places.length > 0) {
        const paths = pathsOf(of)
        for (const entity of places) run.errors.push(relocated(e, [...(paths.get(entity) ?? []), ...tail]))
      } else if (result.data) run.errors.push(e)
      else {
        const lost = all.flatMap((a) => lostOf(a.found.entities, pathsOf(a), asked.get(a.alias)))
        note(run, e, lost)
      }
    }
    for (const { alias, found } of all) mergeEntities(found, result.data?.[alias])
  }
}

function isPlain(node: { inputRewrites?: unknown[]; outputRewrites?: unknown[]; operationKind?: string }): boolean {
  return !node.inputRewrites?.length && !node.outputRewrites?.length && (node.operationKind ?? 'query') === 'query'
}

function fetchOf(node: FetchNode | BatchFetchNode): Fetch {
  const document = parse(node.operation, { noLocation: true })
  return { document, variables: undefined, operationType: 'query', operationName: node.operationName }
}

/** The root fields of a fetch by their keys; of entities, which fields are asked of which type. */
function askedOf(document: DocumentNode): { key: string; fields: ReadonlyMap<string, string[]> }[] {
  const fieldsOf = (set: SelectionSetNode | undefined) => (set?.selections ?? []).filter((s) => s.kind === Kind.FIELD)
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

/** The places in the answer that a fetch would have filled. */
function lostOf(
  entities: readonly Entity[],
  paths: ReadonlyMap<unknown, Path>,
  fields: ReadonlyMap<string, string[]> | undefined,
): Path[] {
  return entities.flatMap((entity) => {
    const at = paths.get(entity) ?? []
    return fields?.get(entity.__typename)?.map((key) => [...at, key]) ?? [at]
  })
}

function variablesOf(node: FetchNode | BatchFetchNode, { variables }: Run): Record<string, unknown> | undefined {
  let used: Record<string, unknown> | undefined
  for (const name of node.variableUsages ?? [])
    if (Object.hasOwn(variables, name)) {
      used ??= {}
      used[name] = variables[name]
    }
  return used
}

/** What the subgraph answers, or why it could not be asked: the rest of the answer goes on. */
async function answered(run: Run, subgraph: string, fetch: Fetch): Promise<ExecutionResult<Record<string, unknown>>> {
  try {
    const result = await run.fetch(subgraph, fetch)
    for (const e of result.errors ?? []) if (UNREACHABLE.has(e.extensions?.code)) e.extensions.serviceName = subgraph
    return result as ExecutionResult<Record<string, unknown>>
  } catch (e) {
    if (e instanceof GraphQLError) {
      if (UNREACHABLE.has(e.extensions.code)) e.extensions.serviceName = subgraph
      return { errors: [e] }
    }
    const originalError = e instanceof Error ? e : undefined
    const extensions = { code: 'DOWNSTREAM_SERVICE_ERROR', serviceName: subgraph }
    return { errors: [new GraphQLError(originalError?.message ?? String(e), { originalError, extensions })] }
  }
}

/** The same error at each place that it left empty. */
function note(run: Run, e: GraphQLError, places: readonly Path[]): void {
  for (const path of places.slice(0, errorsOfFetchMax)) run.errors.push(relocated(e, path))
}

function relocated(e: GraphQLError, path: Path): GraphQLError {
  const { nodes, source, positions, originalError, extensions } = e
  return new GraphQLError(e.message, { nodes, source, positions, path, originalError, extensions })
}

function mergeEntities({ entities, order }: Entities, answers: unknown): void {
  if (!Array.isArray(answers)) return
  for (let n = 0; n < entities.length; n++) {
    const answer = answers[order[n] ?? -1]
    if (answer) merge(entities[n] as Record<string, unknown>, answer)
  }
}

/** Puts what another fetch has found of the same objects beside what is there. */
function merge(target: Record<string, unknown>, source: Record<string, unknown>): void {
  for (const key in source) {
    const [was, is] = [target[key], source[key]]
    if (isObject(was) && isObject(is)) {
      if (was === is) continue
      if (
        Array.isArray(was) !== Array.isArray(is) ||
        (Array.isArray(was) && was.length !== (is as unknown as unknown[]).length)
      )
        target[key] = is
      else merge(was, is)
    } else if (is !== undefined) target[key] = is
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
