import type { Logger } from 'pino'
import { describeError } from '../../gateway/http/describeError.ts'
import { AccessRecorder, type Seer } from '../../mdm/access/accessRecorder.ts'
import type { RowReaders } from '../../mdm/access/rowReaders.ts'
import { rowRightsGuard } from '../../mdm/access/rowRightsGuard.ts'
import { openDatabase } from '../../mdm/db/database.ts'
import { Publisher } from '../../mdm/jetstream/publisher.ts'
import { policyChannel } from '../../mdm/policy/policies.ts'
import { startReconciling } from '../../mdm/reconcile/scheduled.ts'
import { Deliverer } from '../../mdm/webhooks/deliverer.ts'
import type { Config } from '../config/config.ts'
import type { Installation } from '../config/installation.ts'
import { parseStoredPolicy } from '../config/policyFiles.ts'
import { hasOwnOwner } from '../connect.ts'
import { countingPoster } from '../observe/countingPoster.ts'
import { startFeedMeter } from '../observe/feedMeter.ts'
import type { DeliverRole } from '../observe/roles.ts'
import { AUDIT_HEAD_CONFIG, openAuditHeads } from './auditHeads.ts'
import { rowReaders, rowVisibilityFor } from './configuredRowReaders.ts'
import { NATS_CONFIG, natsOptions } from './openNats.ts'
import { openWebhooks, WEBHOOK_CONFIG } from './openWebhooks.ts'
import { openServablePolicy } from './servablePolicy.ts'

export const DELIVER_CONFIG = [
  ...WEBHOOK_CONFIG,
  ...NATS_CONFIG,
  ...AUDIT_HEAD_CONFIG,
  'access',
  'drainSecondsMax',
  'sensitiveAccessDaysMax',
] as const

/** One saves, one polls, and three read the backlog. Connections are opened on demand. */
const connectionsMax = 5
/** Connections of the publisher: it tails, polls, and reads the backlog. */
const publisherConnectionsMax = 3

/** The role `deliver`: sends changes to webhooks, and to JetStream where that is configured. */
export async function startDeliverRole(options: {
  config: Config<(typeof DELIVER_CONFIG)[number] | 'dataDir' | 'databaseUrl' | 'databaseOwnerUrl'>
  installation: Installation
  databaseUrl: string
  log: Logger
}): Promise<DeliverRole> {
  const { config, installation, databaseUrl, log } = options
  const sql = openDatabase(databaseUrl, { name: 'touchstone-deliver', connectionsMax })
  let { policy } = installation
  const readPolicy = openServablePolicy(sql, log)
  // The active policy decides which fields webhooks may show.
  const follow = async () => {
    const stored = await readPolicy()
    policy = stored ? parseStoredPolicy(stored, null) : installation.policy
  }
  const failed = (err: unknown) =>
    log.error({ err: describeError(err) }, 'the active policy could not be read')
  const again = () => void follow().catch(failed)
  let rows: RowReaders | undefined
  let deliverer: Deliverer | undefined
  const webhooks = await openWebhooks(sql, config)
  const heads = await openAuditHeads({
    ...{ sql, config, poster: webhooks.poster, log },
    guards: { isApplication: hasOwnOwner(config), rowRights: rowRightsGuard },
  })
  const { poster, results } = countingPoster(webhooks.poster)
  const meter = startFeedMeter(sql, installation.levels, (err) =>
    log.debug({ err: describeError(err) }, 'metrics of deliveries were lost'),
  )
  const reads = new AccessRecorder({
    sql,
    daysMax: config.sensitiveAccessDaysMax,
    report: (message, err) => log.warn(err ? { err: describeError(err) } : {}, message),
  })
  const seer = seers()
  const pools = [sql]
  const pool = (name: string, most: number) => {
    const made = openDatabase(databaseUrl, { name: `touchstone-${name}`, connectionsMax: most })
    pools.push(made)
    return made
  }
  const end = () => Promise.all([rows?.close(), ...pools.map((p) => p.end({ timeout: 5 }))])
  let publisher: Publisher | null = null
  try {
    const nats = natsOptions(config)
    await follow()
    rows = await rowReaders(config, sql, policy, databaseUrl)
    deliverer = new Deliverer({
      sql,
      policy: () => policy,
      vault: webhooks.vault,
      poster,
      sightOf: rowVisibilityFor(rows),
      log: (level, message) => log[level](message),
      settled: meter.settled,
      shows: (webhook, { type, goldenId }, fields) =>
        reads.note(seer(webhook), 'WEBHOOK', type, fields, goldenId),
    })
    await sql.listen(policyChannel, again, again)
    await deliverer.start()
    if (nats)
      publisher = new Publisher({
        sql: pool('publish', publisherConnectionsMax),
        lockSql: pool('publish-lock', 1),
        nats,
        scopes: new Set(config.natsScopes),
        policy: () => policy,
        shows: ({ type, goldenId }, fields) =>
          reads.note(streamSeer, 'FEED', type, fields, goldenId),
        log: (level, message) => log[level](message),
      })
    publisher?.start()
    heads.start()
  } catch (e) {
    await end()
    throw e
  }
  const reconciling = startReconciling(
    { sql, settings: installation.reconcile, systems: installation.systems },
    (result) => log.info(result, 'reconciled'),
    (err) => log.error({ err: describeError(err) }, 'nothing was reconciled'),
  )
  return {
    results,
    publisher,
    deliverer,
    heads,
    async close() {
      await Promise.all([
        deliverer?.stop(config.drainSecondsMax * 1_000),
        publisher?.stop(),
        heads.stop(),
      ])
      poster.close()
      await reconciling.stop()
      await meter.stop()
      await reads.stop()
      await end()
    },
  }
}

/** Stands for all readers of the stream in the record of sensitive access. */
const streamSeer: Seer = { actor: 'jetstream', correlationId: 'jetstream', operation: 'publish' }

function seers(): (webhook: string) => Seer {
  const known = new Map<string, Seer>()
  return (webhook) => {
    const found = known.get(webhook) ?? {
      actor: `webhook:${webhook}`,
      correlationId: webhook,
      operation: 'webhook',
    }
    known.set(webhook, found)
    return found
  }
}
