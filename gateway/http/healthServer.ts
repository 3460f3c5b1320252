import type { IncomingMessage, ServerResponse } from 'node:http'
import { HttpError } from '../httpError.ts'
import type { Callers } from '../identity/caller.ts'
import type { ConnectionBounds } from '../limits/bounds.ts'
import { admitMetrics } from './admitMetrics.ts'
import { createBoundedServer } from './boundedServer.ts'
import { CORRELATION_HEADER, correlationId } from './correlation.ts'
import { deliver, type IngestHandler, isDelivery } from './deliveryRoute.ts'
import { requireMethod, sendFailure } from './failure.ts'
import { type Check, sendLive, sendReady } from './health.ts'
import { listen } from './listen.ts'
import { sendText } from './response.ts'
import type { MetricsText } from './routes.ts'
import { SlowReaderGuard } from './slowReaderGuard.ts'

export interface HealthServerOptions {
  host: string
  /** 0 selects any free port. */
  port: number
  callers: Callers
  ready: () => Promise<Check[]>
  metrics: MetricsText
  /** Accepts deliveries; without it they are rejected. */
  ingest?: IngestHandler | undefined
  report: (error: unknown, correlationId: string) => void
  connections?: Partial<ConnectionBounds>
}

export interface HealthServer {
  url: string
  /** Makes /health/ready report that the process is not ready. */
  drain(): void
  close(): Promise<void>
}

/** How long a stop waits for deliveries in progress; a sender repeats one that was cut off. */
const drainMsMax = 5_000

/**
 * Starts the server of a process without a gateway: /health/live, /health/ready, /metrics, and
 * /ingest if it accepts deliveries.
 */
export async function startHealthServer(options: HealthServerOptions): Promise<HealthServer> {
  const { host, port, callers, ingest } = options
  let draining = false

  async function route(req: IncomingMessage, res: ServerResponse, id: string): Promise<void> {
    const path = (req.url ?? '/').split('?', 1)[0] ?? '/'
    if (path === '/health/live') return sendLive(res)
    if (path === '/health/ready') return sendReady(res, options.ready, draining)
    if (isDelivery(path)) return await deliver(ingest, req, res, { path, correlationId: id })
    if (path !== '/metrics')
      throw new HttpError(
        404,
        'NOT_FOUND',
        `This process serves only /health/live, /health/ready${ingest ? ', /ingest/{source}' : ''} and /metrics`,
      )
    const refusal = callers.refuse(req)
    if (refusal) throw new HttpError(refusal.status, refusal.code, refusal.message)
    requireMethod(req, res, 'GET')
    await admitMetrics(callers, req)
    sendText(res, await options.metrics())
  }

  const slowReaders = new SlowReaderGuard()
  const http = createBoundedServer((req, res) => {
    const id = correlationId(req.headers[CORRELATION_HEADER])
    res.setHeader(CORRELATION_HEADER, id)
    route(req, res, id)
      .catch((e: unknown) => void sendFailure(req, res, e, id, options.report))
      .finally(() => slowReaders.watch(res))
  }, options.connections)
  return {
    url: await listen(http, host, port),
    drain() {
      draining = true
    },
    async close() {
      const closed = new Promise<void>((resolve) => http.close(() => resolve()))
      http.closeIdleConnections()
      const timer = setTimeout(() => http.closeAllConnections(), drainMsMax)
      await closed
      clearTimeout(timer)
    },
  }
}
