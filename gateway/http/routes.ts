import type { IncomingMessage, ServerResponse } from 'node:http'
import { HttpError } from '../httpError.ts'
import { admitMetrics } from '../identity/admitMetrics.ts'
import type { Callers } from '../identity/caller.ts'
import { deliver, type IngestHandler, isDelivery } from './deliveryRoute.ts'
import { requireMethod } from './failure.ts'
import { sendGraphiql } from './graphiql.ts'
import { type Check, sendLive, sendReady } from './health.ts'
import { GRAPHQL_PATH } from './paths.ts'
import { sendText } from './response.ts'

/** Returns all metrics in the text format of Prometheus, with its content type. */
export type MetricsText = () => Promise<{ type: string; text: string }>

export interface Routes {
  callers: Callers
  ready: () => Promise<Check[]>
  draining: () => boolean
  ingest?: IngestHandler | undefined
  metrics?: MetricsText | undefined
  /** Serves GraphiQL to browsers. The default is yes where no credentials are required. */
  graphiql?: boolean | undefined
  graphql: (req: IncomingMessage, res: ServerResponse, correlationId: string) => Promise<void>
}

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
  const refusal = callers.refuse(req)
  if (refusal) throw new HttpError(refusal.status, refusal.code, refusal.message)
  if (path === GRAPHQL_PATH) {
    requireMethod(req, res, 'GET', 'POST')
    const wantsPage = req.method === 'GET' && end < 0 && req.headers.accept?.includes('text/html')
    // A browser sends no credentials from its address bar; the user enters them on the page.
    if (wantsPage && (routes.graphiql ?? callers.open)) return await sendGraphiql(res, GRAPHQL_PATH)
    return await routes.graphql(req, res, id)
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
