import { type DocumentNode, type ExecutionResult, GraphQLError, getOperationAST, type OperationTypeNode } from 'graphql'
import type { RequestInfo } from '../subgraphs/contract.ts'
import { maskError, type ReportError } from './mask.ts'
import { OperationContext } from './operationContext.ts'
import type { Runtime } from './runtime.ts'

/** What a client asks, over whichever transport. */
export interface OperationParams {
  query: string
  operationName?: string | null
  variables?: Record<string, unknown> | null
}

/** An operation that is sound and may be run. */
export interface PreparedOperation {
  type: OperationTypeNode
  run(): Promise<ExecutionResult | AsyncIterable<ExecutionResult>>
}

/** Parses and validates, from the cache when the text was seen before. An array: what is wrong with it. */
export function prepareOperation(
  runtime: Runtime,
  params: OperationParams,
  request: RequestInfo,
  report: ReportError,
): PreparedOperation | GraphQLError[] {
  const operation = new OperationContext(request)
  const correlationId = request.correlationId
  const { parse, validate, contextFactory, execute, subscribe, schema } = runtime.getEnveloped({
    operation,
    correlationId,
    actor: request.actor ?? '',
    roles: rolesHeader(request.roles),
  } as never)
  let document: DocumentNode
  try {
    document = parse(params.query)
  } catch (e) {
    return [maskError(e, correlationId, report)]
  }
  const invalid = validate(schema, document) as GraphQLError[]
  if (invalid.length > 0) return invalid.map(coded)
  const node = getOperationAST(document, params.operationName)
  if (!node) return [noSuchOperation(params)]
  const type = node.operation

  async function run() {
    try {
      const args = {
        schema,
        document,
        operationName: params.operationName ?? undefined,
        variableValues: params.variables ?? {},
        contextValue: await contextFactory(),
      }
      const result = await (type === 'subscription' ? subscribe(args as never) : execute(args as never))
      return isStream(result) ? stream(result, masked) : masked(result)
    } catch (e) {
      const errors = e instanceof AggregateError ? e.errors : [e]
      return { errors: errors.map((x) => maskError(x, correlationId, report)) }
    }
  }

  function masked(result: ExecutionResult): ExecutionResult {
    if (!result.errors?.length) return result
    const errors = result.errors.map((e) => maskError(e, correlationId, report))
    // The planner keeps one array for all events of a subscription: an error would come again with each later event.
    if (type === 'subscription') (result.errors as GraphQLError[]).length = 0
    return { ...result, errors }
  }

  return { type, run }
}

export function isStream(value: unknown): value is AsyncIterable<ExecutionResult> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value
}

/** The runtime notes the HTTP status it would give; that is none of the caller's concern. */
function coded(error: GraphQLError): GraphQLError {
  const { code = 'GRAPHQL_VALIDATION_FAILED' } = error.extensions
  return new GraphQLError(error.message, { nodes: error.nodes, extensions: { code } })
}

function noSuchOperation({ operationName }: OperationParams): GraphQLError {
  const message = operationName
    ? `The document has no operation "${operationName}"`
    : 'The document has several operations: name one in operationName'
  return new GraphQLError(message, { extensions: { code: 'OPERATION_RESOLUTION_FAILURE' } })
}

/** Passes `return` on at once, so that a client that goes away frees its subscription without waiting for an event. */
function stream<T>(source: AsyncIterable<T>, map: (value: T) => T): AsyncIterableIterator<T> {
  const values = source[Symbol.asyncIterator]()
  const iterator: AsyncIterableIterator<T> = {
    async next() {
      const value = await values.next()
      return value.done ? { done: true, value: undefined } : { done: false, value: map(value.value) }
    },
    async return() {
      await values.return?.()
      return { done: true, value: undefined }
    },
    [Symbol.asyncIterator]: () => iterator,
  }
  return iterator
}

/** A header without a value would be left out on the way, and say something else: `-` is no role, `*` is all. */
function rolesHeader(roles: RequestInfo['roles']): string {
  return roles?.has('*') ? '*' : [...(roles ?? [])].join() || '-'
}
