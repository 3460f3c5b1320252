import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { checkedTraceparent } from '../../schema/trace.ts'
import type { NoteRefusal, Runtime } from '../execution/runtime.ts'
import { credentialsOf } from '../identity/credentials.ts'
import { watchCredentials } from '../identity/credentialWatcher.ts'
import type { QueryBounds, ServerBounds } from '../limits/bounds.ts'
import { CallerBounds, type CallerLimits } from '../limits/callerBounds.ts'
import type { SharedRate } from '../limits/sharedRate.ts'
import type { ReportError } from '../operation/maskErrors.ts'
import type { PublishedOperations } from '../operation/publishedOperations.ts'
import { weighAccept } from './accept.ts'
import { Admission } from './admission.ts'
import { BodyMemory } from './bodyMemory.ts'
import { createBoundedServer, markAuthenticated } from './boundedServer.ts'
import { CORRELATION_HEADER, correlationId } from './correlation.ts'
import { allowOrigin } from './crossOrigin.ts'
import { Drain, graphChanged, serverStopping } from './drain.ts'
import { sendFailure } from './failure.ts'
import { graphqlOverHttp } from './graphqlHttp.ts'
import { LogBudget } from './logBudget.ts'
import { type McpHandler, mcpOverHttp } from './mcpRoute.ts'
import { GRAPHQL_PATH } from './paths.ts'
import { type Routes, route } from './routes.ts'
import { SlowReaderGuard } from './slowReaderGuard.ts'
import { EventStreams } from './sse.ts'
import { serveWebSockets } from './websocket.ts'

/** How long a stop waits for subscribers to receive their last result. */
const lastResultsMsMax = 1_000
const drainPollMs = 10
const idleSweepMs = 50

export interface ServerOptions
  extends Pick<Routes, 'callers' | 'ready' | 'ingest' | 'metrics' | 'graphiql' | 'console'> {
  /** Returns the current runtime. */
  runtime: () => Runtime
  operations: PublishedOperations
  bounds: QueryBounds & ServerBounds & CallerLimits
  log: Logger
  report: ReportError
  refused?: NoteRefusal | undefined
  sharedRate?: SharedRate | undefined
  /** Responds to agents. Without it the path /mcp is unknown. */
  mcp?: McpHandler | undefined
  /** How often the credentials of open subscriptions are checked. */
  recheckMs?: number | undefined
}

/** Open requests and connections at this moment. */
export interface InProgress {
  operations: number
  streams: number
  sockets: number
}

export interface GatewayServer {
  http: Server
  inProgress(): InProgress
  /** Ends every subscription with a result that asks the client to subscribe again. */
  restartSubscriptions(): void
  /**
   * Accepts no more connections, ends streams, and waits at most `graceMs` for requests in
   * progress.
   */
  close(graceMs: number): Promise<void>
}

