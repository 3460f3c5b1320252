import { setImmediate } from 'node:timers/promises'
import { createGatewayRuntime } from '@graphql-hive/gateway-runtime'
import { Logger } from '@graphql-hive/logger'
import ws from '@graphql-mesh/transport-ws'
import { type GraphQLSchema, isObjectType } from 'graphql'
import type { Logger as Log } from 'pino'
import type { RequestInfo, Subgraph } from '../../subgraphs/contract.ts'
import type { ResponseCache } from '../cache/responseCache.ts'
import { compileOperation } from '../execution/compiledOperation.ts'
import type { GatewayContext } from '../execution/operationContext.ts'
import type { NoteRefusal, ObserveOperation, Runtime } from '../execution/runtime.ts'
import type { InternalTokens } from '../identity/internal.ts'
import type { QueryBounds } from '../limits/bounds.ts'
import { documentBoundsError } from '../limits/documentBounds.ts'
import { DocumentCache } from '../operation/documentCache.ts'
import type { ReportError } from '../operation/maskErrors.ts'
import { rejectHiddenKeys } from '../operation/rejectHiddenKeys.ts'
import { GraphRights } from '../operation/rights.ts'
import { SubscriptionGroups } from '../subscriptions/subscriptionGroups.ts'
import { createFindVisible, type ExecuteNodes, NODE_SUBGRAPH } from './findVisible.ts'
import { keyFields } from './keyFields.ts'
import { type LocalExecutors, localExecutors, localTransport } from './localTransport.ts'
import { ownFields } from './own/ownFields.ts'
import type { NoteOutcome, OwnSubgraph } from './own/ownSubgraph.ts'
import { ownTransport } from './own/ownTransport.ts'
import { shippedGraph } from './own/shippedGraph.ts'
import { loadPlanner } from './planner.ts'
import { withoutRules } from './publicSchema.ts'
import { serviceEntry, serviceTransport } from './serviceTransport.ts'

export interface RuntimeOptions {
  /** The supergraph, composed of all subgraphs. */
  supergraph: string
  /** Subgraphs that run in this process. */
  subgraphs: readonly Subgraph[]
  /**
   * Subgraphs that run as services: name to URL. A subgraph named here does not run in this
   * process.
   */
  services: ReadonlyMap<string, string>
  /** Authenticates the gateway at its services; required if there are any. */
  internal?: InternalTokens | undefined
  /** Subgraphs of the installation, beside Touchstone's own; default none. */
  own?: readonly OwnSubgraph[] | undefined
  /** Returns true if row rights bind a caller; default: they bind nobody. */
  isBound?: ((request: RequestInfo) => boolean) | undefined
  /** Receives the outcome of each request to an own subgraph. */
  noteOwn?: NoteOutcome | undefined
  bounds: QueryBounds
  log: Log
  report: ReportError
  /** Receives refused access, in addition to the log. */
  refused?: NoteRefusal | undefined
  observe?: ObserveOperation | undefined
  /** Caches responses that consist of golden records. Without it every query is executed. */
  cache?: ResponseCache | undefined
  /** Replaced in tests. */
  loadPlanner?: typeof loadPlanner | undefined
  /** Which halves of the execution are compiled; the library executes the others. Default both. */
  compiled?: { plans: boolean; fetches: boolean } | undefined
}

/**
 * Creates the runtime of one supergraph. It does not depend on any transport. Between its steps
 * another runtime serves requests: those of a large graph take half a second together.
 */
