import type { Logger } from 'pino'
import type { Subgraph } from '../subgraphs/contract.ts'
import type { NoteRefusal, ObserveOperation } from './execution/runtime.ts'
import { createRuntime, type RuntimeOptions } from './federation/createRuntime.ts'
import { describeError } from './http/describeError.ts'
import type { Check } from './http/health.ts'
import { listen } from './http/listen.ts'
import { GRAPHQL_PATH } from './http/paths.ts'
import type { IngestHandler, MetricsText } from './http/routes.ts'
import { createGatewayServer, type InProgress } from './http/server.ts'
import type { Callers } from './identity/caller.ts'
import { localCallers } from './identity/callers.ts'
import type { InternalTokens } from './identity/internal.ts'
import { isLoopback } from './identity/loopback.ts'
import { type QueryBounds, SERVER_BOUNDS, type ServerBounds } from './limits/bounds.ts'
import { CALLER_LIMITS, type CallerLimits } from './limits/callerBounds.ts'
import { type AddUp, SharedRate } from './limits/sharedRate.ts'
import { type OperationStore, PublishedOperations } from './operation/publishedOperations.ts'

export interface GatewayOptions {
  host: string
  /** 0 takes any free one. */
  port: number
  /** Names in the Host header that are served beside those of loopback. */
  hostsAllowed?: readonly string[]
  supergraph: string
  /** Subgraphs that run in this process. */
  subgraphs: readonly Subgraph[]
  /** Subgraphs that run as services: name to URL. */
  services?: ReadonlyMap<string, string>
  /** How those know the gateway. */
  internal?: InternalTokens | undefined
  bounds: QueryBounds & Partial<ServerBounds & CallerLimits>
  log: Logger
  ingest?: IngestHandler | undefined
  ready?: () => Promise<Check[]>
  /** Authenticates callers; without it only this machine is served, as the development caller. */
  callers?: Callers | undefined
  /**
   * Operations that callers may name, or that alone are answered; without it texts are answered.
   */
  operations?: OperationStore | undefined
  /** Whether browsers are given GraphiQL; without it where no credentials are needed. */
  graphiql?: boolean | undefined
  /** How often the credentials of open subscriptions are checked again; default 15 s. */
  recheckMs?: number
  loadPlanner?: RuntimeOptions['loadPlanner']
  /** Receives refused access, beside the log. */
  refused?: NoteRefusal | undefined
  observe?: ObserveOperation | undefined
  /**
   * What callers begin at all gateways, for the limit of a minute; without it each gateway counts
   * by itself.
   */
  addUp?: AddUp | undefined
  cache?: RuntimeOptions['cache']
  /** Figures for Prometheus, on /metrics. */
  metrics?: MetricsText | undefined
}

export interface Gateway {
  /** Of GraphQL, HTTP and WebSocket alike. */
  url: string
  inProgress(): InProgress
  /**
   * Takes another supergraph. What is under way ends as it began; nothing is refused meanwhile. So
   * do subscriptions, unless subgraphs are given too: what those hide is not to be told by
   * subscriptions that began before, so they end with GRAPH_CHANGED. Throws, and changes nothing,
   * where it cannot be taken.
   */
  reload(supergraph: string, subgraphs?: readonly Subgraph[]): Promise<void>
  /** Drains for at most `graceMs`, then closes. */
  close(graceMs?: number): Promise<void>
}

/** Listens when this resolves, and can answer. */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { log, host, port } = options
  const callers = options.callers ?? localCallers(options.hostsAllowed)
  if (callers.open && !isLoopback(host))
    throw new Error(
      `without authentication nobody beyond this machine is served: ${host} is not loopback`,
    )
  const bounds = { ...SERVER_BOUNDS, ...CALLER_LIMITS, ...options.bounds }
  const report = (err: unknown, id: string) =>
    log.error({ err: describeError(err), correlationId: id }, 'request failed')
  const create = (supergraph: string, subgraphs: readonly Subgraph[]) =>
    createRuntime({
      supergraph,
      subgraphs,
      services: options.services ?? new Map(),
      internal: options.internal,
      bounds,
      log,
      report,
      refused: options.refused,
      observe: options.observe,
      loadPlanner: options.loadPlanner,
      cache: options.cache,
    })
  const { addUp } = options
  const lonely = (err: unknown) =>
    log.warn({ err: describeError(err) }, 'callers are counted by this process alone')
  const sharedRate = addUp && new SharedRate(addUp, lonely)
  let serving = options.subgraphs
  let runtime = await create(options.supergraph, serving)
  const server = createGatewayServer({
    runtime: () => runtime,
    operations: new PublishedOperations(options.operations),
    bounds,
    callers,
    graphiql: options.graphiql,
    recheckMs: options.recheckMs,
    log,
    report,
    sharedRate,
    refused: options.refused,
    ready: options.ready ?? (async () => []),
    ingest: options.ingest,
    metrics: options.metrics,
  })
  const url = await listen(server.http, host, port)
  return {
    url: `${url}${GRAPHQL_PATH}`,
    inProgress: () => server.inProgress(),
    async reload(supergraph, subgraphs = serving) {
      const next = await create(supergraph, subgraphs)
      const last = runtime
      runtime = next
      if (subgraphs !== serving) server.restartSubscriptions()
      serving = subgraphs
      last.retire()
    },
    async close(graceMs = 10_000) {
      sharedRate?.stop()
      await server.close(graceMs)
      await runtime.dispose()
    },
  }
}
