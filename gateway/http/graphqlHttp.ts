import type { IncomingMessage, ServerResponse } from 'node:http'
import type { RequestInfo } from '../../subgraphs/contract.ts'
import type { Runtime } from '../execution/runtime.ts'
import type { QueryBounds } from '../limits/bounds.ts'
import { operationsOfBytes, operationsOfValues } from '../limits/callerBounds.ts'
import type { ReportError } from '../operation/mask.ts'
import { isStream, type WatchCaller } from '../operation/operation.ts'
import type { PublishedOperations } from '../operation/publishedOperations.ts'
import { type OperationRequest, prepareRequest, readRequest } from '../operation/request.ts'
import type { Drain } from './drain.ts'
import { answerJson, HttpError, readBody } from './httpAnswer.ts'
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
    operations: PublishedOperations
    bounds: QueryBounds
    report: ReportError
    streams: EventStreams
    watch?: WatchCaller | null
    drain?: Drain
    /** Told, before it runs, of an operation that is no subscription; throws HttpError where it is one too many. */
    answersOnce?: () => void
    /** Told for how many operations more than one the request stands, as soon as that is known. */
    charge?: (operations: number) => void
  },
): Promise<void> {
  const accept = req.headers.accept ?? ''
  const prepared = await prepareRequest(at, await readOver(req, at), request)
  if (!Array.isArray(prepared)) at.charge?.(operationsOfValues(prepared.values))
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
  if (prepared.type !== 'subscription') at.answersOnce?.()
  res.once('close', () => {
    if (!res.writableFinished) prepared.abandon()
  })
  const result = await prepared.run()
  if (streaming) {
    const sent = at.streams.send(req, res, isStream(result) ? result : once(result))
    if (isStream(result)) return sent
    // Answered: who reads it slowly keeps nobody from asking.
    sent.catch(() => res.destroy())
    return
  }
  if (isStream(result)) throw new Error('only subscriptions stream')
  answerJson(res, type === RESPONSE_JSON && result.data === undefined ? 400 : 200, result, type)
}

async function* once<T>(value: T): AsyncIterable<T> {
  yield value
}

async function readOver(
  req: IncomingMessage,
  { bounds, charge }: { bounds: QueryBounds; charge?: ((operations: number) => void) | undefined },
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
  // A form of another site could send any other type without asking; this one it may not.
  if (!/^application\/(json|graphql\+json)\b/i.test(req.headers['content-type'] ?? ''))
    throw new HttpError(415, 'UNSUPPORTED_MEDIA_TYPE', 'Send the operation as "Content-Type: application/json"')
  const announced = Number(req.headers['content-length'] ?? 0)
  charge?.(operationsOfBytes(announced))
  const body = await readBody(req, bounds.bodyBytesMax)
  if (announced === 0) charge?.(operationsOfBytes(body.length))
  return readRequest(parseJson(body.toString('utf8'), 'the body'), bounds)
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
