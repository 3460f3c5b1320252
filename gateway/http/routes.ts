import type { IncomingMessage, ServerResponse } from 'node:http'
import { HttpError } from '../httpError.ts'
import type { Callers } from '../identity/caller.ts'
import { admitMetrics } from './admitMetrics.ts'
import { CONSOLE_PATH, type consolePages } from './consolePages.ts'
import { isPreflight, sendPreflight } from './crossOrigin.ts'
import { deliver, type IngestHandler, isDelivery } from './deliveryRoute.ts'
import { requireMethod } from './failure.ts'
import { sendGraphiql } from './graphiql.ts'
import { type Check, sendLive, sendReady } from './health.ts'
import { GRAPHQL_PATH, MCP_PATH } from './paths.ts'
import { sendText } from './response.ts'

/** Returns all metrics in the text format of Prometheus, with its content type. */
export type MetricsText = () => Promise<{ type: string; text: string }>

export interface Routes {
  callers: Callers
  ready: () => Promise<Check[]>
  draining: () => boolean
  ingest?: IngestHandler | undefined
  metrics?: MetricsText | undefined
  /** Serves GraphiQL to browsers. The default is yes without authentication. */
  graphiql?: boolean | undefined
  /** Serves the pages of the console. */
  console?: ReturnType<typeof consolePages> | undefined
  graphql: Respond
  /** Serves the Model Context Protocol. Without it the path is unknown. */
  mcp?: Respond | undefined
}

type Respond = (req: IncomingMessage, res: ServerResponse, correlationId: string) => Promise<void>

const GRAPHQL_METHODS = ['GET', 'POST'] as const

/** Responds to a request by its path. Throws HttpError. */
export async function route(
  routes: Routes,
  req: IncomingMessage,
  res: ServerResponse,
  id: string,
): Promise<void> {
  const { callers, ingest, metrics } = routes
  const url = req.url ?? '/'
  const end = url.indexOf('?')
  const path = end < 0 ? url : url.slice(0, end)
  if (path === '/health/live') return sendLive(res)
  if (path === '/health/ready') return await sendReady(res, routes.ready, routes.draining())
  if (isDelivery(path)) return await deliver(ingest, req, res, { path, correlationId: id })
  // Pages hold no data, so everybody may have them: a person who comes back from the issuer, or by a
  // link of another site, names no origin and has parameters.
  if (routes.console && (path === CONSOLE_PATH || path.startsWith(`${CONSOLE_PATH}/`)))
    return await routes.console(req, res, path)
  const refusal = callers.refuse(req)
  if (refusal) throw new HttpError(refusal.status, refusal.code, refusal.message)
  if (path === GRAPHQL_PATH) {
    if (isPreflight(req, callers.origins)) return sendPreflight(req, res, GRAPHQL_METHODS)
    requireGraphqlMethod(req, res)
    const wantsPage = req.method === 'GET' && end < 0 && req.headers.accept?.includes('text/html')
    // A browser sends no credentials from its address bar; the user enters them on the page.
    if (wantsPage && (routes.graphiql ?? callers.isLocal))
      return await sendGraphiql(res, GRAPHQL_PATH, callers.origins)
    return await routes.graphql(req, res, id)
  }
  if (path === MCP_PATH && routes.mcp) {
    if (isPreflight(req, callers.origins)) return sendPreflight(req, res, ['POST'])
    // Without streams of the server there is nothing to GET, and without stored sessions nothing to
    // DELETE.
    requireMethod(req, res, 'POST')
    return await routes.mcp(req, res, id)
  }
  if (path === '/metrics' && metrics) {
    requireMethod(req, res, 'GET')
    await admitMetrics(callers, req)
    return sendText(res, await metrics())
  }
  if (path === '/') {
    res.writeHead(302, { location: GRAPHQL_PATH }).end()
    return
  }
  throw new HttpError(404, 'NOT_FOUND', `Unknown path: use ${GRAPHQL_PATH}`)
}

/**
 * Throws HttpError for the requests of graphql-sse in "single connection mode": its streams would
 * be state of one process, and its requests may reach another one.
 */
function requireGraphqlMethod(req: IncomingMessage, res: ServerResponse): void {
  const single = req.method === 'PUT' || req.headers['x-graphql-event-stream-token'] !== undefined
  if (single) {
    res.setHeader('allow', GRAPHQL_METHODS.join(', '))
    // The client library shows this text, and not the body.
    res.statusMessage = 'Single connection mode is not supported'
    throw new HttpError(
      405,
      'SINGLE_CONNECTION_NOT_SUPPORTED',
      'The "single connection mode" of graphql-sse is not supported: use "distinct connections mode" (singleConnection: false), or graphql-ws for many subscriptions over one connection',
    )
  }
  requireMethod(req, res, ...GRAPHQL_METHODS)
}
