import cluster from 'node:cluster'
import { join } from 'node:path'
import { Command, InvalidArgumentError } from 'commander'
import type { Gateway } from '../../gateway/gateway.ts'
import type { HealthServer } from '../../gateway/http/healthServer.ts'
import {
  DEVELOPMENT_SECRET_FILE,
  renewDevelopmentSecret,
} from '../../gateway/identity/developmentSecret.ts'
import { type Config, warnAboutUnknownVariables, withConfig } from '../config/config.ts'
import { openInstallation } from '../config/installation.ts'
import { refuseOpenFiles } from '../config/refuseOpenFiles.ts'
import { workerEnvironment } from '../config/workerEnvironment.ts'
import { connect, DATABASE_CONFIG } from '../connect.ts'
import { openLog } from '../observe/log.ts'
import type { DeliverRole, IngestRole, PullRole } from '../observe/roles.ts'
import { startTracing, TRACING_CONFIG } from '../observe/tracing.ts'
import { authenticationRequired } from '../server/authentication.ts'
import { prepareRowRights } from '../server/configuredRowReaders.ts'
import { DELIVER_CONFIG, startDeliverRole } from '../server/deliverRole.ts'
import { GATEWAY_CONFIG } from '../server/gatewayConfig.ts'
import { type GatewayWorkers, startGatewayWorkers } from '../server/gatewayWorkers.ts'
import { startHealthRole } from '../server/healthRole.ts'
import { INGEST_CONFIG, startIngestRole } from '../server/ingestRole.ts'
import { openAuditLog } from '../server/openAuditLog.ts'
import { PULL_CONFIG, startPullRole } from '../server/pullRole.ts'
import { stopSignal, whenAborted } from '../server/stopSignal.ts'

const ROLES = ['gateway', 'ingest', 'deliver', 'pull'] as const
type Role = (typeof ROLES)[number]

export const SERVE_CONFIG = [
  ...DATABASE_CONFIG,
  'sources',
  'sortLocale',
  ...GATEWAY_CONFIG,
  ...INGEST_CONFIG,
  ...DELIVER_CONFIG,
  ...PULL_CONFIG,
  'healthPort',
  'gatewayWorkers',
  'logLevel',
  ...TRACING_CONFIG,
] as const

export const command = withConfig(
  new Command('serve')
    .description(
      'run one or several roles, as in production: without the demo world, with a log of JSON lines',
    )
    .option('--roles <names>', `roles, separated by commas: ${ROLES.join(', ')}`, roles, [
      ...ROLES,
    ]),
  SERVE_CONFIG,
)
  .addHelpText(
    'after',
    `
Examples:
  npx touchstone serve
  npx touchstone serve --roles ingest --workers 2 --port 4010`,
  )
  .action(
    async (
      { roles: wanted, ...config }: Config<(typeof SERVE_CONFIG)[number]> & { roles: Role[] },
      self: Command,
    ) => {
      const stop = stopSignal({ hangUp: false })
      const log = openLog(config.logLevel, 'touchstone')
      warnAboutUnknownVariables(log)
      process.on('unhandledRejection', (err) =>
        log.error(
          { err: String(err) },
          'an operation failed with an error that is hidden from its caller',
        ),
      )
      const stopTracing = await startTracing(config, wanted.join('+'))
      refuseOpenFiles(config)
      const installation = openInstallation(config.sources)
      const connection = await connect({
        config,
        connectionsMax: 1,
        create: true,
        sortLocale: config.sortLocale,
        notify: (line, level) => log[level](line),
      })
      let gateway: Gateway | undefined
      let gateways: GatewayWorkers | undefined
      let ingest: IngestRole | undefined
      let deliver: DeliverRole | undefined
      let pull: PullRole | undefined
      let health: HealthServer | undefined
      try {
        await prepareRowRights(config, connection, installation)
        if (wanted.includes('gateway') || wanted.includes('deliver'))
          await openAuditLog(connection.sql, config, log)
        const at = { config, installation, databaseUrl: connection.url, log }
        if (wanted.includes('ingest'))
          ingest = startIngestRole({ ...at, sources: config.sources, logLevel: config.logLevel })
        if (wanted.includes('deliver')) deliver = await startDeliverRole(at)
        if (wanted.includes('pull')) pull = await startPullRole(at)
        if (wanted.includes('gateway') && config.gatewayWorkers > 1)
          gateways = await startGatewayWorkers(
            config.gatewayWorkers,
            workerEnvironment(config, { DATABASE_URL: connection.url }),
            log,
          )
        else if (wanted.includes('gateway')) {
          const { startGatewayRole } = await import('../server/gatewayRole.ts')
          gateway = await startGatewayRole({
            ...at,
            ingest: () => ingest,
            deliver: () => deliver,
            pull: () => pull,
          })
        }
        const portAlone = portWithoutGateway(config, {
          portGiven: self.getOptionValueSource('port') !== 'default',
          listens: ingest !== undefined && !gateways,
        })
        if (!gateway && portAlone !== undefined)
          health = await startHealthRole({
            ...at,
            port: portAlone,
            acceptsDeliveries: ingest !== undefined,
            ingest: () => ingest,
            deliver: () => deliver,
            pull: () => pull,
          })
        const isDevelopment = (gateway ?? gateways) && !authenticationRequired(config)
        // A worker process of a gateway follows the secret of its primary process.
        if (isDevelopment && cluster.isPrimary) {
          renewDevelopmentSecret(config.dataDir)
          log.info(
            { file: join(config.dataDir, DEVELOPMENT_SECRET_FILE) },
            config.developmentAccess === 'user'
              ? 'no authentication: processes of this user, and callers on this machine who know the secret of this start, are the development caller, with all rights'
              : 'no authentication: callers on this machine who know the secret of this start are the development caller, with all rights',
          )
        }
        log.info(
          {
            roles: wanted,
            url: (gateway ?? gateways)?.url,
            healthUrl: health?.url,
            workers: ingest ? config.workers : 0,
          },
          'started',
        )
        await whenAborted(stop)
        log.info('stopping')
        health?.drain()
      } finally {
        await (gateway ?? gateways)?.close()
        await pull?.close()
        await deliver?.close()
        await ingest?.close()
        await health?.close()
        await connection.close()
        await stopTracing()
      }
      log.info('stopped')
    },
  )

/** Where a process with the role ingest and without gateway listens if no setting names a port. */
const ingestPort = 4_001

/**
 * Returns the port of a process without gateway: the health port, otherwise for one that `listens`
 * for deliveries the port that was given. The default of `port` is the gateway's. Undefined: it
 * does not listen.
 */
function portWithoutGateway(
  { healthPort, port }: Config<'healthPort' | 'port'>,
  { portGiven, listens }: { portGiven: boolean; listens: boolean },
): number | undefined {
  if (healthPort !== undefined) return healthPort
  if (!listens) return undefined
  return portGiven ? port : ingestPort
}

function roles(text: string): Role[] {
  const names = text.split(',') as Role[]
  if (names.some((n) => !ROLES.includes(n)))
    throw new InvalidArgumentError(`Roles are ${ROLES.join(', ')}.`)
  return names
}
