import type { Logger } from 'pino'
import type { Subgraph } from '../subgraphs/contract.ts'
import type { NoteRefusal, ObserveOperation } from './execution/runtime.ts'
import { createRuntime, type RuntimeOptions } from './federation/createRuntime.ts'
import type { OwnSubgraph } from './federation/own/ownSubgraph.ts'
import { type ConsoleOptions, consolePages } from './http/consolePages.ts'
import type { IngestHandler } from './http/deliveryRoute.ts'
import { describeError } from './http/describeError.ts'
import type { Check } from './http/health.ts'
import { listen } from './http/listen.ts'
import type { McpHandler } from './http/mcpRoute.ts'
import { GRAPHQL_PATH } from './http/paths.ts'
import type { MetricsText } from './http/routes.ts'
import { createGatewayServer, type InProgress } from './http/server.ts'
import type { Callers } from './identity/caller.ts'
import type { InternalTokens } from './identity/internal.ts'
import { isLoopback } from './identity/loopback.ts'
import { type QueryBounds, SERVER_BOUNDS, type ServerBounds } from './limits/bounds.ts'
import { CALLER_LIMITS, type CallerLimits } from './limits/callerBounds.ts'
import { type AddUp, SharedRate } from './limits/sharedRate.ts'
import { type OperationStore, PublishedOperations } from './operation/publishedOperations.ts'

export interface GatewayOptions {
  host: string
  /** 0 selects any free port. */
  port: number
  supergraph: string
  /** Subgraphs that run in this process. */
  subgraphs: readonly Subgraph[]
  /** Subgraphs that run as services: name to URL. */
  services?: ReadonlyMap<string, string>
  /** Subgraphs of the installation, beside Touchstone's own. */
  own?: readonly OwnSubgraph[] | undefined
  /** Returns true if row rights bind a caller: what own subgraphs see is then checked. */
  isBound?: RuntimeOptions['isBound']
  /** Receives the outcome of each request to an own subgraph. */
  noteOwn?: RuntimeOptions['noteOwn']
  /** Authenticates the gateway at these services. */
  internal?: InternalTokens | undefined
  bounds: QueryBounds & Partial<ServerBounds & CallerLimits>
  log: Logger
  ingest?: IngestHandler | undefined
  ready?: () => Promise<Check[]>
  callers: Callers
  /** The store of published operations. Without it, requests send the text of their operation. */
  operations?: OperationStore | undefined
  /** Serves GraphiQL to browsers. The default is yes without authentication. */
  graphiql?: boolean | undefined
  /** Serves the console. Without it there is none. */
  console?: ConsoleOptions | undefined
  /** Serves agents on /mcp. The default is yes without authentication. */
  mcp?: boolean | undefined
  /** How often the credentials of open subscriptions are checked again; default 15 s. */
  recheckMs?: number
  loadPlanner?: RuntimeOptions['loadPlanner']
  /** Receives refused access, in addition to the log. */
  refused?: NoteRefusal | undefined
  observe?: ObserveOperation | undefined
  /**
   * Adds up the operations that callers begin at all gateways, for the limit per minute. Without it
   * each gateway counts only its own.
   */
  addUp?: AddUp | undefined
  cache?: RuntimeOptions['cache']
  /** The metrics in the format of Prometheus, served on /metrics. */
  metrics?: MetricsText | undefined
}

export interface Gateway {
  /** The base URL of GraphQL over HTTP and WebSocket. */
  url: string
  inProgress(): InProgress
  /**
   * Replaces the supergraph. Requests in progress finish on the old one, and none is rejected
   * meanwhile. Subscriptions continue too, unless subgraphs change: a new subgraph may hide what
   * older subscriptions deliver. They then end with GRAPH_CHANGED. Throws, and changes nothing, if
   * the supergraph cannot be loaded.
   */
  reload(
    supergraph: string,
    subgraphs?: readonly Subgraph[],
    own?: readonly OwnSubgraph[],
  ): Promise<void>
  /** Drains for at most `graceMs`, then closes. */
  close(graceMs?: number): Promise<void>
}

/** The library of the protocol is loaded with the first request: most gateways never need it. */
const handleMcp: McpHandler = async (exchange) => {
  const { respondToMcp } = await import('./mcp/mcpServer.ts')
  await respondToMcp(exchange)
}

/** Starts a gateway. Resolves when it listens and can respond. */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { log, host, port, callers } = options
  if (callers.isLocal && !isLoopback(host))
    throw new Error(
      `without authentication only this machine is served: ${host} is not a loopback address`,
    )
  const bounds = { ...SERVER_BOUNDS, ...CALLER_LIMITS, ...options.bounds }
  const report = (err: unknown, id: string) =>
    log.error({ err: describeError(err), correlationId: id }, 'request failed')
  const create = (
    supergraph: string,
    subgraphs: readonly Subgraph[],
    own: readonly OwnSubgraph[],
  ) =>
    createRuntime({
      supergraph,
      subgraphs,
      own,
      isBound: options.isBound,
      noteOwn: options.noteOwn,
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
    log.warn(
      { err: describeError(err) },
      'cannot share the rate limit with other gateways: this process counts callers alone',
    )
  const sharedRate = addUp && new SharedRate(addUp, lonely)
  let serving = options.subgraphs
  let servingOwn = options.own ?? []
  let runtime = await create(options.supergraph, serving, servingOwn)
  const server = createGatewayServer({
    runtime: () => runtime,
    operations: new PublishedOperations(options.operations),
    bounds,
    callers,
    graphiql: options.graphiql,
    console: options.console && consolePages(options.console),
    mcp: (options.mcp ?? callers.isLocal) ? handleMcp : undefined,
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
    async reload(supergraph, subgraphs = serving, own = servingOwn) {
      const next = await create(supergraph, subgraphs, own)
      const last = runtime
      runtime = next
      if (subgraphs !== serving || own !== servingOwn) server.restartSubscriptions()
      serving = subgraphs
      servingOwn = own
      last.retire()
    },
    async close(graceMs = 10_000) {
      sharedRate?.stop()
      await server.close(graceMs)
      await runtime.dispose()
    },
  }
}
