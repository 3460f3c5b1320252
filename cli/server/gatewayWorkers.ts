import cluster, { type Worker } from 'node:cluster'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { AggregatorRegistry } from 'prom-client'
import type { WorkerMetrics } from '../observe/roles.ts'

type Message =
  | { url: string }
  | { metricsFor: number }
  | { metrics: WorkerMetrics; of: number }
  | { all: WorkerMetrics[]; of: number }

const restartMs = 1_000
/** A worker that does not send its metrics in time is left out. */
const metricsMsMax = 3_000

/** The role `gateway` in several processes that listen on one port. */
export interface GatewayWorkers {
  /** The URL that all of them share. */
  url: string
  close(): Promise<void>
}

/**
 * Starts this program's role `gateway` `count` times, with the flags of this process and this
 * environment, which names its database. Restarts those that die, and forwards SIGHUP.
 */
export async function startGatewayWorkers(
  count: number,
  environment: Readonly<Record<string, string>>,
  log: Logger,
): Promise<GatewayWorkers> {
  let closing = false
  let url = ''
  const running = new Set<Worker>()
  cluster.setupPrimary({
    args: [...process.argv.slice(2), '--roles', 'gateway', '--gateway-workers', '1'],
  })
  const start = () =>
    new Promise<void>((resolve, reject) => {
      // `fork` adds to our environment; what is undefined is left out.
      const none = Object.fromEntries(Object.keys(process.env).map((name) => [name, undefined]))
      const worker = cluster.fork({ ...none, ...environment })
      running.add(worker)
      worker.on('message', (message: Message) => {
        if ('url' in message) {
          url = message.url
          resolve()
        } else if ('metricsFor' in message) {
          void gather(running).then((all) => {
            if (worker.isConnected()) worker.send({ all, of: message.metricsFor } satisfies Message)
          })
        }
      })
      worker.once('exit', (code) => {
        running.delete(worker)
        reject(new Error(`a gateway worker ended with ${code} before it had started`))
        if (closing) return
        log.error({ code }, 'a gateway worker died: starting another one')
        void sleep(restartMs).then(async () => {
          if (!closing)
            await start().catch((e) =>
              log.error({ err: e.message }, 'a gateway worker could not be started'),
            )
        })
      })
    })
  const hangUp = () => {
    for (const worker of running) worker.process.kill('SIGHUP')
  }
  process.on('SIGHUP', hangUp)
  const close = async () => {
    closing = true
    process.off('SIGHUP', hangUp)
    await Promise.all(
      [...running].map(
        (worker) =>
          new Promise<void>((resolve) => {
            worker.once('exit', () => resolve())
            worker.process.kill('SIGTERM')
          }),
      ),
    )
  }
  try {
    await Promise.all(Array.from({ length: count }, start))
  } catch (e) {
    await close()
    throw e
  }
  return { url, close }
}

let requests = 0

async function gather(workers: ReadonlySet<Worker>): Promise<WorkerMetrics[]> {
  const of = ++requests
  const replies = [...workers].map(
    (worker) =>
      new Promise<WorkerMetrics | null>((resolve) => {
        const timer = setTimeout(() => done(null), metricsMsMax)
        const listen = (message: Message) => {
          if ('metrics' in message && message.of === of) done(message.metrics)
        }
        const done = (metrics: WorkerMetrics | null) => {
          clearTimeout(timer)
          worker.off('message', listen)
          resolve(metrics)
        }
        worker.on('message', listen)
        worker.send({ metricsFor: of } satisfies Message, (e) => e && done(null))
      }),
  )
  return (await Promise.all(replies)).flatMap((f) => (f ? [f] : []))
}

/**
 * Reports the address and, on request, the metrics of a worker process. Does nothing in other
 * processes.
 */
export function joinGatewayWorkers(url: string, metrics: () => Promise<WorkerMetrics>): void {
  if (!cluster.isWorker) return
  process.on('message', async (message: Message) => {
    if ('metricsFor' in message && process.connected)
      process.send?.({ metrics: await metrics(), of: message.metricsFor } satisfies Message)
  })
  process.send?.({ url } satisfies Message)
}

/**
 * Returns the summed metrics of all gateway workers. Returns null if there are none, or if they do
 * not respond.
 */
export async function metricsOfAllWorkers(): Promise<string | null> {
  if (!cluster.isWorker || !process.connected) return null
  const of = ++requests
  const all = await new Promise<WorkerMetrics[] | null>((resolve) => {
    const timer = setTimeout(() => done(null), 2 * metricsMsMax)
    const listen = (message: Message) => {
      if ('all' in message && message.of === of) done(message.all)
    }
    const done = (found: WorkerMetrics[] | null) => {
      clearTimeout(timer)
      process.off('message', listen)
      resolve(found)
    }
    process.on('message', listen)
    process.send?.({ metricsFor: of } satisfies Message)
  })
  return all && all.length > 0 ? await AggregatorRegistry.aggregate(all as never).metrics() : null
}
