import { Command } from 'commander'
import { parse } from 'graphql'
import { startSubgraphService } from '../../gateway/federation/subgraphService.ts'
import { describeError } from '../../gateway/http/describeError.ts'
import { AccessRecorder } from '../../mdm/access/accessRecorder.ts'
import type { RowReaders } from '../../mdm/access/rowReaders.ts'
import { openDatabase } from '../../mdm/db/database.ts'
import { startTailer } from '../../mdm/feed/tailer.ts'
import { createEngines } from '../../mdm/resolution/resolve.ts'
import { createSubgraphs } from '../../subgraphs/all.ts'
import { type Config, warnAboutUnknownVariables, withConfig } from '../config/config.ts'
import { openInstallation, pulledObjects, sourceIntakes } from '../config/installation.ts'
import { refuseOpenFiles } from '../config/refuseOpenFiles.ts'
import { connect, DATABASE_CONFIG } from '../connect.ts'
import { openLog } from '../observe/log.ts'
import { startTracing, TRACING_CONFIG } from '../observe/tracing.ts'
import { prepareRowRights, rowReaders } from '../server/configuredRowReaders.ts'
import { followPolicy } from '../server/followPolicy.ts'
import { openAuditLog } from '../server/openAuditLog.ts'
import { openInternalTokens } from '../server/openInternalTokens.ts'
import { openWebhooks, WEBHOOK_CONFIG } from '../server/openWebhooks.ts'
import { openCursorSeal } from '../server/sealingKeys.ts'
import { stopSignal, whenAborted } from '../server/stopSignal.ts'

const SETTINGS = [
  ...DATABASE_CONFIG,
  'sources',
  'host',
  'port',
  'internalSecret',
  'access',
  ...WEBHOOK_CONFIG,
  'queryConnectionsMax',
  'queryMsMax',
  'sensitiveAccessDaysMax',
  'bodyBytesMax',
  'logLevel',
  ...TRACING_CONFIG,
] as const

export const command = withConfig(
  new Command('subgraph')
    .description(
      'run one subgraph as a service, for a gateway whose setting "subgraphs" names its address',
    )
    .argument('<name>', 'subgraph, as crm'),
  SETTINGS,
)
  .addHelpText(
    'after',
    `
Example:
  npx touchstone subgraph crm --port 4101
  npx touchstone serve --subgraphs crm=http://127.0.0.1:4101/graphql`,
  )
  .action(async (name: string, config: Config<(typeof SETTINGS)[number]>) => {
    const stop = stopSignal()
    const log = openLog(config.logLevel, `subgraph-${name}`)
    warnAboutUnknownVariables(log)
    process.on('unhandledRejection', (err) =>
      log.error(
        { err: String(err) },
        'an operation failed with an error that is hidden from its caller',
      ),
    )
    const stopTracing = await startTracing(config, `subgraph-${name}`)
    refuseOpenFiles(config)
    const installation = openInstallation(config.sources)
    const { policy: model, systems, connectors, rules, levels } = installation
    const connection = await connect({
      config,
      connectionsMax: config.queryConnectionsMax,
      create: true,
      notify: (line, level) => log[level](line),
    })
    const feed = openDatabase(connection.url, { name: 'touchstone-feed', connectionsMax: 4 })
    const tailer = await startTailer({ sql: feed, log: (level, m) => log[level](m) })
    let rows: RowReaders | undefined
    const reads = new AccessRecorder({
      sql: feed,
      daysMax: config.sensitiveAccessDaysMax,
      report: (message, err) => log.warn(err ? { err: describeError(err) } : {}, message),
    })
    try {
      await prepareRowRights(config, connection, installation)
      const engines = createEngines(model)
      const steward = {
        sql: connection.sql,
        policy: model,
        engines,
        systems: new Map(systems.map((s) => [s.name, s])),
        rules,
      }
      const otherModel = Promise.withResolvers<void>()
      await followPolicy(feed, steward, systems, log, otherModel.resolve)
      const { policy } = steward
      installation.judge(policy)
      rows = await rowReaders(config, connection.sql, policy, connection.url, (url, more) =>
        openDatabase(url, { ...more, statementMsMax: config.queryMsMax }),
      )
      const all = createSubgraphs({
        sql: connection.sql,
        rows,
        policy,
        sources: systems,
        connectors,
        pulled: pulledObjects(installation),
        intakes: sourceIntakes(installation),
        targets: installation.targets,
        levels,
        tailer,
        steward,
        reads,
        webhooks: await openWebhooks(connection.sql, config),
        seal: await openCursorSeal(connection.sql, config),
      })
      const subgraph = all.find((s) => s.name === name)
      if (!subgraph)
        throw new Error(
          `there is no subgraph "${name}"; there are ${all.map((s) => s.name).join(', ')}`,
        )
      // Its changes are in the audit log: it must not accept one that it could not write.
      if (hasMutations(subgraph.sdl)) await openAuditLog(connection.sql, config, log)
      const service = await startSubgraphService({
        subgraph,
        host: config.host,
        port: config.port,
        bodyBytesMax: config.bodyBytesMax,
        internal: await openInternalTokens(config),
        log,
      })
      log.info({ url: service.url }, 'started')
      await Promise.race([whenAborted(stop), otherModel.promise])
      if (!stop.aborted) {
        // The model decides which fields are sensitive: the service must not continue with an old
        // model.
        log.error('another model is active: this service stops; restart it')
        process.exitCode = 1
      }
      await service.close()
    } finally {
      await tailer.stop()
      await rows?.close()
      await reads.stop()
      await feed.end({ timeout: 5 })
      await connection.close()
      await stopTracing()
    }
  })

function hasMutations(sdl: string): boolean {
  return parse(sdl).definitions.some((d) => 'name' in d && d.name?.value === 'Mutation')
}