/** Creates the gateway's one HTTP server, with the parts that all responses share. */
export function createGatewayServer(options: ServerOptions): GatewayServer {
  const { bounds, callers, log, operations, report, runtime } = options
  const slowReaders = new SlowReaderGuard({ bytesMax: bounds.unreadMegabytesMax * 2 ** 20 })
  const bodies = new BodyMemory(Math.max(bounds.bodiesMegabytesMax * 2 ** 20, bounds.bodyBytesMax))
  const streams = new EventStreams(report, slowReaders)
  const callerBounds = new CallerBounds(bounds, undefined, options.sharedRate)
  const admission = new Admission(bounds, callerBounds)
  const refusalLines = new LogBudget((count) =>
    log.info({ count }, 'more requests were rejected than are logged each'),
  )
  let draining = false
  /**
   * The drain of the current graph. It is read together with the runtime, so that a subscription
   * that begins meanwhile ends too.
   */
  let drain = new Drain()

  async function graphql(req: IncomingMessage, res: ServerResponse, id: string): Promise<void> {
    const given = { ...credentialsOf(req.headers), request: req }
    const caller = await callers.identify(given)
    markAuthenticated(req.socket)
    const accepted = weighAccept(req.headers.accept)
    const request = admission.admit(caller, accepted.events ? 'streams' : 'operations')
    try {
      const watch = watchCredentials(callers, given, caller, options.recheckMs)
      const traceparent = checkedTraceparent(req.headers.traceparent)
      await graphqlOverHttp(
        req,
        res,
        { correlationId: id, traceparent, ...caller },
        {
          runtime: runtime(),
          operations,
          bounds,
          report,
          streams,
          bodies,
          accepted,
          closing: watch ? [watch, drain.watch] : [drain.watch],
          admitOperation: request.becomeOperation,
          charge: (count) => callerBounds.charge(caller, count),
        },
      )
    } finally {
      request.end(res)
    }
  }

  async function mcp(
    handle: McpHandler,
    req: IncomingMessage,
    res: ServerResponse,
    id: string,
  ): Promise<void> {
    const caller = await callers.identify({ ...credentialsOf(req.headers), request: req })
    markAuthenticated(req.socket)
    const request = admission.admit(caller, 'operations')
    try {
      const traceparent = checkedTraceparent(req.headers.traceparent)
      await mcpOverHttp(
        req,
        res,
        { correlationId: id, traceparent, ...caller },
        {
          runtime: runtime(),
          bounds,
          bodies,
          report,
          handle,
          note: (call) => log.info({ correlationId: id, ...call }, 'an agent called a tool'),
          charge: (count) => callerBounds.charge(caller, count),
        },
      )
    } finally {
      request.end(res)
    }
  }

  function fail(req: IncomingMessage, res: ServerResponse, failure: unknown, id: string): void {
    const { status, code, message: why } = sendFailure(req, res, failure, id, report)
    const isRefusal = status === 401 || status === 403
    if (isRefusal) options.refused?.({ actor: null, code, fields: [], correlationId: id })
    const isLogged = isRefusal && refusalLines.take()
    log[isLogged ? 'info' : 'debug']({ correlationId: id, status, code, why }, 'request rejected')
  }

  const { mcp: handleMcp } = options
  const routes: Routes = {
    ...options,
    graphql,
    mcp: handleMcp && ((req, res, id) => mcp(handleMcp, req, res, id)),
    draining: () => draining,
  }
  const connectionLines = new LogBudget(
    (count) => log.warn({ count }, 'more connections were closed than are logged each'),
    1,
  )
  const http = createBoundedServer(respond, {
    connectionsMax: bounds.connectionsMax,
    // Without authentication every connection is one of this machine, and nobody proves anything.
    addressConnectionsMax: callers.isLocal
      ? Number.POSITIVE_INFINITY
      : bounds.addressConnectionsMax,
    closed: (exceeded, peer) => {
      if (connectionLines.take())
        log.warn({ exceeded, peer }, 'a connection was closed: too many are open')
    },
  })
  function respond(req: IncomingMessage, res: ServerResponse): void {
    const id = correlationId(req.headers[CORRELATION_HEADER])
    res.setHeader(CORRELATION_HEADER, id)
    res.setHeader('x-content-type-options', 'nosniff')
    allowOrigin(req, res, callers.origins)
    route(routes, req, res, id)
      .catch((e: unknown) => fail(req, res, e, id))
      .finally(() => slowReaders.watch(res))
  }
  const sockets = serveWebSockets(http, GRAPHQL_PATH, {
    runtime,
    drain: () => drain,
    operations,
    bounds,
    report,
    callers,
    callerBounds,
    slowReaders,
    recheckMs: options.recheckMs,
    refused: options.refused,
  })

  return {
    http,
    inProgress: () => ({ ...admission.inProgress, sockets: sockets.size() }),
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
      for (const until = Date.now() + lastResultsMsMax; !drain.done && Date.now() < until; )
        await sleep(drainPollMs)
      streams.close()
      await sockets.close(graceMs)
      const timer = setTimeout(() => http.closeAllConnections(), graceMs)
      // Keep-alive connections become idle one by one when their responses are complete.
      const sweep = setInterval(() => http.closeIdleConnections(), idleSweepMs)
      await closed
      clearTimeout(timer)
      clearInterval(sweep)
    },
  }
}
