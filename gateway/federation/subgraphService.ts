import type { IncomingMessage, ServerResponse } from 'node:http'
import { ApolloServer, HeaderMap } from '@apollo/server'
import {
  ApolloServerPluginInlineTraceDisabled,
  ApolloServerPluginLandingPageDisabled,
} from '@apollo/server/plugin/disabled'
import type { GraphQLError } from 'graphql'
import type { Logger } from 'pino'
import type { Subgraph } from '../../subgraphs/contract.ts'
import { parseJson, readBody } from '../http/body.ts'
import { createBoundedServer, markAuthenticated } from '../http/boundedServer.ts'
import { CORRELATION_HEADER, correlationId } from '../http/correlation.ts'
import { describeError } from '../http/describeError.ts'
import { sendFailure } from '../http/failure.ts'
import { type Check, sendLive, sendReady } from '../http/health.ts'
import { listen } from '../http/listen.ts'
import { GRAPHQL_PATH } from '../http/paths.ts'
import { HttpError } from '../httpError.ts'
import type { Caller } from '../identity/caller.ts'
import { credentialsOf } from '../identity/credentials.ts'
import type { InternalTokens } from '../identity/internal.ts'
import type { ConnectionBounds } from '../limits/bounds.ts'
import { abandoned } from '../limits/timeLimit.ts'
import { maskError } from '../operation/maskErrors.ts'
import { serveSubgraphSockets } from './subgraphSockets.ts'

/** Refusals are logged at most once per interval, with the number of earlier ones. */
const refusalEveryMs = 10_000

export interface SubgraphServiceOptions {
  subgraph: Subgraph
  host: string
  /** 0 selects any free port. */
  port: number
  bodyBytesMax: number
  /** Rejects every sender that does not share the secret of the gateway. */
  internal: InternalTokens
  log: Logger
  ready?: () => Promise<Check[]>
  connections?: Partial<ConnectionBounds>
}

export interface SubgraphService {
  url: string
  close(): Promise<void>
}

/**
 * Starts one subgraph as a service of its own: Apollo Server over HTTP, graphql-ws on the same
 * path.
 */
export async function startSubgraphService(
  options: SubgraphServiceOptions,
): Promise<SubgraphService> {
  const { subgraph, host, port, bodyBytesMax, log } = options
  const { callers } = options.internal
  const report = (err: unknown, id: string) =>
    log.error({ err: describeError(err), correlationId: id }, 'fetch failed')
  const contextOf = (id: string, caller: Caller, signal?: AbortSignal) =>
    subgraph.context({ correlationId: id, ...caller, signal })
  const refused = refusals(log)
  const apollo = await startApollo(subgraph, report)

  async function route(req: IncomingMessage, res: ServerResponse, id: string): Promise<void> {
    const path = (req.url ?? '/').split('?')[0]
    if (path === '/health/live') return sendLive(res)
    if (path === '/health/ready') return sendReady(res, options.ready ?? (async () => []), false)
    const caller = await callers.identify(credentialsOf(req.headers)).catch((e: unknown) => {
      if (e instanceof HttpError) refused(id)
      throw e
    })
    markAuthenticated(req.socket)
    if (path !== GRAPHQL_PATH)
      throw new HttpError(404, 'NOT_FOUND', `Unknown path: use ${GRAPHQL_PATH}`)
    const body =
      req.method === 'POST'
        ? parseJson((await readBody(req, bodyBytesMax)).toString('utf8'), 'the body')
        : null
    const stop = new AbortController()
    res.once('close', () => {
      if (!res.writableFinished) stop.abort(abandoned())
    })
    const answer = await apollo.executeHTTPGraphQLRequest({
      httpGraphQLRequest: {
        method: req.method ?? 'GET',
        headers: headerMap(req),
        search: new URL(req.url ?? '/', 'http://localhost').search,
        body,
      },
      context: async () => Object.assign(contextOf(id, caller, stop.signal), { correlationId: id }),
    })
    for (const [name, value] of answer.headers) res.setHeader(name, value)
    res.statusCode = answer.status ?? 200
    if (answer.body.kind !== 'complete')
      throw new Error('subgraphs do not return incremental results')
    res.end(answer.body.string)
  }

  const http = createBoundedServer((req, res) => {
    const id = correlationId(req.headers[CORRELATION_HEADER])
    res.setHeader(CORRELATION_HEADER, id)
    route(req, res, id).catch((e: unknown) => sendFailure(req, res, e, id, report))
  }, options.connections)
  const sockets = serveSubgraphSockets(http, {
    schema: subgraph.schema,
    contextOf,
    callers,
    bodyBytesMax,
    report,
    refused,
  })
  const url = await listen(http, host, port)
  return {
    url: `${url}${GRAPHQL_PATH}`,
    async close() {
      const closed = new Promise<void>((resolve) => http.close(() => resolve()))
      await sockets.close()
      http.closeIdleConnections()
      const timer = setTimeout(() => http.closeAllConnections(), 5_000)
      await closed
      clearTimeout(timer)
      await apollo.stop()
    },
  }
}

/**
 * Returns a function that logs refusals at a limited rate: a gateway with another secret is refused
 * at each of its fetches.
 */
function refusals(log: Logger): (correlationId: string) => void {
  let [quietUntil, unsaid] = [0, 0]
  return (correlationId) => {
    const now = Date.now()
    if (now < quietUntil) {
      unsaid++
      return
    }
    const message =
      'refused who does not have the internal secret: is TOUCHSTONE_INTERNAL_SECRET the same at the gateway?'
    log.warn({ correlationId, unsaid }, message)
    ;[quietUntil, unsaid] = [now + refusalEveryMs, 0]
  }
}

interface ApolloContext {
  correlationId: string
}

async function startApollo(
  subgraph: Subgraph,
  report: (error: unknown, id: string) => void,
): Promise<ApolloServer<ApolloContext>> {
  // formatError does not receive the request of an error, so the request is noted here first.
  const ids = new WeakMap<object, string>()
  const apollo = new ApolloServer<ApolloContext>({
    schema: subgraph.schema,
    introspection: true,
    stopOnTerminationSignals: false,
    includeStacktraceInErrorResponses: false,
    plugins: [
      ApolloServerPluginLandingPageDisabled(),
      ApolloServerPluginInlineTraceDisabled(),
      {
        async requestDidStart() {
          return {
            async didEncounterErrors({ errors, contextValue }) {
              for (const e of errors) ids.set(e, contextValue.correlationId)
            },
          }
        },
      },
    ],
    formatError: (_formatted, error) =>
      maskError(error, ids.get(error as GraphQLError) ?? '', report).toJSON(),
  })
  await apollo.start()
  return apollo
}

function headerMap(req: IncomingMessage): HeaderMap {
  const headers = new HeaderMap()
  for (const [name, value] of Object.entries(req.headers))
    if (value !== undefined) headers.set(name, Array.isArray(value) ? value.join(', ') : value)
  return headers
}
