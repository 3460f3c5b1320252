import { Counter, Gauge, type Registry } from 'prom-client'
import type {
  DueFigure,
  EndedFigure,
  WriteFigure,
  WriteTargetFigure,
} from '../../mdm/writeback/metrics.ts'
import type { PullRole } from './roles.ts'

type WrittenTo = PullRole['writes'][number]

/** The figures of the store. */
export interface WriteFigures {
  intents: readonly WriteFigure[]
  targets: readonly WriteTargetFigure[]
  ended: readonly EndedFigure[]
  due: DueFigure
}

/**
 * Creates the metrics of writes to source systems: those of the store, which `show` sets, and those
 * of the role of this process.
 */
export function writeMetrics(registry: Registry, role: () => PullRole | undefined) {
  const registers = [registry]
  const gauge = <L extends string = never>(
    name: string,
    help: string,
    labelNames: readonly L[] = [],
  ) => new Gauge({ name: `touchstone_write_${name}`, help, labelNames: [...labelNames], registers })
  const counter = (name: string, help: string, read: (of: WrittenTo) => number) =>
    new Counter({
      name: `touchstone_write_${name}_total`,
      help,
      labelNames: ['system'],
      registers,
      collect() {
        this.reset()
        for (const target of role()?.writes ?? []) this.inc({ system: target.name }, read(target))
      },
    })
  counter('requests', 'Requests of this process for writes.', (t) => t.counts().requests)
  counter('retries', 'Requests for writes that were repeated.', (t) => t.counts().retries)
  counter('waits', 'Waits of writes for a limit of a source system.', (t) => t.counts().waits)
  const intents = gauge(
    'intents',
    'Writes that have not ended, and refusals and conflicts that wait for a person, by state, counted to 100,000.',
    ['system', 'state'],
  )
  const oldest = gauge('oldest_seconds', 'Age of the oldest of these writes; absent without any.', [
    'system',
    'state',
  ])
  const ended = gauge('ended', 'Writes that ended in the last hour, by state.', ['system', 'state'])
  const paused = gauge('paused', 'Whether nothing is sent because the system did not respond.', [
    'system',
  ])
  const failed = gauge('failed_seconds', 'Time since attempts fail; 0 if the last did not.', [
    'system',
  ])
  const held = gauge(
    'held_by_limit',
    'Writes that are held because too many records would change, counted to 10,000.',
    ['system'],
  )
  const undecided = gauge(
    'undecided',
    'Creates that wait until people decide whether the system has the thing already, counted to 10,000.',
    ['system'],
  )
  const unscanned = gauge(
    'unscanned_records',
    'Golden records that are still to be planned after a change of the configuration.',
    ['system'],
  )
  const used = gauge('limit_used_ratio', 'The used share of a limit of writes, 0 to 1.', [
    'system',
    'limit',
  ])
  const due = gauge('due_records', 'Golden records whose writes have to be planned, to 100,000.')
  const dueAge = gauge('due_seconds', 'How long the oldest of these is due; 0 without any.')
  return {
    show(now: WriteFigures): void {
      for (const g of [intents, oldest, ended, paused, failed, held, undecided, unscanned, used])
        g.reset()
      for (const f of now.intents) {
        const labels = { system: f.source, state: f.state.toLowerCase() }
        intents.set(labels, f.count)
        if (f.oldest !== null) oldest.set(labels, f.oldest)
      }
      for (const f of now.ended)
        ended.set({ system: f.source, state: f.state.toLowerCase() }, f.count)
      const bounds = new Map((role()?.writes ?? []).map((w) => [w.name, w.bounds()]))
      for (const f of now.targets) {
        const system = f.source
        paused.set({ system }, f.isPaused ? 1 : 0)
        failed.set({ system }, f.failed)
        held.set({ system }, f.heldByLimit)
        undecided.set({ system }, f.undecided)
        unscanned.set({ system }, f.unscanned)
        const limits = bounds.get(system)
        if (!limits) continue
        used.set({ system, limit: 'minute' }, f.sentLastMinute / limits.perMinute)
        used.set({ system, limit: 'day' }, f.sentLastDay / limits.perDay)
      }
      due.set(now.due.count)
      dueAge.set(now.due.age)
    },
  }
}
