import { collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import type { Connector } from '../../connectors/contract.ts'
import { objectTypes } from '../../connectors/objectTypes.ts'
import type { ObserveOperation } from '../../gateway/execution/runtime.ts'
import { pullFigures, runFigures } from '../../mdm/connections/metrics.ts'
import type { Sql } from '../../mdm/db/database.ts'
import { loadConnectionCounts, loadTableSizes } from '../../mdm/db/databaseStats.ts'
import { readOnlyTransaction } from '../../mdm/db/readOnlyTransaction.ts'
import type { Tailer } from '../../mdm/feed/tailer.ts'
import { fileFigures } from '../../mdm/files/metrics.ts'
import { exceptionFigures, queueFigure, waitingFigures } from '../../mdm/inbox/metrics.ts'
import { sinkFigures } from '../../mdm/jetstream/metrics.ts'
import { refusedPublication } from '../../mdm/policy/policies.ts'
import { openDifferences } from '../../mdm/reconcile/read.ts'
import type { ServiceLevels } from '../../mdm/serviceLevels/objectives.ts'
import { serviceLevels } from '../../mdm/serviceLevels/serviceLevels.ts'
import { queueAge } from '../../mdm/tasks/queue.ts'
import { endpointFigures, unsettledFigures } from '../../mdm/webhooks/metrics.ts'
import {
  dueFigure,
  endedFigures,
  writeFigures,
  writeTargetFigures,
} from '../../mdm/writeback/metrics.ts'
import type { TypePolicy } from '../../schema/policy.ts'
import { operationMetrics } from './operationMetrics.ts'
import { processMetrics } from './processMetrics.ts'
import { pullMetrics } from './pullMetrics.ts'
import { qualityMetrics } from './qualityMetrics.ts'
import type { DeliverRole, IngestRole, PullRole, WorkerMetrics } from './roles.ts'
import { serviceLevelMetrics } from './serviceLevelMetrics.ts'
import { sinkMetrics } from './sinkMetrics.ts'
import { throttle } from './throttle.ts'
import { webhookMetrics } from './webhookMetrics.ts'
import { writeMetrics } from './writeMetrics.ts'

/** Maximum age of the database's statistics at a scrape. */
const readMsMax = 5_000

export interface MetricsOptions {
  /** A pool of two connections: statistics and quality. */
  sql: Sql
  connectors: ReadonlyMap<string, Pick<Connector, 'objectName' | 'objects'>>
  levels?: ServiceLevels | undefined
  types: readonly TypePolicy[]
  /** Receives an error if quality could not be measured although the database is available. */
  failed: (error: unknown) => void
  /** The tailer of this process, if it has one. */
  tailer?: Tailer | undefined
  ingest?: (() => IngestRole | undefined) | undefined
  deliver?: (() => DeliverRole | undefined) | undefined
  pull?: (() => PullRole | undefined) | undefined
  gateway?: (() => { operations: number; streams: number; sockets: number } | undefined) | undefined
}

/** Gauges that are summed over processes, because each process has its own share. */
const SUMMED = ['ingest_workers', 'gateway_open', 'feed_ring_bytes', 'feed_followers'].map(
  (n) => `touchstone_${n}`,
)

export interface Metrics {
  registry: Registry
  contentType: string
  /** For the gateway of this process. */
  observe: ObserveOperation
  text(): Promise<string>
  /** Returns the metrics as objects, to be added to those of other processes on the same store. */
  toObjects(): Promise<WorkerMetrics>
  close(): void
}

/**
 * Opens the Prometheus metrics of this process and of its database. Labels are names of the
 * configuration, of the model and of the program; an unknown system or object of a message is
 * "other". Scrapes within five seconds share one bounded read of the database. While the database
 * is unavailable, the other metrics remain, and `database_up` is 0.
 */
export function openMetrics(options: MetricsOptions): Metrics {
  const { sql, connectors } = options
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const registers = [registry]
  const gauge = <L extends string = never>(
    name: string,
    help: string,
    labelNames: readonly L[] = [],
  ) => new Gauge({ name: `touchstone_${name}`, help, labelNames: [...labelNames], registers })

  const up = gauge('database_up', 'Whether the statistics of the database could be read.')
  const waiting = gauge(
    'ingest_waiting_messages',
    'Waiting messages among the oldest 10,000 of the queue.',
    ['system', 'object'],
  )
  const lag = gauge('ingest_lag_seconds', 'Age of the oldest waiting message.', [
    'system',
    'object',
  ])
  const queue = gauge('ingest_queue_messages', 'Messages in the queue, counted to 100,000.', [
    'kind',
  ])
  const inbox = gauge('inbox_messages', 'The highest message number given out.')
  const exceptions = gauge(
    'exceptions_open',
    'Messages that could not be applied and wait for somebody.',
    ['system', 'code'],
  )
  const exceptionAge = gauge('exceptions_oldest_seconds', 'Age of the oldest open exception.', [
    'system',
    'code',
  ])
  const connections = gauge('database_connections', 'Connections of all processes.', [
    'pool',
    'state',
  ])
  const rows = gauge('table_rows', 'Rows of a table, as the planner estimates.', ['table'])
  const feedHead = gauge('feed_head_position', 'Position of the last event.')
  const feedOldest = gauge('feed_oldest_position', 'The oldest position that is stored.')
  const tasks = gauge('tasks_open', 'Tasks that wait for stewards.', ['kind'])
  const overdue = gauge('tasks_overdue', 'Tasks that are overdue.', ['kind'])
  const taskAge = gauge('tasks_oldest_seconds', 'Age of the oldest open task.', ['kind'])
  const reconcile = gauge('reconcile_open', 'Differences that the last reconciliation found.', [
    'check',
  ])
  const policyRefused = gauge(
    'policy_refused',
    'Whether the newest policy cannot be served, so that the one before it is active.',
  )
  const levelMetrics = serviceLevelMetrics(registry)
  const webhooks = webhookMetrics(registry)
  const sinks = sinkMetrics(registry)
  const pulls = pullMetrics(registry, options.pull ?? (() => undefined))
  const writes = writeMetrics(registry, options.pull ?? (() => undefined))
  processMetrics(registry, options)
  const quality = qualityMetrics(registry, sql, options.types, options.failed)

  const typeOf = objectTypes(connectors)
  const known = (system: string) => (connectors.has(system) ? system : 'other')
  const objectOf = (system: string, object: string | null) =>
    object === null ? 'unnamed' : (connectors.get(system)?.objectName(object) ?? 'other')

  const read = throttle(readMsMax, async () => {
    try {
      const stats = await readOnlyTransaction(sql, async (tx) => ({
        waiting: await waitingFigures(tx),
        queue: await queueFigure(tx),
        exceptions: await exceptionFigures(tx),
        connections: await loadConnectionCounts(tx),
        tables: await loadTableSizes(tx),
        head: (
          await tx<{ position: number; oldest: number }[]>`select position, oldest from feed_head`
        )[0],
        tasks: await queueAge(tx),
        endpoints: await endpointFigures(tx),
        unsettled: await unsettledFigures(tx),
        sinks: await sinkFigures(tx),
        pulls: await pullFigures(tx),
        runs: await runFigures(tx),
        files: await fileFigures(tx),
        writes: {
          intents: await writeFigures(tx),
          targets: await writeTargetFigures(tx),
          ended: await endedFigures(tx),
          due: await dueFigure(tx),
        },
        reconcile: await openDifferences(tx),
        refused: await refusedPublication(tx),
        levels: options.levels ? await serviceLevels(tx, options.levels, typeOf) : [],
      }))
      const now = Date.now()
      const seconds = (at: Date) => Math.max(0, (now - at.getTime()) / 1_000)
      for (const g of [
        waiting,
        lag,
        exceptions,
        exceptionAge,
        connections,
        tasks,
        overdue,
        taskAge,
        reconcile,
      ])
        g.reset()
      const [oldestWaiting, oldestException] = [highestOf(lag), highestOf(exceptionAge)]
      for (const w of stats.waiting) {
        const labels = { system: known(w.system), object: objectOf(w.system, w.object) }
        waiting.inc(labels, w.count)
        oldestWaiting(labels, seconds(w.oldestAt))
      }
      queue.set({ kind: 'all' }, stats.queue.messages)
      queue.set({ kind: 'postponed' }, stats.queue.postponed)
      queue.set({ kind: 'replayed' }, stats.queue.replayed)
      queue.set({ kind: 'postings' }, stats.queue.postings)
      queue.set({ kind: 'usage' }, stats.queue.usage)
      inbox.set(stats.queue.newest)
      for (const e of stats.exceptions) {
        const labels = { system: known(e.system), code: e.code }
        exceptions.inc(labels, e.count)
        oldestException(labels, seconds(e.oldestAt))
      }
      for (const c of stats.connections) connections.set({ pool: c.pool, state: c.state }, c.count)
      for (const t of stats.tables) rows.set({ table: t.table }, t.rows)
      feedHead.set(stats.head?.position ?? 0)
      feedOldest.set(stats.head?.oldest ?? 0)
      for (const t of stats.tasks) {
        tasks.set({ kind: t.kind }, t.open)
        overdue.set({ kind: t.kind }, t.overdue)
        taskAge.set({ kind: t.kind }, t.ageSecondsMax)
      }
      for (const { check, open } of stats.reconcile) reconcile.set({ check }, open)
      policyRefused.set(stats.refused ? 1 : 0)
      levelMetrics.show(stats.levels)
      webhooks.show(stats.endpoints, stats.unsettled)
      sinks.show(stats.sinks)
      pulls.show(stats.pulls, stats.runs, stats.files)
      writes.show(stats.writes)
      up.set(1)
    } catch {
      // Other parts that need the database log the reason; here the metric is enough.
      up.set(0)
    }
  })

  return {
    registry,
    contentType: registry.contentType,
    observe: operationMetrics(registry),
    async text() {
      await read()
      quality.refresh()
      return await registry.metrics()
    },
    async toObjects() {
      await read()
      const all = (await registry.getMetricsAsJSON()) as WorkerMetrics
      // Metrics of the store are equal in each process.
      for (const m of all)
        if (
          String(m.type) === 'gauge' &&
          m.name.startsWith('touchstone_') &&
          !SUMMED.includes(m.name)
        )
          Object.assign(m, { aggregator: 'max' })
      return all
    },
    close: () => registry.clear(),
  }
}

/** Objects without a mapping share a label; the highest value counts. */
function highestOf<L extends string>(
  gauge: Gauge<L>,
): (labels: Record<L, string>, value: number) => void {
  const highest = new Map<string, number>()
  return (labels, value) => {
    const key = JSON.stringify(labels)
    if (value < (highest.get(key) ?? 0)) return
    highest.set(key, value)
    gauge.set(labels, value)
  }
}
