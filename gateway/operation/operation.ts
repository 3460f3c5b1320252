import { type ExecutionResult, GraphQLError, getOperationAST, type OperationTypeNode } from 'graphql'
import { SpanKind, traced } from '../../schema/trace.ts'
import type { RequestInfo } from '../../subgraphs/contract.ts'
import type { Runtime } from '../execution/runtime.ts'
import type { Drain } from '../http/drain.ts'
import type { HttpError } from '../http/httpAnswer.ts'
import type { Cost } from '../limits/cost.ts'
import { clientGone, within } from '../limits/timeLimit.ts'
import { EventGate } from '../subscriptions/sharedExecution.ts'
import { maskError, maskErrors, type ReportError } from './mask.ts'
import { OperationContext } from './operationContext.ts'
import { SCHEMA_SCOPE } from './rights.ts'

/** Of a name, as it is recorded; who chooses it is not trusted. */
const operationNameCharsMax = 100

/** What a client asks, over whichever transport. */
export interface OperationParams {
  query: string
  operationName?: string | null
  variables?: Record<string, unknown> | null
  /** Whether the answer is to say what the operation may cost. */
  tellCost?: boolean
}

/** An operation that is sound and may be run. */
export interface PreparedOperation {
  type: OperationTypeNode
  /** How many values its answer may hold. */
  values: number
  run(): Promise<ExecutionResult | AsyncIterable<ExecutionResult>>
  /** Nobody waits for the answer: nothing more is read for it. */
  abandon(): void
}

/** Tells `end` once the caller's credentials no longer hold; answers how to stop watching. */
export type WatchCaller = (end: (why: HttpError) => void) => () => void

/**
 * Parses and validates, from the cache when the text was seen before. An array: what is wrong with it. A subscription
 * ends with a result that says so when `watch` does.
 */
export function prepareOperation(
  runtime: Runtime,
  params: OperationParams,
  from: RequestInfo,
  report: ReportError,
  watch?: WatchCaller | null,
  drain?: Drain,
): PreparedOperation | GraphQLError[] {
  const request = { ...from }
  const operation = new OperationContext(request)
  const correlationId = request.correlationId
  const { contextFactory, execute, subscribe, schema } = runtime.getEnveloped({
    operation,
    correlationId,
  } as never)
  const knowsSchema = request.scopes.has(SCHEMA_SCOPE)
  const read = runtime.documents.read(schema, params.query)
  if (!('definitions' in read)) return read.map((e) => coded(e, knowsSchema))
  const document = read
  const found = getOperationAST(document, params.operationName)
  if (!found) return [noSuchOperation(params)]
  const node = found
  const type = node.operation
  request.operation = node.name ? `${type} ${node.name.value.slice(0, operationNameCharsMax)}` : type
  const { refused, masked: hidden } = runtime.rights.judge(schema, document, node, request)
  if (refused.length > 0) return refused
  const { costMax } = runtime.costs
  const cost = runtime.costs.of(schema, document, node, params.variables)
  if (cost.cost > costMax) return [tooCostly(cost, costMax)]
  const told = {
    ...(hidden.length > 0 ? { masked: hidden } : {}),
    ...(params.tellCost ? { cost: { cost: cost.cost, path: cost.path, costMax } } : {}),
  }
  const tells = hidden.length > 0 || params.tellCost === true

  let began = 0
  const stop = new AbortController()
  // What a mutation has begun it brings to its end.
  if (type === 'query') request.signal = stop.signal

  async function run() {
    began = performance.now()
    const release = runtime.use()
    let streams = false
    let leave: (() => void) | undefined
    try {
      const args = {
        schema,
        document,
        operationName: params.operationName ?? undefined,
        variableValues: params.variables ?? {},
        contextValue: await contextFactory(),
        signal: request.signal,
      }
      const executed = () => answered(() => execute(args as never) as Promise<ExecutionResult>)
      if (type !== 'subscription')
        return await traced(
          {
            name: `graphql ${type}`,
            kind: SpanKind.SERVER,
            parent: request.traceparent ?? null,
            attributes: { 'touchstone.correlation_id': correlationId },
          },
          async () =>
            observed(masked(await (type === 'query' ? within(runtime.queryMsMax, stop, executed) : executed()))),
        )
      const joined = runtime.selections.join(document, node, params.variables ?? {}, request)
      leave = joined?.leave
      const gate = new EventGate()
      operation.gate = joined && gate
      const result = await subscribe(args as never)
      if (!isStream(result)) {
        leave?.()
        return masked(result)
      }
      streams = true
      const results = stream(
        joined ? gate.results(result, joined.selection, request, joined.leave) : result,
        masked,
        release,
      )
      return watch || drain ? untilTold(results, watch, drain) : results
    } catch (e) {
      leave?.()
      const errors = e instanceof AggregateError ? e.errors : [e]
      return { errors: errors.map((x) => maskError(x, correlationId, report)) }
    } finally {
      if (!streams) release()
    }
  }

  function observed(answer: ExecutionResult): ExecutionResult {
    const ms = performance.now() - began
    runtime.observe?.({ name: node.name?.value ?? null, type, ms, ok: !answer.errors?.length })
    return answer
  }

  async function answered(executed: () => Promise<ExecutionResult>): Promise<ExecutionResult> {
    const { answers } = runtime
    const dependencies = type === 'query' ? answers?.dependenciesOf(schema, document, node) : null
    const key = dependencies && answers?.keyOf(params.query, params.operationName, params.variables, request)
    return key && dependencies && answers
      ? await answers.answer(key, dependencies, request, executed)
      : await executed()
  }

  function masked(given: ExecutionResult): ExecutionResult {
    const result = tells ? { ...given, extensions: { ...given.extensions, ...told } } : given
    if (!result.errors?.length) return result
    const answer = maskErrors(result, correlationId, report)
    // The planner keeps one array for all events of a subscription: an error would come again with each later event.
    if (type === 'subscription') (given.errors as GraphQLError[]).length = 0
    return answer
  }

  return { type, values: cost.values, run, abandon: () => stop.abort(clientGone()) }
}