export async function createRuntime(options: RuntimeOptions): Promise<Runtime> {
  const { supergraph, subgraphs, services, bounds, log, report, internal, cache } = options
  const { own = [] } = options
  if (services.size > 0 && !internal)
    throw new Error('subgraphs as services need the internal secret, to authenticate the gateway')
  const localSubgraphs = subgraphs.filter((s) => !services.has(s.name))
  const compiled = options.compiled ?? { plans: true, fetches: true }
  const local = localExecutors(localSubgraphs, report, compiled.fetches)
  await setImmediate()
  const shown = withoutRules(supergraph)
  await setImmediate()
  const planner = await (options.loadPlanner ?? loadPlanner)(shown, compiled.plans ? local : null)
  await setImmediate()
  if (planner.handler) log.debug('query planner: native')
  else
    log.warn(
      { reason: planner.reason },
      'the native query planner cannot be loaded: using the JavaScript planner',
    )
  const runtime = createGatewayRuntime<GatewayContext & Record<string, unknown>>({
    supergraph: shown,
    unifiedGraphHandler: planner.handler,
    transports: {
      local: localTransport(local),
      ...(own.length > 0 ? { own: transportOfOwn(options, own, local) } : {}),
      ...(internal ? { http: serviceTransport(internal), ws } : {}),
    } as never,
    transportEntries: {
      ...Object.fromEntries([...local.keys()].map((name) => [name, { kind: 'local' }])),
      ...Object.fromEntries([...services].map(([name, url]) => [name, serviceEntry(name, url)])),
      ...Object.fromEntries(own.map(({ name }) => [name, { kind: 'own' }])),
    },
    // Loaders batch already; merging documents would print and parse them for each request.
    __experimental__batchExecution: false,
    // The gateway's own server has pages, health, errors, ids and cross-origin rules:
    // http/server.ts.
    graphiql: false,
    landingPage: false,
    cors: false,
    maskedErrors: false,
    requestId: false,
    subgraphErrors: false,
    logging: new Logger({
      level: 'error',
      writers: [{ write: (_level, attrs, msg) => log.error({ attrs }, msg ?? '') }],
    }),
  })
  // Awaited here; otherwise the first callers would meet a gateway without a schema.
  const schema = await runtime.getSchema()
  await setImmediate()
  const rights = new GraphRights(supergraph)
  const { listSizes, overridden } = ownFields(own)
  // Responses of an own subgraph change without an event.
  const cacheable = cache && {
    ...cache.graph,
    fields: new Set([...cache.graph.fields].filter((f) => !overridden.has(f))),
  }
  const liveFields = new Set(localSubgraphs.flatMap((s) => s.sharing?.liveFields ?? []))
  const documents = new DocumentCache({
    schema,
    tokensMax: bounds.tokensMax,
    check: (tree) => documentBoundsError(tree, bounds),
    rules: [rejectHiddenKeys(keyFields(supergraph))],
    compile: (operation) =>
      compileOperation(operation, { rights, cacheable, liveFields, listSizes }),
  })
  return {
    documents,
    cache,
    costMax: bounds.costMax,
    queryMsMax: bounds.queryMsMax,
    goldenTypes: goldenTypesOf(schema),
    groups: new SubscriptionGroups(),
    observe: options.observe,
    getEnveloped: (context) =>
      runtime.getEnveloped(context as never) as ReturnType<Runtime['getEnveloped']>,
    refused({ actor, correlationId }, needs) {
      // The document itself is not logged: it may hold personal data.
      const fields = needs.map((n) => n.coordinate)
      log.info({ actor, correlationId, code: 'FORBIDDEN', fields }, 'operation refused')
      options.refused?.({ actor: actor ?? null, code: 'FORBIDDEN', fields, correlationId })
    },
    ...useCounter(async () => await runtime.dispose(), report),
  }
}

/** Golden types are those with the origin of their values. */
function goldenTypesOf(schema: GraphQLSchema): string[] {
  return Object.values(schema.getTypeMap()).flatMap((type) =>
    isObjectType(type) && 'provenance' in type.getFields() ? [type.name] : [],
  )
}

function transportOfOwn(
  { subgraphs, services, internal, report, isBound, noteOwn }: RuntimeOptions,
  own: readonly OwnSubgraph[],
  local: LocalExecutors,
) {
  const { types } = shippedGraph(subgraphs)
  return ownTransport({
    subgraphs: own,
    shippedEntities: new Set([...types].flatMap(([name, t]) => (t.keys.size > 0 ? [name] : []))),
    isBound: isBound ?? (() => false),
    findVisible: createFindVisible(executeNodes()),
    report,
    note: noteOwn ?? (() => {}),
  })

  function executeNodes(): ExecuteNodes {
    const here = local.get(NODE_SUBGRAPH)
    const url = services.get(NODE_SUBGRAPH)
    if (here) return (request) => here.execute(request)
    let executor: unknown
    return async (request) => {
      if (!url || !internal) throw new Error(`the graph has no subgraph ${NODE_SUBGRAPH}`)
      executor ??= serviceTransport(internal).getSubgraphExecutor({
        subgraphName: NODE_SUBGRAPH,
        transportEntry: serviceEntry(NODE_SUBGRAPH, url),
      } as never)
      return await ((await executor) as ExecuteNodes)(request)
    }
  }
}

/** Counts users of a runtime. Disposes of it once it is retired and has no users. */
function useCounter(
  dispose: () => Promise<void>,
  report: ReportError,
): Pick<Runtime, 'use' | 'retire' | 'dispose'> {
  let uses = 0
  let retired = false
  const disposeUnused = () => {
    if (retired && uses === 0) dispose().catch((e) => report(e, ''))
  }
  return {
    use() {
      uses++
      let ended = false
      return () => {
        if (ended) return
        ended = true
        uses--
        disposeUnused()
      }
    },
    retire() {
      retired = true
      disposeUnused()
    },
    dispose,
  }
}
