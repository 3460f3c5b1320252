import { createGatewayRuntime, type GatewayRuntime } from '@graphql-hive/gateway-runtime'
import { Logger } from '@graphql-hive/logger'
import ws from '@graphql-mesh/transport-ws'
import type { Logger as Log } from 'pino'
import type { Subgraph } from '../../subgraphs/contract.ts'
import type { Answers } from '../cache/responseCache.ts'
import { localExecutors, localTransport } from '../federation/localTransport.ts'
import { withoutRules } from '../federation/publicSchema.ts'
import { serviceEntry, serviceTransport } from '../federation/serviceTransport.ts'
import type { InternalTokens } from '../identity/internal.ts'
import type { QueryBounds } from '../limits/bounds.ts'
import { OperationCosts } from '../limits/cost.ts'
import { Documents } from '../operation/documents.ts'
import type { ReportError } from '../operation/mask.ts'
import type { GatewayContext } from '../operation/operationContext.ts'
import { GraphRights } from '../operation/rights.ts'
import { Selections } from '../subscriptions/subscriptionGroups.ts'
import { loadPlanner } from './planner.ts'

/** Told of each query and mutation that was let in, once it is answered. */
export type ObserveOperation = (operation: { name: string | null; type: string; ms: number; ok: boolean }) => void

/** Access that was refused to somebody, or to who is not known. */
export type NoteRefusal = (refusal: {
  actor: string | null
  code: string
  fields: readonly string[]
  correlationId: string
}) => void

export interface RuntimeOptions {
  /** Of all subgraphs, as composed. */
  supergraph: string
  /** Subgraphs that run in this process. */
  subgraphs: readonly Subgraph[]
  /** Subgraphs that run as services: name to URL. A name that is here is not run in this process. */
  services: ReadonlyMap<string, string>
  /** How services know the gateway; needed where there are any. */
  internal?: InternalTokens | undefined
  bounds: QueryBounds
  log: Log
  report: ReportError
  /** Told of access that was refused, beside the log. */
  refused?: NoteRefusal | undefined
  observe?: ObserveOperation | undefined
  /** Keeps answers of golden records; without it every query is executed. */
  answers?: Answers | undefined
  /** Another one in tests. */
  loadPlanner?: typeof loadPlanner | undefined
  /** Which halves of execution are compiled; what is left out runs on the library. Default both. */
  compiled?: { plans: boolean; fetches: boolean } | undefined
}

export type Runtime = GatewayRuntime<GatewayContext & Record<string, unknown>> & {
  /** Who may ask for what of the graph. */
  rights: GraphRights
  answers: Answers | undefined
  observe: ObserveOperation | undefined
  /** Counts an operation that begins; answers how to say that it has ended. */
  use(): () => void
  /** Lets go of what it holds once the last operation has ended. */
  retire(): void
  /** What was asked before. */
  documents: Documents
  /** What operations may come to. */
  costs: OperationCosts
  /** How long a query may take. */
  queryMsMax: number
  /** What is subscribed to at the moment. */
  selections: Selections
}

/** Plans operations over the supergraph and runs them on the subgraphs. HTTP and WebSockets are not its business. */
export async function createRuntime(options: RuntimeOptions): Promise<Runtime> {
  const { supergraph, subgraphs, services, bounds, log, report, internal } = options
  if (services.size > 0 && !internal)
    throw new Error('subgraphs as services need the internal secret, to know the gateway')
  const localSubgraphs = subgraphs.filter((s) => !services.has(s.name))
  const compiled = options.compiled ?? { plans: true, fetches: true }
  const local = localExecutors(localSubgraphs, report, compiled.fetches)
  const shown = withoutRules(supergraph)
  const planner = await (options.loadPlanner ?? loadPlanner)(shown, compiled.plans ? local : null)
  if (planner.handler) log.debug('query planner: native')
  else log.warn({ reason: planner.reason }, 'the native query planner does not load: using the JavaScript one')
  const runtime = createGatewayRuntime<GatewayContext & Record<string, unknown>>({
    supergraph: shown,
    unifiedGraphHandler: planner.handler,
    transports: {
      local: localTransport(local),
      ...(internal ? { http: serviceTransport(internal), ws } : {}),
    } as never,
    transportEntries: {
      ...Object.fromEntries([...local.keys()].map((name) => [name, { kind: 'local' }])),
      ...Object.fromEntries([...services].map(([name, url]) => [name, serviceEntry(name, url)])),
    },
    // Loaders batch already; merging documents would print and parse them for each request.
    __experimental__batchExecution: false,
    // Pages, health, errors, ids and cross-origin rules are ours, see server.ts.
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
  // Otherwise the first callers meet a gateway without a schema.
  await runtime.getSchema()
  let [uses, retired] = [0, false]
  const end = () => {
    if (retired && uses === 0) Promise.resolve(runtime.dispose()).catch((e) => report(e, ''))
  }
  return Object.assign(runtime, {
    use() {
      uses++
      let ended = false
      return () => {
        if (ended) return
        ended = true
        uses--
        end()
      }
    },
    retire() {
      retired = true
      end()
    },
    rights: new GraphRights(supergraph, refused(log, options.refused)),
    answers: options.answers,
    observe: options.observe,
    documents: new Documents(bounds),
    costs: new OperationCosts(bounds.costMax),
    queryMsMax: bounds.queryMsMax,
    selections: new Selections(localSubgraphs.flatMap((s) => s.sharing?.liveFields ?? [])),
  })
}

/** Who tried for what; not the document, which may hold personal data. */
function refused(log: Log, note: RuntimeOptions['refused']): ConstructorParameters<typeof GraphRights>[1] {
  return ({ actor, correlationId }, needs) => {
    const fields = needs.map((n) => n.coordinate)
    log.info({ actor, correlationId, code: 'FORBIDDEN', fields }, 'operation refused')
    note?.({ actor: actor ?? null, code: 'FORBIDDEN', fields, correlationId })
  }
}
