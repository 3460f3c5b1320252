import { Counter, Gauge, type Registry } from 'prom-client'
import type { PullFigure, RunFigure } from '../../mdm/connections/metrics.ts'
import type { FileFigure } from '../../mdm/files/metrics.ts'
import type { PullRole } from './roles.ts'

const STATES = ['idle', 'running', 'paused', 'failed', 'rescan'] as const

/**
 * Creates the metrics of pulls: those of the store, which `show` sets, and those of the role of this
 * process.
 */
export function pullMetrics(registry: Registry, role: () => PullRole | undefined) {
  const registers = [registry]
  const gauge = <L extends string>(name: string, help: string, labelNames: L[]) =>
    new Gauge<L>({ name: `touchstone_pull_${name}`, help, labelNames, registers })
  const counter = (name: string, help: string, read: (of: PullRole['sources'][number]) => number) =>
    new Counter({
      name: `touchstone_pull_${name}_total`,
      help,
      labelNames: ['system'],
      registers,
      collect() {
        this.reset()
        for (const source of role()?.sources ?? []) this.inc({ system: source.name }, read(source))
      },
    })
  counter('requests', 'Requests of this process to a source system.', (s) => s.counts().requests)
  counter('retries', 'Requests of this process that were repeated.', (s) => s.counts().retries)
  counter('waits', 'Waits of this process for a limit of a source system.', (s) => s.counts().waits)
  counter('bytes', 'Bytes of the answers of a source system.', (s) => s.counts().bytes)
  new Gauge({
    name: 'touchstone_pull_limit_used_ratio',
    help: 'The used share of a limit of a source system, 0 to 1.',
    labelNames: ['system', 'limit'],
    registers,
    collect() {
      this.reset()
      for (const source of role()?.sources ?? [])
        for (const limit of source.limits())
          this.set({ system: source.name, limit: limit.name }, limit.used / limit.max)
    },
  })
  new Gauge({
    name: 'touchstone_pull_clock_ahead_seconds',
    help: 'By how much the clock of this process is ahead of that of a source system.',
    labelNames: ['system'],
    registers,
    collect() {
      this.reset()
      for (const source of role()?.sources ?? [])
        this.set({ system: source.name }, source.clockAheadMs() / 1_000)
    },
  })
  const objects = gauge('objects', 'Objects that are pulled, by state.', ['system', 'state'])
  const of = ['system', 'object'] as ('system' | 'object')[]
  const lag = gauge('lag_seconds', 'Time since the last complete run of an object.', of)
  const failed = gauge('failed_seconds', 'Time since an object fails; 0 if it does not.', of)
  const age = gauge('position_age_seconds', 'Time since a position was stored.', of)
  const expires = gauge('position_expires_seconds', 'Time until a position expires.', of)
  const missing = gauge(
    'census_missing_records',
    'Records that a census would delete, and asks first.',
    of,
  )
  const hints = gauge('hints', 'Records that events named and that are not read yet.', of)
  const hintAge = gauge('hint_age_seconds', 'Age of the oldest of these; 0 without any.', of)
  const foreign = gauge(
    'foreign_golden_ids',
    'Records that hold another text in the place of their golden id, counted to 10,000.',
    of,
  )
  const rows = gauge('rows', 'Rows read since an object was read from its beginning.', of)
  const runs = gauge('runs', 'Runs that ended in the last hour, by state.', ['system', 'state'])
  const files = gauge('files', 'Files of source systems that are not at their end, by state.', [
    ...of,
    'state',
  ] as ('system' | 'object' | 'state')[])
  return {
    show(
      figures: readonly PullFigure[],
      ended: readonly RunFigure[],
      open: readonly FileFigure[],
    ): void {
      const all = [objects, lag, failed, age, expires, missing, hints, hintAge, foreign, rows, runs]
      for (const g of [...all, files]) g.reset()
      for (const f of open)
        files.set({ system: f.source, object: f.object, state: f.state }, f.count)
      for (const f of figures) {
        const labels = { system: f.source, object: f.object }
        for (const state of STATES)
          objects.inc({ system: f.source, state }, f.state.toLowerCase() === state ? 1 : 0)
        if (f.lag !== null) lag.set(labels, f.lag)
        if (f.positionAge !== null) age.set(labels, f.positionAge)
        if (f.expiresIn !== null) expires.set(labels, f.expiresIn)
        failed.set(labels, f.failed)
        missing.set(labels, f.censusMissing)
        hints.set(labels, f.hints)
        hintAge.set(labels, f.hintAge)
        foreign.set(labels, f.foreignGoldenIds)
        rows.set(labels, f.rows)
      }
      for (const r of ended) runs.set({ system: r.source, state: r.state.toLowerCase() }, r.count)
    },
  }
}
