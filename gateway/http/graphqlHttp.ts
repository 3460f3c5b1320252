import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ExecutionResult } from 'graphql'
import type { RequestInfo } from '../../subgraphs/contract.ts'
import { type OperationEnvironment, prepareOperation } from '../execution/prepareOperation.ts'
import { isStream } from '../execution/runOperation.ts'
import { HttpError } from '../httpError.ts'
import type { QueryBounds } from '../limits/bounds.ts'
import { operationsOfBytes, operationsOfValues } from '../limits/callerBounds.ts'
import { type OperationRequest, readRequest } from '../operation/request.ts'
import type { WatchClosing } from '../subscriptions/takeUntilClosed.ts'
import { type Accepted, EVENT_STREAM, JSON_TYPE, RESPONSE_JSON } from './accept.ts'
import { parseJson } from './body.ts'
import type { BodyMemory } from './bodyMemory.ts'
import { readBodyText } from './bodyText.ts'
import { readQueryParameters } from './queryParameters.ts'
import { sendJson } from './response.ts'
import type { EventStreams } from './sse.ts'

/** How long a client may take to read what it has not read when the gateway ends its stream. */
const lastResultMsMax = 5_000

/** Statuses of operations that were not executed, by the code of their first error. */
const STATUSES: ReadonlyMap<unknown, number> = new Map([
  ['FORBIDDEN', 403],
  ['INTERNAL', 500],
  ['UNAVAILABLE', 503],
])

export interface HttpEnvironment extends OperationEnvironment {
  bounds: QueryBounds
  streams: EventStreams
  /** Counts the bodies that still arrive. */
  bodies: BodyMemory
  accepted: Accepted
  /** Called before a query or mutation runs. Throws HttpError if too many are in progress. */
  admitOperation(): void
  /** Charges the caller for an operation's size beyond one operation, once that is known. */
  charge(operations: number): void
}

/**
 * Serves GraphQL over HTTP: POST with a JSON body, GET for queries and subscriptions. The response
 * to a query is an event stream if the client prefers one, as graphql-sse defines it ("distinct
 * connections"); that to a subscription always is. Throws HttpError for anything that is not a
 * GraphQL request.
 */
export async function graphqlOverHttp(
  req: IncomingMessage,
  res: ServerResponse,
  caller: RequestInfo,
  environment: HttpEnvironment,
): Promise<void> {
  const { accepted } = environment
  const given = await readOperation(req, environment)
  const closing = environment.closing.map((watch) => endingInTime(watch, res))
  const prepared = await prepareOperation({ ...environment, closing }, given, caller)
  if (!('run' in prepared)) {
    sendUnexecuted(res, accepted, { errors: prepared })
    return
  }
  environment.charge(operationsOfValues(prepared.values))
  if (req.method === 'GET' && prepared.type === 'mutation') {
    res.setHeader('allow', 'POST')
    throw new HttpError(405, 'METHOD_NOT_ALLOWED', 'A mutation changes data: send it with POST')
  }
  // Before anything runs: a client could not read the result of a mutation that was executed.
  requireAcceptable(prepared.type, accepted)
  if (prepared.type !== 'subscription') environment.admitOperation()
  res.once('close', () => {
    if (!res.writableFinished) prepared.abandon()
  })
  const result = await prepared.run()
  if (isStream(result)) return await environment.streams.send(req, res, result)
  if (prepared.type === 'subscription' || accepted.result === EVENT_STREAM) {
    const sent = environment.streams.send(req, res, once(result))
    // The operation has finished: a client that reads slowly must not count against the concurrency
    // limit.
    sent.catch(() => res.destroy())
    return
  }
  if (result.data === undefined) sendUnexecuted(res, accepted, result)
  else sendJson(res, 200, result, accepted.json)
}

/**
 * Returns the same watch, which also closes the connection of a subscription that has ended: a
 * client that does not read would never receive the end.
 */
function endingInTime(watch: WatchClosing, res: ServerResponse): WatchClosing {
  return (close) =>
    watch((reason) => {
      close(reason)
      const timer = setTimeout(() => res.destroy(), lastResultMsMax).unref()
      res.once('close', () => clearTimeout(timer))
    })
}

/** Throws HttpError 406 if the client accepts no form of the result. */
function requireAcceptable(type: string, accepted: Accepted): void {
  if (type === 'subscription') {
    if (accepted.events) return
    throw new HttpError(
      406,
      'NOT_ACCEPTABLE',
      `A subscription needs "Accept: ${EVENT_STREAM}", or graphql-ws on the same path`,
    )
  }
  if (accepted.result === null)
    throw new HttpError(
      406,
      'NOT_ACCEPTABLE',
      `Results are ${JSON_TYPE}, ${RESPONSE_JSON} or ${EVENT_STREAM}`,
    )
}

/**
 * Sends the errors of an operation that was not executed. A client that prefers the newer media type
 * or an event stream receives the status of the failure; older clients read errors at 200.
 */
function sendUnexecuted(
  res: ServerResponse,
  { result, json }: Accepted,
  body: Pick<ExecutionResult, 'errors'>,
): void {
  const status = STATUSES.get(body.errors?.[0]?.extensions.code) ?? 400
  sendJson(res, result === JSON_TYPE ? 200 : status, body, json)
}

async function* once<T>(value: T): AsyncIterable<T> {
  yield value
}

async function readOperation(
  req: IncomingMessage,
  environment: HttpEnvironment,
): Promise<OperationRequest> {
  const lastEventId = req.headers['last-event-id']
  return {
    ...(await readParameters(req, environment)),
    // An empty id is that of a client that has received none.
    ...(typeof lastEventId === 'string' && lastEventId !== '' ? { lastEventId } : {}),
  }
}

async function readParameters(
  req: IncomingMessage,
  { bounds, bodies, charge }: HttpEnvironment,
): Promise<OperationRequest> {
  if (req.method === 'GET') {
    const search = readQueryParameters(req.url ?? '/')
    const json = (name: string) => {
      const text = search.get(name)
      return text ? parseJson(text, `the parameter "${name}"`) : null
    }
    return readRequest(
      {
        query: search.get('query'),
        operationName: search.get('operationName'),
        variables: json('variables'),
        documentId: search.get('documentId'),
        extensions: json('extensions'),
      },
      bounds,
    )
  }
  // A form on another site could send any other type without a preflight request.
  if (!/^\s*application\/(graphql\+)?json\s*(;|$)/i.test(req.headers['content-type'] ?? ''))
    throw new HttpError(
      415,
      'UNSUPPORTED_MEDIA_TYPE',
      'Send the operation as "Content-Type: application/json"',
    )
  const announced = Number(req.headers['content-length'] ?? 0)
  charge(operationsOfBytes(announced))
  const { text, bytes } = await readBodyText(req, bounds.bodyBytesMax, bodies)
  // A body in chunks or a compressed one is larger than announced.
  if (bytes > announced) charge(operationsOfBytes(bytes) - operationsOfBytes(announced))
  return readRequest(parseJson(text, 'the body'), bounds)
}
