import { type ExecutionResult, GraphQLError, type OperationTypeNode } from 'graphql'
import type { RequestInfo } from '../../subgraphs/contract.ts'
import type { Cost } from '../limits/cost.ts'
import { abandoned } from '../limits/timeLimit.ts'
import { CompiledDocument } from '../operation/documentCache.ts'
import type { ReportError } from '../operation/maskErrors.ts'
import type { PublishedOperations } from '../operation/publishedOperations.ts'
import type { OperationRequest } from '../operation/request.ts'
import { forbidden, judge, SCHEMA_SCOPE } from '../operation/rights.ts'
import type { WatchClosing } from '../subscriptions/takeUntilClosed.ts'
import type { CompiledOperation } from './compiledOperation.ts'
import { runOperation } from './runOperation.ts'
import type { Runtime } from './runtime.ts'

/** Maximum characters of a recorded operation name, which the caller chooses. */
const operationNameCharsMax = 100

/** The parts that prepare and run operations, shared by all transports. */
export interface OperationEnvironment {
  runtime: Runtime
  operations: PublishedOperations
  report: ReportError
  /** Watches that end a subscription before its events do. */
  closing: readonly WatchClosing[]
}

/** A valid operation that its caller may run. */
export interface PreparedOperation {
  type: OperationTypeNode
  /** The maximum number of values in its response. */
  values: number
  run(): Promise<ExecutionResult | AsyncIterable<ExecutionResult>>
  /**
   * Cancels the operation: the client no longer waits for the response, so nothing more is read for
   * it.
   */
  abandon(): void
}

/**
 * Finds the text of a request and prepares its operation, from the cache if the text was used
 * before. Returns errors if the operation is invalid, forbidden or too large. Throws HttpError if
 * the text cannot be resolved.
 */
export async function prepareOperation(
  environment: OperationEnvironment,
  given: OperationRequest,
  caller: RequestInfo,
): Promise<PreparedOperation | readonly GraphQLError[]> {
  const text = await environment.operations.textOf(given)
  if (text instanceof GraphQLError) return [text]
  const { runtime } = environment
  const hideSuggestions = !caller.scopes.has(SCHEMA_SCOPE)
  const document = runtime.documents.read(text, hideSuggestions)
  if (!(document instanceof CompiledDocument)) return document.map(withCode)
  const compiled = document.operation(given.operationName)
  if (!compiled) return [noSuchOperation(given)]

  const request: RequestInfo = { ...caller, operation: nameOf(compiled) }
  const { refused, masked } = judge(compiled.needs, request)
  if (refused.length > 0) {
    runtime.refused(request, refused)
    return refused.map(forbidden)
  }
  const cost = compiled.cost(given.variables)
  const { costMax } = runtime
  if (cost.cost > costMax) return [tooCostly(cost, costMax)]

  const extensions = {
    ...(masked.length > 0
      ? { masked: masked.map(({ coordinate, scopes }) => ({ coordinate, code: 'MASKED', scopes })) }
      : {}),
    ...(given.includeCost ? { cost: { cost: cost.cost, path: cost.path, costMax } } : {}),
  }
  const stop = new AbortController()
  // A mutation always finishes.
  if (compiled.operation.type === 'query') request.signal = stop.signal
  return {
    type: compiled.operation.type,
    values: cost.values,
    run: () => runOperation(environment, { compiled, text, given, request, extensions, stop }),
    abandon: () => stop.abort(abandoned()),
  }
}

function nameOf({ operation: { type, name } }: CompiledOperation): string {
  return name === null ? type : `${type} ${name.slice(0, operationNameCharsMax)}`
}

/** Removes the HTTP status that the runtime adds to errors. */
function withCode(error: GraphQLError): GraphQLError {
  const { code = 'GRAPHQL_VALIDATION_FAILED' } = error.extensions
  return new GraphQLError(error.message, { nodes: error.nodes, extensions: { code } })
}

function tooCostly({ cost, path }: Cost, costMax: number): GraphQLError {
  const message = `The response may hold ${cost} objects, at most ${costMax} are allowed; most of them at ${path}: request smaller pages`
  return new GraphQLError(message, { extensions: { code: 'COST_TOO_HIGH', cost, costMax, path } })
}

function noSuchOperation({ operationName }: OperationRequest): GraphQLError {
  const message = operationName
    ? `The document has no operation "${operationName}"`
    : 'The document has several operations: name one in operationName'
  return new GraphQLError(message, { extensions: { code: 'OPERATION_RESOLUTION_FAILURE' } })
}
