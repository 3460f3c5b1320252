import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { checkedTraceparent, currentTraceparent, SpanKind, traced } from '../../schema/trace.ts'
import type { NoteRefusal, Runtime } from '../execution/runtime.ts'
import { HttpError } from '../httpError.ts'
import { admitMetrics } from '../identity/admitMetrics.ts'
import type { Callers } from '../identity/caller.ts'
import { credentialsOf } from '../identity/credentials.ts'
import { watchCredentials } from '../identity/credentialWatcher.ts'
import type { QueryBounds, ServerBounds } from '../limits/bounds.ts'
import { CallerBounds, type CallerLimits } from '../limits/callerBounds.ts'
import type { SharedRate } from '../limits/sharedRate.ts'
import type { ReportError } from '../operation/mask.ts'
import type { PublishedOperations } from '../operation/publishedOperations.ts'
import { CORRELATION_HEADER, correlationId } from './correlation.ts'
import { Drain, graphChanged, serverStopping } from './drain.ts'
import { answerGraphiql } from './graphiql.ts'
import { graphqlOverHttp } from './graphqlHttp.ts'
import { answerLive, answerReady, type Check } from './health.ts'
import { sendError, sendText } from './response.ts'
import { UntakenAnswers } from './slowReaderGuard.ts'
import { EventStreams } from './sse.ts'
import { serveWebSockets } from './websocket.ts'

export const GRAPHQL_PATH = '/graphql'
const headersMsMax = 10_000
const requestMsMax = 60_000
/** How long a stop waits for subscribers to be told. */
const lastWordsMsMax = 1_000

/** Takes over `POST /ingest/{source}`: reads the body, answers. */
export type IngestHandler = (
  req: IncomingMessage,
  res: ServerResponse,
  delivery: { source: string; correlationId: string; traceparent?: string | null },
) => Promise<void>

export interface ServerOptions {
  /** The one in force. */
  runtime: () => Runtime
  operations: PublishedOperations
  bounds: QueryBounds & ServerBounds & CallerLimits
  callers: Callers
  log: Logger
  report: ReportError
  refused?: NoteRefusal | undefined
  sharedRate?: SharedRate | undefined
  ready: () => Promise<Check[]>
  ingest?: IngestHandler | undefined
  /** Whether browsers are given GraphiQL; without it where no credentials are needed. */
  graphiql?: boolean | undefined
  /** How often the credentials of open subscriptions are checked again. */
  recheckMs?: number | undefined
  /** Figures for Prometheus. */
  metrics?: MetricsText | undefined
}

/** The text of all figures, and its content type. */
export type MetricsText = () => Promise<{ type: string; text: string }>

/** What is open at this moment. */
export interface Underway {
  operations: number
  streams: number
  sockets: number
}

export interface GatewayServer {
  http: Server
  underway(): Underway
  /** Ends every subscription with a result that says to begin it again. */
  restartSubscriptions(): void
  /** Stops taking connections, ends streams, waits for what is under way, at most `graceMs`. */
  close(graceMs: number): Promise<void>
}

