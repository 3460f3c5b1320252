import type { Logger } from 'pino'
import { closedUntil } from '../../connectors/calendar.ts'
import type { Connection } from '../../connectors/connection/contract.ts'
import type { SharedRates } from '../../connectors/connection/limits/sharedRates.ts'
import { openConnection } from '../../connectors/connection/openConnection.ts'
import { describeError } from '../../gateway/http/describeError.ts'
import type { Sql } from '../../mdm/db/database.ts'
import type { PlanContext } from '../../mdm/writeback/facts.ts'
import { startWriteKeeper } from '../../mdm/writeback/keeper.ts'
import { WritePlanner } from '../../mdm/writeback/planner.ts'
import { openTarget, type Target } from '../../mdm/writeback/target.ts'
import { TargetWriter, type WrittenSource } from '../../mdm/writeback/writer.ts'
import type { Policy } from '../../schema/policy.ts'
import { type Installation, writeTargets } from '../config/installation.ts'
import type { PullRole } from '../observe/roles.ts'

/** A running planner and writer. */
export interface WriteBack {
  /** The cost of writes, for metrics. */
  figures: PullRole['writes']
  /** Call when the policy has changed. */
  refresh(policy: Policy): void
  close(): Promise<void>
}

/** Returns the connection of a source system that is asked. Throws where it is not. */
export function connectionOf(
  { connections }: Installation,
  source: string,
  rates?: SharedRates,
): Connection {
  const given = connections.get(source)
  if (!given) throw new Error(`${source} has no connection: in config/sources.yaml`)
  return openConnection(source, given, { rates })
}

/** Returns what plans depend on, with these connections. */
export function planContext(
  installation: Installation,
  policy: Policy,
  writingOf: (source: string) => Connection['writing'],
): PlanContext {
  const { systems, connectors, targets } = installation
  const judged = [...targets.values()].flatMap(({ target, mode }) => {
    const connector = target && connectors.get(target.source)
    return target && connector && mode !== 'OFF'
      ? [openTarget(target, connector, writingOf(target.source))]
      : []
  })
  return {
    policy,
    systems: new Map(systems.map((s) => [s.name, s])),
    targets: new Map(judged.map((t) => [t.source, t])),
  }
}

/**
 * Starts what plans and sends writes. It belongs to the role `pull`, whose `holder` it shares:
 * pulls and writes of a source system use one credential, and one process counts its limits.
 * Throws ConfigError for a mistake in `write:`.
 */
export function startWriteBack(options: {
  sql: Sql
  installation: Installation
  policy: Policy
  holder: string
  /** Days after which writes that have ended are deleted. */
  daysMax: number
  rates: SharedRates
  log: Logger
}): WriteBack {
  const { sql, installation, policy, holder, daysMax, rates, log } = options
  const connections = new Map(
    writeTargets(installation).map(({ source }) => [
      source,
      connectionOf(installation, source, rates),
    ]),
  )
  const writingOf = (source: string) => {
    const connection = connections.get(source)
    if (!connection) throw new Error(`${source} is not written to`)
    return connection.writing
  }
  const rules = installation.rules
  let context = planContext(installation, policy, writingOf)
  const sources = new Map<string, WrittenSource>(
    [...connections].map(([source, connection]) => [
      source,
      {
        connection,
        target: (): Target | undefined => context.targets.get(source),
        reader() {
          const connector = installation.connectors.get(source)
          if (!connector) throw new Error(`no source system ${source}`)
          return connector
        },
        closedUntil: (now) =>
          closedUntil(installation.connectors.get(source)?.system.calendar, 'WRITE', now)?.until ??
          null,
      },
    ]),
  )
  const writer = new TargetWriter({
    ...{ sql, sources, holder },
    onAttempt(source, { id, object, operation }, attempt) {
      const at = { source, object, operation, intent: id }
      if (attempt.target === 'WORKS') log.debug(at, 'a write was sent')
      else {
        const { code, verdict } = attempt.problem
        log.warn({ ...at, code, verdict }, 'a write could not be sent')
      }
    },
    onError: (err, source) =>
      log.error({ source, err: describeError(err) }, 'the writes of a source system stopped'),
  })
  const planner = new WritePlanner({
    context: () => ({ ...context, sql, rules }),
    onPlanned: writer.wake,
    onError: (err, retryMs) =>
      log.error({ err: describeError(err), retryMs }, 'writes could not be planned: retrying'),
  })
  writer.start()
  planner.start()
  const keeper = startWriteKeeper({
    ...{ sql, rules, daysMax },
    onError: (err) =>
      log.error({ err: describeError(err) }, 'old writes and their tasks could not be kept'),
  })
  return {
    figures: [...connections].map(([name, connection]) => ({
      name,
      counts: () => connection.counts(),
      bounds: () => context.targets.get(name)?.limits ?? null,
    })),
    refresh(now) {
      context = planContext(installation, now, writingOf)
      planner.refresh()
    },
    async close() {
      await keeper.stop()
      await planner.stop()
      await writer.stop()
    },
  }
}