export function isStream(value: unknown): value is AsyncIterable<ExecutionResult> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value
}

/**
 * The runtime notes the HTTP status it would give; that is none of the caller's concern. Nor are names of the schema that
 * come close to a wrong one, of who may not read it.
 */
function coded(error: GraphQLError, suggest: boolean): GraphQLError {
  const { code = 'GRAPHQL_VALIDATION_FAILED' } = error.extensions
  return new GraphQLError(suggest ? error.message : error.message.replace(/ Did you mean .*$/s, ''), {
    nodes: error.nodes,
    extensions: { code },
  })
}

function tooCostly({ cost, path }: Cost, costMax: number): GraphQLError {
  const message = `The answer may hold ${cost} objects, at most ${costMax} are allowed; most of them at ${path}: ask for smaller pages`
  return new GraphQLError(message, { extensions: { code: 'COST_TOO_HIGH', cost, costMax, path } })
}

function noSuchOperation({ operationName }: OperationParams): GraphQLError {
  const message = operationName
    ? `The document has no operation "${operationName}"`
    : 'The document has several operations: name one in operationName'
  return new GraphQLError(message, { extensions: { code: 'OPERATION_RESOLUTION_FAILURE' } })
}

/** Passes `return` on at once, so that a client that goes away frees its subscription without waiting for an event. */
function stream<T>(source: AsyncIterable<T>, map: (value: T) => T, end: () => void): AsyncIterableIterator<T> {
  const values = source[Symbol.asyncIterator]()
  const iterator: AsyncIterableIterator<T> = {
    async next() {
      try {
        const value = await values.next()
        if (!value.done) return { done: false, value: map(value.value) }
      } catch (e) {
        end()
        throw e
      }
      end()
      return { done: true, value: undefined }
    },
    async return() {
      end()
      await values.return?.()
      return { done: true, value: undefined }
    },
    [Symbol.asyncIterator]: () => iterator,
  }
  return iterator
}

/**
 * The same results until the caller's credentials no longer hold or the server stops; then one last that says so, and after
 * which cursor to go on, where the subscription selects cursors; on every transport alike.
 */
function untilTold(
  results: AsyncIterableIterator<ExecutionResult>,
  watch: WatchCaller | null | undefined,
  drain: Drain | undefined,
): AsyncIterableIterator<ExecutionResult> {
  const done: IteratorReturnResult<undefined> = { done: true, value: undefined }
  let ended = false
  let last: ExecutionResult | undefined
  let endWaiting: (() => void) | undefined
  const finish = (): IteratorResult<ExecutionResult> => {
    const value = last
    last = undefined
    ended = true
    unwatch?.()
    if (!value) undrain?.()
    return value ? { done: false, value } : done
  }
  let cursor: string | undefined
  const told = (why: HttpError) => {
    if (ended || last) return
    const extensions = { code: why.code, ...(cursor === undefined ? {} : { cursor }) }
    last = { errors: [new GraphQLError(why.message, { extensions })] }
    endWaiting?.()
    void results.return?.()
  }
  const unwatch = watch?.(told)
  // Until the last word has been taken.
  const undrain = drain?.watch(told)
  const iterator: AsyncIterableIterator<ExecutionResult> = {
    next() {
      if (ended) {
        undrain?.()
        return Promise.resolve(done)
      }
      if (last) return Promise.resolve(finish())
      // No race with a promise that lasts as long as the stream: it would keep a reaction of every event.
      return new Promise((resolve, reject) => {
        endWaiting = () => resolve(finish())
        results.next().then((r) => {
          if (!r.done && !last) cursor = cursorOf(r.value) ?? cursor
          resolve(r.done || last ? finish() : r)
        }, reject)
      })
    },
    async return() {
      finish()
      undrain?.()
      await results.return?.()
      return done
    },
    [Symbol.asyncIterator]: () => iterator,
  }
  return iterator
}

/** The cursor of an event, where it was asked for. */
function cursorOf({ data }: ExecutionResult): string | undefined {
  for (const event of Object.values(data ?? {}))
    if (typeof event === 'object' && event !== null && 'cursor' in event && typeof event.cursor === 'string')
      return event.cursor
  return undefined
}
