import { readFileSync } from 'node:fs'
import type { Logger } from 'pino'
import { ResponseCache } from '../../gateway/cache/responseCache.ts'
import { contractOf } from '../../gateway/federation/contract.ts'
import { calledSubgraphs } from '../../gateway/federation/own/calledSubgraphs.ts'
import { type Gateway, startGateway } from '../../gateway/gateway.ts'
import { describeError } from '../../gateway/http/describeError.ts'
import { AccessRecorder } from '../../mdm/access/accessRecorder.ts'
import { addCallerMinutes } from '../../mdm/access/callerMinutes.ts'
import { graphChannel } from '../../mdm/access/graphVersions.ts'
import type { RowReaders } from '../../mdm/access/rowReaders.ts'
import { missingRowRights } from '../../mdm/access/rowRights.ts'
import { openRefusals, type RefusalLog } from '../../mdm/audit/refusals.ts'
import { type DatabaseOptions, openDatabase, type Sql } from '../../mdm/db/database.ts'
import { watchSlowStatements } from '../../mdm/db/slowStatements.ts'
import { startTailer } from '../../mdm/feed/tailer.ts'
import { sensitiveScopes } from '../../mdm/feed/visible.ts'
import { JetStreamSource } from '../../mdm/jetstream/source.ts'
import { createEngines } from '../../mdm/resolution/resolve.ts'
import { startSweeper } from '../../mdm/stewardship/sweep.ts'
import { ConfigError } from '../../schema/kit/configError.ts'
import type { Repeated } from '../../schema/kit/repeated.ts'
import type { Policy } from '../../schema/policy.ts'
import { createSubgraphs, createSubgraphsInTurns } from '../../subgraphs/all.ts'
import { cacheableGraph } from '../../subgraphs/golden/cacheable.ts'
import type { Config } from '../config/config.ts'
import {
  heldSources,
  type Installation,
  pulledObjects,
  sourceIntakes,
} from '../config/installation.ts'
import { schemaFiles } from '../config/ownSubgraphs.ts'
import { packagePath } from '../config/packagePath.ts'
import { generatedSupergraph } from '../config/supergraph.ts'
import { startFeedMeter } from '../observe/feedMeter.ts'
import { openMetrics } from '../observe/metrics.ts'
import { readinessChecks } from '../observe/readiness.ts'
import type { DeliverRole, IngestRole, PullRole } from '../observe/roles.ts'
import { authentication, consoleSignIn } from './authentication.ts'
import { rowReaders } from './configuredRowReaders.ts'
import { consoleFolder, startConsoleBuild } from './consoleBuild.ts'
import { deliveryHandler } from './deliveryHandler.ts'
import { followGraph, type Graph } from './followGraph.ts'
import { followPolicy } from './followPolicy.ts'
import type { GATEWAY_CONFIG } from './gatewayConfig.ts'
import { joinGatewayWorkers, metricsOfAllWorkers } from './gatewayWorkers.ts'
import { composeApart, joinApart } from './graphJobs.ts'
import { openInternalTokens } from './openInternalTokens.ts'
import { type NatsConfig, natsOptions } from './openNats.ts'
import { openPolicies } from './openPolicies.ts'
import { openWebhooks } from './openWebhooks.ts'
import { publishedText } from './operationStore.ts'
import { readOwnGraph, rememberServed } from './ownGraph.ts'
import { OwnHealth } from './ownHealth.ts'
import { type PublicationRunner, startPublicationRunner } from './publicationRunner.ts'
import { openCursorSeal } from './sealingKeys.ts'

/** Connections of the feed: it tails, and reads the backlog of three subscribers at once. */
const feedConnectionsMax = 4
const acceptConnectionsMax = 4
const stewardConnectionsMax = 4
const metricsConnectionsMax = 2
/** Maximum delay of changes that only time causes, such as expiries. */
const sweepEveryMs = 30_000

/** Logs slow reads of queries, unless the setting is 0. */
function withSlowLog(sql: Sql, { slowStatementMs }: Config<'slowStatementMs'>, log: Logger): Sql {
  return slowStatementMs === 0
    ? sql
    : watchSlowStatements(sql, slowStatementMs, (slow) => log.warn(slow, 'slow statement'))
}

