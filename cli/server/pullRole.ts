import { randomUUID } from 'node:crypto'
import type { Logger } from 'pino'
import { describeError } from '../../gateway/http/describeError.ts'
import { createRequestRates } from '../../mdm/connections/requestRates.ts'
import { PullScheduler } from '../../mdm/connections/scheduler.ts'
import { openDatabase } from '../../mdm/db/database.ts'
import { policyChannel } from '../../mdm/policy/policies.ts'
import { goldenIdPlaces, keepForeignGoldenIds } from '../../mdm/tasks/foreignGoldenIds.ts'
import type { Repeated } from '../../schema/kit/repeated.ts'
import type { Config } from '../config/config.ts'
import { type Installation, judgeByActivePolicy, pulledObjects } from '../config/installation.ts'
import type { PullRole } from '../observe/roles.ts'
import { openPulledSources } from './openPulledSources.ts'
import { openServablePolicy } from './servablePolicy.ts'
import { startWriteBack, type WriteBack } from './writeBack.ts'

export const PULL_CONFIG = ['pullBacklogMax', 'writesDaysMax'] as const

/** Each object that is stored at a time has one, the leases have one, and writes have the rest. */
const connectionsMax = 8

/**
 * Starts the role `pull`: reads the source systems that have `connection:`, and writes to those that
 * have `write:`. Several processes share them. Without any such source system it does nothing.
 */
export async function startPullRole(options: {
  config: Config<(typeof PULL_CONFIG)[number]>
  installation: Installation
  databaseUrl: string
  log: Logger
}): Promise<PullRole> {
  const { config, installation, databaseUrl, log } = options
  if (pulledObjects(installation).size === 0)
    return { sources: [], writes: [], close: async () => {} }
  const sql = openDatabase(databaseUrl, { name: 'touchstone-pull', connectionsMax })
  const rates = createRequestRates(sql)
  const { sources, figures } = openPulledSources(installation, { rates })
  const readPolicy = openServablePolicy(sql, log)
  let writes: WriteBack | undefined
  const judge = () =>
    void judgeByActivePolicy(sql, installation, readPolicy)
      .then((policy) => writes?.refresh(policy))
      .catch((err) => log.error({ err: describeError(err) }, 'the active policy could not be read'))
  const holder = randomUUID()
  let scheduler: PullScheduler
  let foreign: Repeated | undefined
  try {
    const policy = await judgeByActivePolicy(sql, installation, readPolicy)
    await sql.listen(policyChannel, judge, judge)
    scheduler = new PullScheduler({
      sql,
      sources,
      holder,
      backlogMax: config.pullBacklogMax,
      onEnd({ source, object }, result) {
        const at = { source, object }
        if (result.ended === 'FAILED') {
          const { problem, dueAt } = result
          log.error({ ...at, ...problem, nextAt: new Date(dueAt) }, 'an object could not be pulled')
        } else if (result.ended === 'DONE' && result.asks)
          log.error({ ...at, ...result.asks }, 'an object asks for a decision of a person')
        else if (result.ended === 'DONE' && result.hints.problem) {
          const { code, verdict, message: detail } = result.hints.problem
          log.warn({ ...at, code, verdict, detail }, 'records that events named could not be read')
        } else log.debug({ ...at, ended: result.ended }, 'a pull ended')
      },
      onAway: (err, retryMs) =>
        log.warn({ err: describeError(err), retryMs }, 'the database cannot be reached: retrying'),
    })
    writes = startWriteBack({
      ...{ sql, installation, policy, holder, rates, log },
      daysMax: config.writesDaysMax,
    })
    scheduler.start()
    foreign = keepForeignGoldenIds({
      ...{ sql, rules: installation.rules, places: goldenIdPlaces(installation.connectors) },
      onError: (err) =>
        log.error({ err: describeError(err) }, 'tasks about golden ids could not be kept'),
    })
  } catch (e) {
    await sql.end({ timeout: 5 })
    throw e
  }
  return {
    sources: figures,
    writes: writes.figures,
    async close() {
      await foreign?.stop()
      await writes?.close()
      await scheduler.stop()
      await rates
        .close()
        .catch((err) =>
          log.warn({ err: describeError(err) }, 'places of limits were not given back'),
        )
      await sql.end({ timeout: 5 })
    },
  }
}
