import type { Logger } from 'pino'
import { describeError } from '../../gateway/http/describeError.ts'
import { type HealthServer, startHealthServer } from '../../gateway/http/healthServer.ts'
import { openDatabase } from '../../mdm/db/database.ts'
import { policyChannel } from '../../mdm/policy/policies.ts'
import { heldSources, type Installation, judgeByActivePolicy } from '../config/installation.ts'
import { openMetrics } from '../observe/metrics.ts'
import { readinessChecks } from '../observe/readiness.ts'
import type { DeliverRole, IngestRole, PullRole } from '../observe/roles.ts'
import { type AuthenticationConfig, authentication } from './authentication.ts'
import { deliveryHandler } from './deliveryHandler.ts'
import { openServablePolicy } from './servablePolicy.ts'

const connectionsMax = 2
const acceptConnectionsMax = 4

/**
 * Starts the server of a process without gateway, on a port of its own: health and metrics, and
 * deliveries if the process applies messages.
 */
export async function startHealthRole(options: {
  config: AuthenticationConfig
  port: number
  installation: Installation
  databaseUrl: string
  log: Logger
  ingest: () => IngestRole | undefined
  deliver: () => DeliverRole | undefined
  pull: () => PullRole | undefined
  /** Whether the process accepts deliveries. */
  acceptsDeliveries: boolean
}): Promise<HealthServer> {
  const { config, port, installation, log, ingest, deliver, pull } = options
  const sql = openDatabase(options.databaseUrl, { name: 'touchstone-metrics', connectionsMax })
  const deliveries = options.acceptsDeliveries
    ? openDatabase(options.databaseUrl, {
        name: 'touchstone-accept',
        connectionsMax: acceptConnectionsMax,
      })
    : undefined
  const closePools = async () => {
    await deliveries?.end({ timeout: 5 })
    await sql.end({ timeout: 5 })
  }
  try {
    const { connectors, levels, policy } = installation
    const readPolicy = openServablePolicy(sql, log)
    await judgeByActivePolicy(sql, installation, readPolicy)
    const onPublication = () =>
      void judgeByActivePolicy(sql, installation, readPolicy).catch((err) =>
        log.error({ err: describeError(err) }, 'the active policy could not be read'),
      )
    await sql.listen(policyChannel, onPublication, onPublication)
    const failed = (err: unknown) =>
      log.warn({ err: describeError(err) }, 'quality metrics could not be measured')
    const metrics = openMetrics({
      sql,
      connectors,
      levels,
      types: policy.types,
      failed,
      ingest,
      deliver,
      pull,
    })
    const server = await startHealthServer({
      host: config.host,
      port,
      callers: await authentication({ config, sql, log }),
      ingest: deliveries && deliveryHandler(deliveries, connectors, config, log),
      ready: readinessChecks({ sql, ingest, deliver, held: () => heldSources(connectors) }),
      metrics: async () => ({ type: metrics.contentType, text: await metrics.text() }),
      report: (err, correlationId) =>
        log.error({ err: describeError(err), correlationId }, 'request failed'),
    })
    return {
      ...server,
      async close() {
        await server.close()
        await closePools()
      },
    }
  } catch (e) {
    await closePools()
    throw e
  }
}
