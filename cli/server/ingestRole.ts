import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import type { Logger } from 'pino'
import type { Applied } from '../../mdm/ingest/pipeline.ts'
import type { Config } from '../config/config.ts'
import type { IngestRole } from '../observe/roles.ts'
import type { TracingConfig } from '../observe/tracing.ts'
import type { WorkerData } from './ingestWorkerData.ts'

export const INGEST_CONFIG = ['workers', 'batchRowsMax', 'attemptsMax'] as const

const restartMs = 1_000
/**
 * Threads of one process share its memory: a larger young generation only increases the use of
 * each.
 */
export const resourceLimits = { maxYoungGenerationSizeMb: 48 }

/**
 * Starts the role `ingest`: workers on threads of their own, so that matching never delays a query.
 */
export function startIngestRole(options: {
  config: Config<(typeof INGEST_CONFIG)[number]> & TracingConfig
  sources: string | undefined
  databaseUrl: string
  logLevel: string
  log: Logger
  onApplied?: (total: Applied) => void
}): IngestRole {
  const { config, log } = options
  const total: Applied = { claimed: 0, applied: 0, skipped: 0, exceptions: 0, postponed: 0 }
  const running = new Set<Worker>()
  let closing = false

  function start(number: number): void {
    const data: WorkerData = {
      databaseUrl: options.databaseUrl,
      sources: options.sources,
      workers: config.workers,
      rowsMax: config.batchRowsMax,
      attemptsMax: config.attemptsMax,
      logLevel: options.logLevel,
      number,
      tracing: { otlpUrl: config.otlpUrl, tracePercent: config.tracePercent },
    }
    const worker = new Worker(new URL('./ingestWorker.ts', import.meta.url), {
      workerData: data,
      resourceLimits,
    })
    running.add(worker)
    worker.on('message', (applied: Applied) => {
      for (const key of Object.keys(total) as (keyof Applied)[]) total[key] += applied[key]
      options.onApplied?.(total)
    })
    worker.on('error', (err) => log.error({ err: err.message }, 'an ingest worker died'))
    worker.once('exit', () => {
      running.delete(worker)
      // Its unfinished batch was rolled back and is still in the queue; a new worker takes it.
      if (!closing) sleep(restartMs).then(() => closing || start(number))
    })
  }
  for (let n = 1; n <= config.workers; n++) start(n)

  return {
    total,
    workers: () => ({ wanted: config.workers, running: running.size }),
    async close() {
      closing = true
      await Promise.all(
        [...running].map(
          (worker) =>
            new Promise<void>((resolve) => {
              worker.once('exit', () => resolve())
              worker.postMessage('stop')
            }),
        ),
      )
    },
  }
}
