import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { HttpError } from '../httpError.ts'
import { admitMetrics } from '../identity/admitMetrics.ts'
import type { Callers } from '../identity/caller.ts'
import { CORRELATION_HEADER, correlationId } from './correlation.ts'
import { answerLive, answerReady, type Check } from './health.ts'
import { explainListen } from './report.ts'
import { sendError, sendText } from './response.ts'
import type { MetricsText } from './server.ts'

export interface HealthServerOptions {
  host: string
  /** 0 takes any free one. */
  port: number
  callers: Callers
  ready: () => Promise<Check[]>
  metrics: MetricsText
  report: (error: unknown, correlationId: string) => void
}

export interface HealthServer {
  url: string
  /** From now on it says that it is not ready. */
  drain(): void
  close(): Promise<void>
}

/** Health and figures of a process that has no gateway: /health/live, /health/ready and /metrics, nothing else. */
export async function startHealthServer(options: HealthServerOptions): Promise<HealthServer> {
  const { host, port, callers } = options
  let draining = false

  async function route(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const path = (req.url ?? '/').split('?', 1)[0]
    if (path === '/health/live') return answerLive(res)
    if (path === '/health/ready') return answerReady(res, options.ready, draining)
    if (path !== '/metrics')
      throw new HttpError(404, 'NOT_FOUND', 'Nothing is served here but /health/live, /health/ready and /metrics')
    const refusal = callers.refuse(req)
    if (refusal) throw new HttpError(refusal.status, refusal.code, refusal.message)
    if (req.method !== 'GET') throw new HttpError(405, 'METHOD_NOT_ALLOWED', 'Use GET')
    await admitMetrics(callers, req)
    sendText(res, await options.metrics())
  }

  const http = createServer((req, res) => {
    const id = correlationId(req.headers[CORRELATION_HEADER])
    res.setHeader(CORRELATION_HEADER, id)
    route(req, res).catch((e: unknown) => {
      if (!(e instanceof HttpError)) options.report(e, id)
      if (!req.complete) res.setHeader('connection', 'close')
      sendError(res, e instanceof HttpError ? e : new HttpError(500, 'INTERNAL', 'Internal error'), id)
    })
  })
  await new Promise<void>((resolve, reject) => {
    http.once('error', (e: NodeJS.ErrnoException) => reject(explainListen(e, host, port)))
    http.listen(port, host, resolve)
  })
  const address = http.address()
  const actual = typeof address === 'object' && address ? address.port : port
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${actual}`,
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
