import type { ExecutionResult, GraphQLError } from 'graphql'
import { asyncStream } from '../../schema/kit/asyncStream.ts'
import { SpanKind, traced } from '../../schema/trace.ts'
import type { RequestInfo } from '../../subgraphs/contract.ts'
import { withTimeLimit } from '../limits/timeLimit.ts'
import { maskError, maskErrors, type ReportError } from '../operation/maskErrors.ts'
import type { OperationRequest } from '../operation/request.ts'
import { SharedExecution } from '../subscriptions/sharedExecution.ts'
import { aloneInGroup } from '../subscriptions/subscriptionGroups.ts'
import { takeUntilClosed, type WatchClosing } from '../subscriptions/takeUntilClosed.ts'
import type { CompiledOperation } from './compiledOperation.ts'
import { OperationContext } from './operationContext.ts'
import type { Runtime } from './runtime.ts'

export interface Run {
  compiled: CompiledOperation
  text: string
  given: OperationRequest
  request: RequestInfo
  /** Added to the extensions of the result. */
  extensions: object
  /** Aborts a query. */
  stop: AbortController
}

type Environment = { runtime: Runtime; report: ReportError; closing: readonly WatchClosing[] }
type Finish = (result: ExecutionResult) => ExecutionResult

/** Runs an operation. Never rejects: errors are in the result, masked. */
export async function runOperation(
  environment: Environment,
  run: Run,
): Promise<ExecutionResult | AsyncIterable<ExecutionResult>> {
  const { runtime, report } = environment
  const { correlationId } = run.request
  const release = runtime.use()
  const finish = finisher(run, report)
  try {
    const result =
      run.compiled.operation.type === 'subscription'
        ? await subscribe(environment, run, finish, release)
        : await respond(runtime, run, finish)
    if (!isStream(result)) release()
    return result
  } catch (e) {
    release()
    const errors = e instanceof AggregateError ? e.errors : [e]
    return { errors: errors.map((x) => maskError(x, correlationId, report)) }
  }
}

export function isStream(value: unknown): value is AsyncIterable<ExecutionResult> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value
}

/** Responds to a query or a mutation, in a span of its own. */
async function respond(runtime: Runtime, run: Run, finish: Finish): Promise<ExecutionResult> {
  const { compiled, request, stop } = run
  const { type, name } = compiled.operation
  const began = performance.now()
  const { args, execute } = await executionOf(runtime, run)
  const executed = async () => (await execute(args)) as ExecutionResult
  const span = {
    name: `graphql ${type}`,
    kind: SpanKind.SERVER,
    parent: request.traceparent ?? null,
    attributes: { 'touchstone.correlation_id': request.correlationId },
  }
  return await traced(span, async () => {
    const result = finish(
      type === 'query'
        ? await withTimeLimit(runtime.queryMsMax, stop, () => cached(runtime, run, executed))
        : await executed(),
    )
    runtime.observe?.({ name, type, ms: performance.now() - began, ok: !result.errors?.length })
    return result
  })
}

/** Returns the cached result of a query if it may be cached. */
async function cached(
  { cache }: Runtime,
  { compiled, text, given, request }: Run,
  execute: () => Promise<ExecutionResult>,
): Promise<ExecutionResult> {
  if (!cache || !compiled.dependencies) return await execute()
  const operation = { text, name: given.operationName, variables: given.variables ?? {} }
  return await cache.respond(operation, compiled.dependencies, request, execute)
}

/**
 * Starts a subscription. Its results are shared with subscribers that have the same selection and
 * the same rights.
 */
async function subscribe(
  { runtime, closing }: Environment,
  run: Run,
  finish: Finish,
  release: () => void,
): Promise<ExecutionResult | AsyncIterable<ExecutionResult>> {
  const { compiled, given, request } = run
  const { group, leave } = compiled.events
    ? runtime.groups.join(compiled.events, given.variables ?? {}, request)
    : aloneInGroup()
  try {
    const shared = new SharedExecution()
    const { args, subscribe } = await executionOf(runtime, run, shared)
    const result = await subscribe(args)
    if (!isStream(result)) {
      leave()
      return finish(result as ExecutionResult)
    }
    const results = shared.results(result, group, request, leave)
    const finished = mapResults(results, finish, release)
    return closing.length > 0 ? takeUntilClosed(finished, closing) : finished
  } catch (e) {
    leave()
    throw e
  }
}

async function executionOf(
  runtime: Runtime,
  { compiled, given, request }: Run,
  shared: SharedExecution | null = null,
) {
  const operation = new OperationContext(request, compiled)
  operation.shared = shared
  if (compiled.resumable) operation.resumeAfter = given.lastEventId ?? null
  const { contextFactory, execute, subscribe, schema } = runtime.getEnveloped({
    operation,
    correlationId: request.correlationId,
  })
  const args = {
    schema,
    document: compiled.operation.document.node,
    operationName: given.operationName ?? undefined,
    variableValues: given.variables ?? {},
    contextValue: await contextFactory(),
    signal: request.signal,
  }
  return { args, execute, subscribe }
}

/** Returns the function that finishes each result: it adds extensions and masks errors. */
function finisher({ compiled, request, extensions }: Run, report: ReportError): Finish {
  const hasExtensions = Object.keys(extensions).length > 0
  const isSubscription = compiled.operation.type === 'subscription'
  return (given) => {
    const result = hasExtensions
      ? { ...given, extensions: { ...given.extensions, ...extensions } }
      : given
    if (!result.errors?.length) return result
    const masked = maskErrors(result, request.correlationId, report)
    // The planner uses one array for all events of a subscription: an error would repeat with each
    // later event.
    if (isSubscription) (given.errors as GraphQLError[]).length = 0
    return masked
  }
}

/** Returns the finished results. Calls `end` once when they end or their consumer leaves. */
function mapResults(
  results: AsyncIterable<ExecutionResult>,
  finish: Finish,
  end: () => void,
): AsyncIterableIterator<ExecutionResult, undefined> {
  const iterator = results[Symbol.asyncIterator]()
  return asyncStream(
    async () => {
      try {
        const result = await iterator.next()
        if (!result.done) return { done: false, value: finish(result.value) }
      } catch (e) {
        end()
        throw e
      }
      end()
      return { done: true, value: undefined }
    },
    async () => {
      end()
      await iterator.return?.()
    },
  )
}