/** The one HTTP server: which path goes where, and what every answer has in common. */
export function createGatewayServer(options: ServerOptions): GatewayServer {
  const { bounds, callers, log, operations, report, runtime } = options
  const streams = new EventStreams()
  const untaken = new UntakenAnswers()
  let draining = false
  /** Of the graph that is served: it is taken with the runtime, so that who begins meanwhile ends as well. */
  let drain = new Drain()
  const underWay = { operations: 0, streams: 0 }
  const callerBounds = new CallerBounds(bounds, undefined, options.sharedRate)

  const http = createServer((req, res) => {
    const id = correlationId(req.headers[CORRELATION_HEADER])
    res.setHeader(CORRELATION_HEADER, id)
    res.setHeader('x-content-type-options', 'nosniff')
    route(req, res, id).catch((e: unknown) => fail(req, res, e, id))
  })
  http.headersTimeout = headersMsMax
  http.requestTimeout = requestMsMax
  const sockets = serveWebSockets(http, GRAPHQL_PATH, {
    runtime,
    drain: () => drain,
    operations,
    bounds,
    report,
    callers,
    callerBounds,
    recheckMs: options.recheckMs,
    refused: options.refused,
  })

  async function route(req: IncomingMessage, res: ServerResponse, id: string): Promise<void> {
    const url = req.url ?? '/'
    const end = url.indexOf('?')
    const path = end < 0 ? url : url.slice(0, end)
    if (path === '/health/live') return answerLive(res)
    if (path === '/health/ready') return answerReady(res, options.ready, draining)
    if (path.startsWith('/ingest/')) {
      allow(req, res, 'POST')
      if (!options.ingest)
        throw new HttpError(404, 'NO_INGEST_HERE', 'This process takes no deliveries: send them to one that does')
      return deliver(options.ingest, req, res, { source: decode(path.slice('/ingest/'.length)), correlationId: id })
    }
    const refusal = callers.refuse(req)
    if (refusal) throw new HttpError(refusal.status, refusal.code, refusal.message)
    if (path === GRAPHQL_PATH) {
      allow(req, res, 'GET', 'POST')
      // A browser sends no credentials along; where they are needed the page is for who types them into it.
      if (
        (options.graphiql ?? callers.open) &&
        req.method === 'GET' &&
        end < 0 &&
        req.headers.accept?.includes('text/html')
      )
        return answerGraphiql(res, GRAPHQL_PATH)
      return operate(req, res, id)
    }
    if (path === '/metrics' && options.metrics) {
      allow(req, res, 'GET')
      await admitMetrics(callers, req)
      return sendText(res, await options.metrics())
    }
    if (path === '/') {
      res.writeHead(302, { location: GRAPHQL_PATH }).end()
      return
    }
    throw new HttpError(404, 'NOT_FOUND', `Nothing is served here: ask ${GRAPHQL_PATH}`)
  }

  async function operate(req: IncomingMessage, res: ServerResponse, id: string): Promise<void> {
    const given = credentialsOf(req.headers)
    const caller = await callers.identify(given)
    callerBounds.count(caller)
    // Streams have a bound of their own: they last, and cost little. They count from the request on, not once they flow.
    let kind: keyof typeof underWay = req.headers.accept?.includes('text/event-stream') ? 'streams' : 'operations'
    // Who is refused for asking too much takes nobody's place.
    let end = callerBounds.hold(caller, kind)
    try {
      refuseBusy(res, kind)
    } catch (e) {
      end()
      throw e
    }
    underWay[kind]++
    try {
      /** An operation on a request for a stream is no subscription: it counts as an operation from here on. */
      const admitOperation = () => {
        if (kind === 'operations') return
        refuseBusy(res, 'operations')
        underWay.streams--
        kind = 'operations'
        underWay.operations++
        end()
        end = callerBounds.hold(caller, 'operations')
      }
      const watch = watchCredentials(callers, given, caller, options.recheckMs)
      const charge = (operations: number) => callerBounds.charge(caller, operations)
      const closing = watch ? [watch, drain.watch] : [drain.watch]
      const environment = { runtime: runtime(), operations, bounds, report, streams, closing, admitOperation, charge }
      const traceparent = checkedTraceparent(req.headers.traceparent)
      await graphqlOverHttp(req, res, { correlationId: id, traceparent, ...caller }, environment)
    } finally {
      // Who does not take its answers has them under way; for all others they are done.
      untaken.watch(res, end)
      underWay[kind]--
    }
  }

  function refuseBusy(res: ServerResponse, kind: keyof typeof underWay): void {
    if (underWay[kind] < bounds[`${kind}Max`]) return
    res.setHeader('retry-after', '1')
    throw new HttpError(503, 'BUSY', 'Too much is under way: come again in a second')
  }

  function fail(req: IncomingMessage, res: ServerResponse, e: unknown, id: string): void {
    const error = e instanceof HttpError ? e : new HttpError(500, 'INTERNAL', 'Internal error')
    if (error !== e) report(e, id)
    if (error.status === 401 || error.status === 403)
      options.refused?.({ actor: null, code: error.code, fields: [], correlationId: id })
    const level = error.status === 401 || error.status === 403 ? 'info' : 'debug'
    log[level]({ correlationId: id, status: error.status, code: error.code, why: error.message }, 'request refused')
    if (res.headersSent) {
      res.destroy()
      return
    }
    // The rest of a body that nobody reads would be taken for the next request.
    if (!req.complete) res.setHeader('connection', 'close')
    if (error.status === 401) res.setHeader('www-authenticate', 'Bearer realm="touchstone"')
    const retry = error.retrySeconds ?? (error.status === 503 ? 5 : null)
    if (retry !== null && !res.hasHeader('retry-after')) res.setHeader('retry-after', String(retry))
    sendError(res, error, id)
  }

  return {
    http,
    underway: () => ({ ...underWay, sockets: sockets.size() }),
    restartSubscriptions() {
      const last = drain
      drain = new Drain()
      last.begin(graphChanged())
    },
    async close(graceMs) {
      draining = true
      const closed = new Promise<void>((resolve) => http.close(() => resolve()))
      http.closeIdleConnections()
      drain.begin(serverStopping())
      for (const until = Date.now() + lastWordsMsMax; !drain.done && Date.now() < until; ) await sleep(10)
      streams.close()
      await sockets.close()
      const timer = setTimeout(() => http.closeAllConnections(), graceMs)
      // Connections kept alive become idle one by one as their answers are done.
      const sweep = setInterval(() => http.closeIdleConnections(), 50)
      await closed
      clearTimeout(timer)
      clearInterval(sweep)
    },
  }
}

/** In a span under the sender's, which what the messages lead to belongs to as well. */
async function deliver(
  handle: IngestHandler,
  req: IncomingMessage,
  res: ServerResponse,
  delivery: { source: string; correlationId: string },
): Promise<void> {
  const parent = checkedTraceparent(req.headers.traceparent)
  const attributes = { 'touchstone.correlation_id': delivery.correlationId }
  await traced({ name: 'ingest', kind: SpanKind.SERVER, parent, attributes }, async (span) => {
    await handle(req, res, { ...delivery, traceparent: currentTraceparent() ?? parent })
    span?.setAttribute('http.response.status_code', res.statusCode)
  })
}

function allow(req: IncomingMessage, res: ServerResponse, ...methods: string[]): void {
  if (methods.includes(req.method ?? '')) return
  res.setHeader('allow', methods.join(', '))
  throw new HttpError(405, 'METHOD_NOT_ALLOWED', `Use ${methods.join(' or ')}`)
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new HttpError(400, 'BAD_PATH', 'The path is not valid percent-encoding')
  }
}
