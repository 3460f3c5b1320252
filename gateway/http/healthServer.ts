import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { HttpError } from '../httpError.ts'
import { admitMetrics } from '../identity/admitMetrics.ts'
import type { Callers } from '../identity/caller.ts'
import { CORRELATION_HEADER, correlationId } from './correlation.ts'
import { requireMethod, sendFailure } from './failure.ts'
import { type Check, sendLive, sendReady } from './health.ts'
import { listen } from './listen.ts'
import { sendText } from './response.ts'
import type { MetricsText } from './routes.ts'

export interface HealthServerOptions {
  host: string
  /** 0 selects any free port. */
  port: number
  callers: Callers
  ready: () => Promise<Check[]>
  metrics: MetricsText
  report: (error: unknown, correlationId: string) => void
}

export interface HealthServer {
  url: string
  /** Makes /health/ready report that the process is not ready. */
  drain(): void
  close(): Promise<void>
}

/** Starts the server of a process without a gateway: /health/live, /health/ready and /metrics. */
export async function startHealthServer(options: HealthServerOptions): Promise<HealthServer> {
  const { host, port, callers } = options
  let draining = false

  async function route(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const path = (req.url ?? '/').split('?', 1)[0]
    if (path === '/health/live') return sendLive(res)
    if (path === '/health/ready') return sendReady(res, options.ready, draining)
    if (path !== '/metrics')
      throw new HttpError(
        404,
        'NOT_FOUND',
        'This process serves only /health/live, /health/ready and /metrics',
      )
    const refusal = callers.refuse(req)
    if (refusal) throw new HttpError(refusal.status, refusal.code, refusal.message)
    requireMethod(req, res, 'GET')
    await admitMetrics(callers, req)
    sendText(res, await options.metrics())
  }

  const http = createServer((req, res) => {
    const id = correlationId(req.headers[CORRELATION_HEADER])
    res.setHeader(CORRELATION_HEADER, id)
    route(req, res).catch((e: unknown) => sendFailure(req, res, e, id, options.report))
  })
  return {
    url: await listen(http, host, port),
    drain() {
      draining = true
    },
    async close() {
      const closed = new Promise<void>((resolve) => http.close(() => resolve()))
      http.closeAllConnections()
      await closed
    },
  }
}
