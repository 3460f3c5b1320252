import type { IncomingMessage, ServerResponse } from 'node:http'
import type { RequestInfo } from '../../subgraphs/contract.ts'
import { type OperationEnvironment, prepareOperation } from '../execution/prepareOperation.ts'
import { isStream } from '../execution/runOperation.ts'
import { HttpError } from '../httpError.ts'
import type { QueryBounds } from '../limits/bounds.ts'
import { operationsOfBytes, operationsOfValues } from '../limits/callerBounds.ts'
import { type OperationRequest, readRequest } from '../operation/request.ts'
import { parseJson, readBody } from './body.ts'
import { sendJson } from './response.ts'
import type { EventStreams } from './sse.ts'

const RESPONSE_JSON = 'application/graphql-response+json'
const EVENT_STREAM = 'text/event-stream'

export interface HttpEnvironment extends OperationEnvironment {
  bounds: QueryBounds
  streams: EventStreams
  /** Called before a query or mutation runs. Throws HttpError if too many are in progress. */
  admitOperation(): void
  /** Charges the caller for an operation's size beyond one operation, once that is known. */
  charge(operations: number): void
}

/**
 * Serves GraphQL over HTTP: POST with a JSON body, GET for queries and subscriptions. The response
 * is an event stream if the client accepts one, as graphql-sse defines it ("distinct connections").
 * Throws HttpError for anything that is not a GraphQL request.
 */
export async function graphqlOverHttp(
  req: IncomingMessage,
  res: ServerResponse,
  caller: RequestInfo,
  environment: HttpEnvironment,
): Promise<void> {
  const accept = req.headers.accept ?? ''
  const prepared = await prepareOperation(
    environment,
    await readOperation(req, environment),
    caller,
  )
  const type = accept.includes(RESPONSE_JSON) ? RESPONSE_JSON : 'application/json'
  const streaming = accept.includes(EVENT_STREAM)
  if (!('run' in prepared)) {
    // A client that accepts the newer media type receives 400 for an invalid request; older clients
    // read errors at 200.
    const status = prepared[0]?.extensions.code === 'FORBIDDEN' ? 403 : 400
    sendJson(res, type === RESPONSE_JSON || streaming ? status : 200, { errors: prepared }, type)
    return
  }
  environment.charge(operationsOfValues(prepared.values))
  if (req.method === 'GET' && prepared.type === 'mutation') {
    res.setHeader('allow', 'POST')
    throw new HttpError(405, 'METHOD_NOT_ALLOWED', 'A mutation changes data: send it with POST')
  }
  if (prepared.type === 'subscription' && !streaming)
    throw new HttpError(
      406,
      'NOT_ACCEPTABLE',
      `A subscription needs "Accept: ${EVENT_STREAM}", or graphql-ws on the same path`,
    )
  if (prepared.type !== 'subscription') environment.admitOperation()
  res.once('close', () => {
    if (!res.writableFinished) prepared.abandon()
  })
  const result = await prepared.run()
  if (streaming) {
    const sent = environment.streams.send(req, res, isStream(result) ? result : once(result))
    if (isStream(result)) return await sent
    // The operation has finished: a client that reads slowly must not count against the concurrency
    // limit.
    sent.catch(() => res.destroy())
    return
  }
  if (isStream(result)) throw new Error('only subscriptions stream')
  sendJson(res, type === RESPONSE_JSON && result.data === undefined ? 400 : 200, result, type)
}

async function* once<T>(value: T): AsyncIterable<T> {
  yield value
}

async function readOperation(
  req: IncomingMessage,
  { bounds, charge }: HttpEnvironment,
): Promise<OperationRequest> {
  if (req.method === 'GET') {
    const search = new URL(req.url ?? '/', 'http://localhost').searchParams
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
  if (!/^application\/(json|graphql\+json)\b/i.test(req.headers['content-type'] ?? ''))
    throw new HttpError(
      415,
      'UNSUPPORTED_MEDIA_TYPE',
      'Send the operation as "Content-Type: application/json"',
    )
  const announced = Number(req.headers['content-length'] ?? 0)
  charge(operationsOfBytes(announced))
  const body = await readBody(req, bounds.bodyBytesMax)
  if (announced === 0) charge(operationsOfBytes(body.length))
  return readRequest(parseJson(body.toString('utf8'), 'the body'), bounds)
}
