import type { IncomingMessage, ServerResponse } from 'node:http'
import { GraphQLError } from 'graphql'
import type { RequestInfo } from '../subgraphs/contract.ts'
import type { QueryBounds } from './bounds.ts'
import { answerJson, HttpError, readBody } from './httpAnswer.ts'
import type { ReportError } from './mask.ts'
import { isStream, type OperationParams, prepareOperation, type WatchCaller } from './operation.ts'
import type { Runtime } from './runtime.ts'
import type { EventStreams } from './sse.ts'

const RESPONSE_JSON = 'application/graphql-response+json'
const EVENT_STREAM = 'text/event-stream'

/**
 * GraphQL over HTTP: POST with a JSON body, GET for queries and subscriptions. Throws HttpError for what is no GraphQL
 * request. The answer is an event stream where the client accepts one, as graphql-sse has it ("distinct connections").
 */
export async function graphqlOverHttp(
  req: IncomingMessage,
  res: ServerResponse,
  request: RequestInfo,
  at: {
    runtime: Runtime
    bounds: QueryBounds
    report: ReportError
    streams: EventStreams
    watch?: WatchCaller | null
  },
): Promise<void> {
  const accept = req.headers.accept ?? ''
  const params = await readParams(req, at.bounds)
  const prepared = prepareOperation(at.runtime, params, request, at.report, at.watch)
  const type = accept.includes(RESPONSE_JSON) ? RESPONSE_JSON : 'application/json'
  const streaming = accept.includes(EVENT_STREAM)
  if (Array.isArray(prepared)) {
    // Where the client knows the newer media type, a request that is wrong is a 400; older clients read errors at 200.
    const status = prepared[0]?.extensions.code === 'FORBIDDEN' ? 403 : 400
    answerJson(res, type === RESPONSE_JSON || streaming ? status : 200, { errors: prepared }, type)
    return
  }
  if (req.method === 'GET' && prepared.type === 'mutation') {
    res.setHeader('allow', 'POST')
    throw new HttpError(405, 'METHOD_NOT_ALLOWED', 'A mutation changes things: send it with POST')
  }
  if (prepared.type === 'subscription' && !streaming)
    throw new HttpError(
      406,
      'NOT_ACCEPTABLE',
      `A subscription needs "Accept: ${EVENT_STREAM}", or graphql-ws on the same path`,
    )
  const result = await prepared.run()
  if (streaming) return at.streams.send(req, res, isStream(result) ? result : once(result))
  if (isStream(result)) throw new Error('only subscriptions stream')
  answerJson(res, type === RESPONSE_JSON && result.data === undefined ? 400 : 200, result, type)
}

async function* once<T>(value: T): AsyncIterable<T> {
  yield value
}

async function readParams(req: IncomingMessage, bounds: QueryBounds): Promise<OperationParams> {
  if (req.method === 'GET') {
    const search = new URL(req.url ?? '/', 'http://localhost').searchParams
    const variables = search.get('variables')
    return checkParams(
      {
        query: search.get('query'),
        operationName: search.get('operationName'),
        variables: variables ? parseJson(variables, 'the parameter "variables"') : null,
      },
      bounds,
    )
  }
  // A form of another site could send any other type without asking; this one it may not.
  if (!/^application\/(json|graphql\+json)\b/i.test(req.headers['content-type'] ?? ''))
    throw new HttpError(415, 'UNSUPPORTED_MEDIA_TYPE', 'Send the operation as "Content-Type: application/json"')
  const body = await readBody(req, bounds.bodyBytesMax)
  return checkParams(parseJson(body.toString('utf8'), 'the body'), bounds)
}

export function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text)
  } catch (e) {
    // V8 quotes the text around the mistake, which may be personal data; the position is enough.
    const at = /position (\d+)/.exec(e instanceof Error ? e.message : '')?.[1]
    throw new HttpError(400, 'BAD_JSON', `${what} is not JSON${at ? `, at character ${at}` : ''}`)
  }
}

/** Shared with the WebSocket: what any transport hands over must have this shape. */
export function checkParams(params: unknown, { documentBytesMax }: QueryBounds): OperationParams {
  if (Array.isArray(params)) throw new HttpError(400, 'BATCHING_NOT_SUPPORTED', 'Send one operation a request')
  const { query, operationName, variables } = Object(params) as Record<string, unknown>
  if (typeof query !== 'string' || query === '')
    throw new HttpError(400, 'NO_QUERY', 'The request has no "query": send {"query": "...", "variables": {...}}')
  if (Buffer.byteLength(query) > documentBytesMax)
    throw new HttpError(
      413,
      'DOCUMENT_TOO_LARGE',
      `The document is larger than ${documentBytesMax} bytes: pass values as variables`,
    )
  if (operationName !== undefined && operationName !== null && typeof operationName !== 'string')
    throw new HttpError(400, 'BAD_OPERATION_NAME', '"operationName" is a string')
  if (variables !== undefined && variables !== null && (typeof variables !== 'object' || Array.isArray(variables)))
    throw new HttpError(400, 'BAD_VARIABLES', '"variables" is an object')
  return { query, operationName, variables: variables as OperationParams['variables'] }
}

/** The same as a GraphQL error, for transports without a status. */
export function asGraphqlError(error: HttpError): GraphQLError {
  return new GraphQLError(error.message, { extensions: { code: error.code } })
}