/** The role `gateway`: GraphQL with its subgraphs, and the webhook receivers. */
export async function startGatewayRole(options: {
  config: Config<(typeof GATEWAY_CONFIG)[number] | 'dataDir'>
  installation: Installation
  /** The file of the installation; without it the shipped one. */
  sources?: string | undefined
  databaseUrl: string
  log: Logger
  /** Returns the workers of this process, once they run. */
  ingest?: () => IngestRole | undefined
  /** Returns the deliverer of this process. */
  deliver?: () => DeliverRole | undefined
  /** Returns the pulls of this process. */
  pull?: () => PullRole | undefined
  /** Returns true while the demo world loads; its events do not count for the service levels. */
  isLoadingDemo?: (() => boolean) | undefined
}): Promise<Gateway> {
  const { config, installation, databaseUrl, log } = options
  const ownFile = config.ownSubgraphs ?? packagePath('config/subgraphs.yaml')
  const pools: Sql[] = []
  const pool = (name: string, connectionsMax: number, more: Partial<DatabaseOptions> = {}) => {
    const sql = openDatabase(databaseUrl, { name: `touchstone-${name}`, connectionsMax, ...more })
    pools.push(sql)
    return sql
  }
  // Queries are short keyed reads of the same few texts: cached plans double their rate.
  const queries = withSlowLog(
    pool('query', config.queryConnectionsMax, {
      planCache: 'auto',
      statementMsMax: config.queryMsMax,
    }),
    config,
    log,
  )
  const deliveries = pool('accept', acceptConnectionsMax)
  const metricsSql = pool('metrics', metricsConnectionsMax)
  const feedMeter = startFeedMeter(
    metricsSql,
    installation.levels,
    (err) => log.debug({ err: describeError(err) }, 'metrics of the feed were lost'),
    options.isLoadingDemo,
  )
  let policyNow = () => installation.policy
  const reads = new AccessRecorder({
    sql: metricsSql,
    daysMax: config.sensitiveAccessDaysMax,
    report: (message, err) => log.warn(err ? { err: describeError(err) } : {}, message),
  })
  let cache: ResponseCache | undefined
  const tailer = await startTailer({
    sql: pool('feed', feedConnectionsMax),
    log: (level, m) => log[level](m),
    seen(events) {
      feedMeter.seen(events)
      for (const { event } of events) cache?.changed(event)
    },
    live: liveSource(config, () => policyNow(), log),
  })
  let rows: RowReaders | undefined
  let refusals: RefusalLog | undefined
  let sweeper: Repeated | null = null
  let publications: PublicationRunner | null = null
  let gateway: Gateway | undefined
  let modelChanged = () => {}
  const close = async () => {
    await sweeper?.stop()
    await publications?.stop()
    await refusals?.stop()
    await reads.stop()
    await tailer.stop()
    await feedMeter.stop()
    await Promise.all([rows?.close(), ...pools.map((p) => p.end({ timeout: 5 }))])
  }
  try {
    const { systems, connectors, rules, levels, reconcile } = installation
    const shipped = {
      policy: installation.policy,
      engines: createEngines(installation.policy),
      systems: new Map(systems.map((s) => [s.name, s])),
    }
    const steward = { sql: pool('steward', stewardConnectionsMax), ...shipped, rules }
    await followPolicy(steward.sql, steward, systems, log, () => {
      installation.judge(steward.policy)
      modelChanged()
    })
    const { policy } = steward
    installation.judge(policy)
    policyNow = () => steward.policy
    sweeper = startSweeper(
      steward,
      sweepEveryMs,
      (err) => log.error({ err: describeError(err) }, 'a sweep failed'),
      (currencies) =>
        log.warn(
          { currencies },
          'values at risk in these currencies count as if in the base currency: add their rates to config/stewardship.yaml',
        ),
    )
    publications = await startPublicationRunner({
      sql: steward.sql,
      databaseUrl,
      sources: options.sources,
      everyMs: sweepEveryMs,
      failed: (err) =>
        log.error(
          { err: describeError(err) },
          'a publication could not be resumed; it will be retried',
        ),
    })
    rows = await rowReaders(config, steward.sql, policy, databaseUrl, (url, more) =>
      withSlowLog(openDatabase(url, { ...more, statementMsMax: config.queryMsMax }), config, log),
    )
    refusals = openRefusals(steward.sql, (err) =>
      log.error(
        { err: describeError(err) },
        'refused access could not be written to the audit log',
      ),
    )
    const webhooks = await openWebhooks(steward.sql, config)
    const parts = {
      sql: queries,
      rows,
      sources: systems,
      tailer,
      steward,
      connectors,
      pulled: pulledObjects(installation),
      intakes: sourceIntakes(installation),
      targets: installation.targets,
      levels,
      reconcile,
      webhooks,
      seal: await openCursorSeal(steward.sql, config),
      reads,
      policies: openPolicies({
        sql: steward.sql,
        databaseUrl,
        sources: options.sources,
        systems,
        ownSubgraphs: ownFile,
        contractHide: config.contractHide,
      }),
    }
    let all = createSubgraphs({ ...parts, policy })
    let model = policy.version
    let served = model
    for (const name of config.subgraphs.keys())
      if (!all.some((s) => s.name === name))
        throw new Error(
          `there is no subgraph "${name}"; there are ${all.map((s) => s.name).join(', ')}`,
        )
    if (config.cacheMegabytesMax > 0)
      cache = new ResponseCache({
        graph: cacheableGraph(policy),
        rowRights: rows !== undefined,
        bytesMax: config.cacheMegabytesMax * 2 ** 20,
        now: () => ({ readMsAgo: tailer.readMsAgo, feed: tailer.tail, policy: steward.policy }),
      })
    /** The supergraph of `all`; null until it is needed. To compose one takes long. */
    let composed: string | null = null
    const whole = async () => {
      if (config.supergraph) return readFileSync(config.supergraph, 'utf8')
      composed ??= generatedSupergraph(all)
      if (composed !== null) return composed
      log.warn(
        'supergraph.graphql does not fit this model: composing another one; run "npx touchstone generate"',
      )
      composed = await composeApart(all)
      return composed
    }
    const health = new OwnHealth(log)
    const last = {}
    let serving: ReadonlySet<string> = new Set()
    let remembered: ReadonlyMap<string, string> | null = null
    const graph = async (isStart = false): Promise<Graph> => {
      const isOtherPolicy = served !== steward.policy.version
      const why = isStart ? 'START' : isOtherPolicy ? 'POLICY' : 'CHANGE'
      if (model !== steward.policy.version) {
        const active = steward.policy
        all = await createSubgraphsInTurns({ ...parts, policy: active })
        composed = null
        model = active.version
      }
      const subgraphs = all
      const ownGraph = await readOwnGraph({
        file: ownFile,
        supergraphFile: config.supergraph,
        shipped: subgraphs,
        sql: metricsSql,
        why,
        serving: why === 'CHANGE' ? serving : new Set(),
        last,
        join: joinApart,
      })
      const supergraph = ownGraph.supergraph ?? (await whole())
      if (config.supergraph) requireCalled(supergraph, config)
      return {
        supergraph: contractOf(supergraph, config.contractHide ?? [], {
          isWhole: ownGraph.notes.length === 0,
        }),
        subgraphs,
        own: ownGraph.own,
        async served() {
          serving = new Set(ownGraph.own.map((o) => o.name))
          health.setNotes(ownGraph.notes)
          const { sdls } = ownGraph
          if (sdls !== remembered && (await rememberServed(metricsSql, ownGraph, log)))
            remembered = sdls
        },
      }
    }
    const { served: firstServed, ...first } = await graph(true)
    let refused = () => false
    let kept = () => false
    const metrics = openMetrics({
      sql: metricsSql,
      failed: (err) =>
        log.warn({ err: describeError(err) }, 'quality metrics could not be measured'),
      connectors,
      levels,
      types: policy.types,
      tailer,
      ingest: options.ingest,
      deliver: options.deliver,
      pull: options.pull,
      gateway: () => gateway?.inProgress(),
    })
    gateway = await startGateway({
      host: config.host,
      port: config.port,
      callers: await authentication({ config, sql: queries, log }),
      internal: config.subgraphs.size > 0 ? await openInternalTokens(config) : undefined,
      ...first,
      cache,
      services: config.subgraphs,
      isBound: rows ? (request) => rows?.of(request) !== null : undefined,
      noteOwn: health.note,
      bounds: config,
      operations: {
        find: (hash) => publishedText(queries, hash),
        mode: config.operations,
        report: (err) =>
          log.error({ err: describeError(err) }, 'published operations could not be read'),
      },
      graphiql: config.graphiql === 'auto' ? undefined : config.graphiql === 'on',
      console: { folder: consoleFolder, signIn: consoleSignIn(config) },
      mcp: config.mcp === 'auto' ? undefined : config.mcp === 'on',
      log,
      refused: refusals.note,
      observe: metrics.observe,
      addUp: (begun) => addCallerMinutes(queries, begun),
      ingest:
        config.gatewayIngest === 'on'
          ? deliveryHandler(deliveries, connectors, config, log)
          : undefined,
      ready: readinessChecks({
        sql: metricsSql,
        tailer,
        graphRefused: () => refused(),
        more: () => health.checks(kept()),
        ingest: options.ingest,
        deliver: options.deliver,
        rowRights: rows && (() => missingRowRights(metricsSql, steward.policy)),
        held: () => heldSources(connectors),
      }),
      metrics: async () => ({
        type: metrics.contentType,
        text: (await metricsOfAllWorkers()) ?? (await metrics.text()),
      }),
    })
    const { url, inProgress, close: drain, reload } = gateway
    await firstServed?.()
    const stopConsoleBuild = startConsoleBuild(log)
    joinGatewayWorkers(url, () => metrics.toObjects())
    const following = followGraph({
      files: () => [config.supergraph ?? [], ownFile, schemaFiles(ownFile)].flat(),
      first,
      read: graph,
      async reload({ supergraph, subgraphs, own }) {
        await reload(supergraph, subgraphs, own)
        served = model
      },
      log,
    })
    health.retryWith(following.again)
    // Another supergraph of the same model can be ignored: the last one is equivalent.
    refused = () => served !== steward.policy.version && following.refused()
    kept = following.refused
    modelChanged = following.again
    // Each new connection checks too, the first one at once: a publication while none was open
    // sends no notification.
    await steward.sql.listen(graphChannel, following.again, following.again)
    return {
      url,
      inProgress,
      reload,
      async close(graceMs = config.drainSecondsMax * 1_000) {
        modelChanged = () => {}
        following.stop()
        stopConsoleBuild()
        health.stop()
        await drain(graceMs)
        metrics.close()
        await close()
      },
    }
  } catch (e) {
    await close()
    throw e
  }
}

/** Throws if a configured service has no field in the supergraph that the operator composed. */
function requireCalled(
  supergraph: string,
  { subgraphs, supergraph: file }: Config<'subgraphs' | 'supergraph'>,
): void {
  if (subgraphs.size === 0) return
  const called = calledSubgraphs(supergraph)
  for (const name of subgraphs.keys())
    if (!called.has(name))
      throw new ConfigError(
        `TOUCHSTONE_SUBGRAPHS: the subgraph ${name} is never called: ${file} has no field of it`,
      )
}

/** Returns the source of live events, or undefined for the table. */
function liveSource(config: NatsConfig & Config<'feedFrom'>, policy: () => Policy, log: Logger) {
  if (config.feedFrom === 'postgres') return undefined
  const nats = natsOptions(config)
  if (!nats)
    throw new ConfigError('TOUCHSTONE_FEED_FROM is "nats": set TOUCHSTONE_NATS_URL as well')
  return new JetStreamSource({
    nats,
    scopes: () => sensitiveScopes(policy()),
    log: (level, m) => log[level](m),
  })
}
