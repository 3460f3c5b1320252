import cluster, { type Worker } from 'node:cluster'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { AggregatorRegistry, type MetricObjectWithValues, type MetricValue } from 'prom-client'

export type Figures = MetricObjectWithValues<MetricValue<string>>[]
type Message =
  | { url: string }
  | { figuresFor: number }
  | { figures: Figures; of: number }
  | { all: Figures[]; of: number }

const restartMs = 1_000
/** A worker that does not tell its figures in time is left out of them. */
const figuresMsMax = 3_000

/** The role `gateway` in several processes that listen on one port. */
export interface GatewayWorkers {
  /** Of all of them. */
  url: string
  close(): Promise<void>
}

/**
 * Starts this program's role `gateway` `count` times, with the flags of this process and its database. One that dies is
 * started again. SIGHUP is handed on.
 */
export async function startGatewayWorkers(count: number, databaseUrl: string, log: Logger): Promise<GatewayWorkers> {
  let closing = false
  let url = ''
  const running = new Set<Worker>()
  cluster.setupPrimary({ args: [...process.argv.slice(2), '--roles', 'gateway', '--gateway-workers', '1'] })
  const start = () =>
    new Promise<void>((resolve, reject) => {
      const worker = cluster.fork({ DATABASE_URL: databaseUrl })
      running.add(worker)
      worker.on('message', (message: Message) => {
        if ('url' in message) {
          url = message.url
          resolve()
        } else if ('figuresFor' in message) {
          void gather(running).then((all) => {
            if (worker.isConnected()) worker.send({ all, of: message.figuresFor } satisfies Message)
          })
        }
      })
      worker.once('exit', (code) => {
        running.delete(worker)
        reject(new Error(`a gateway worker ended with ${code} before it had started`))
        if (closing) return
        log.error({ code }, 'a gateway worker died: starting another one')
        void sleep(restartMs).then(async () => {
          if (!closing) await start().catch((e) => log.error({ err: e.message }, 'it does not start'))
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

let asked = 0

async function gather(workers: ReadonlySet<Worker>): Promise<Figures[]> {
  const of = ++asked
  const told = [...workers].map(
    (worker) =>
      new Promise<Figures | null>((resolve) => {
        const timer = setTimeout(() => done(null), figuresMsMax)
        const listen = (message: Message) => {
          if ('figures' in message && message.of === of) done(message.figures)
        }
        const done = (figures: Figures | null) => {
          clearTimeout(timer)
          worker.off('message', listen)
          resolve(figures)
        }
        worker.on('message', listen)
        worker.send({ figuresFor: of } satisfies Message, (e) => e && done(null))
      }),
  )
  return (await Promise.all(told)).flatMap((f) => (f ? [f] : []))
}

/** In a worker: says where it listens, and tells its figures when it is asked. Without it nothing. */
export function joinGatewayWorkers(url: string, figures: () => Promise<Figures>): void {
  if (!cluster.isWorker) return
  process.on('message', async (message: Message) => {
    if ('figuresFor' in message && process.connected)
      process.send?.({ figures: await figures(), of: message.figuresFor } satisfies Message)
  })
  process.send?.({ url } satisfies Message)
}

/** The figures of all workers of this one's gateway, added up; null where there are none, or they cannot be had. */
export async function metricsOfAllWorkers(): Promise<string | null> {
  if (!cluster.isWorker || !process.connected) return null
  const of = ++asked
  const all = await new Promise<Figures[] | null>((resolve) => {
    const timer = setTimeout(() => done(null), 2 * figuresMsMax)
    const listen = (message: Message) => {
      if ('all' in message && message.of === of) done(message.all)
    }
    const done = (found: Figures[] | null) => {
      clearTimeout(timer)
      process.off('message', listen)
      resolve(found)
    }
    process.on('message', listen)
    process.send?.({ figuresFor: of } satisfies Message)
  })
  return all && all.length > 0 ? await AggregatorRegistry.aggregate(all as never).metrics() : null
}
