import type { Logger } from 'pino'
import { describeError } from '../gateway/report.ts'
import { openDatabase } from '../mdm/db/database.ts'
import { Deliverer } from '../mdm/feed/webhooks/deliverer.ts'
import { policyChannel, policyInForce } from '../mdm/review/policies.ts'
import type { Config } from './config.ts'
import type { Installation } from './installation.ts'
import { countingPoster, type DeliveryResults } from './observe/countingPoster.ts'
import { openWebhooks, WEBHOOK_CONFIG } from './openWebhooks.ts'
import { masteringOf } from './policyFiles.ts'

export const DELIVER_CONFIG = [...WEBHOOK_CONFIG, 'drainSecondsMax'] as const

export interface DeliverRole {
  /** What attempts came to, since the start. */
  results: DeliveryResults
  /** Lets what is under way finish, for as long as a stop waits. */
  close(): Promise<void>
}

/** One saves, one looks, and three read what is behind; connections are made when they are needed. */
const connectionsMax = 5

/** The role `deliver`: sends changes to webhooks. */
export async function startDeliverRole(options: {
  config: Config<(typeof DELIVER_CONFIG)[number] | 'dataDir'>
  installation: Installation
  databaseUrl: string
  log: Logger
}): Promise<DeliverRole> {
  const { config, installation, databaseUrl, log } = options
  const sql = openDatabase(databaseUrl, { name: 'touchstone-deliver', connectionsMax })
  let { policy } = installation
  // What may be shown is what the policy in force says.
  const follow = async () => {
    const kept = await policyInForce(sql)
    policy = kept ? masteringOf(kept, installation.systems).policy : installation.policy
  }
  const failed = (err: unknown) => log.error({ err: describeError(err) }, 'the policy in force could not be read')
  const again = () => void follow().catch(failed)
  const webhooks = await openWebhooks(sql, config)
  const { poster, results } = countingPoster(webhooks.poster)
  const deliverer = new Deliverer({
    sql,
    policy: () => policy,
    vault: webhooks.vault,
    poster,
    log: (level, message) => log[level](message),
  })
  try {
    await follow()
    await sql.listen(policyChannel, again, again)
    await deliverer.start()
  } catch (e) {
    await sql.end({ timeout: 5 })
    throw e
  }
  return {
    results,
    async close() {
      await deliverer.stop(config.drainSecondsMax * 1_000)
      poster.close()
      await sql.end({ timeout: 5 })
    },
  }
}
