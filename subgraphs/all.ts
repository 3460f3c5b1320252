import { randomBytes } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import type { AccessRecorder } from '../mdm/access/accessRecorder.ts'
import type { RowReaders } from '../mdm/access/rowReaders.ts'
import { CursorSeal } from '../mdm/db/cursorSeal.ts'
import type { Sql } from '../mdm/db/database.ts'
import type { Tailer } from '../mdm/feed/tailer.ts'
import { createEngines } from '../mdm/resolution/resolve.ts'
import type { Stewardship } from '../mdm/stewardship/steward.ts'
import { DEFAULT_RULES } from '../mdm/tasks/rules.ts'
import { publicWebhooks, type Webhooks } from '../mdm/webhooks/webhooks.ts'
import type { Policy } from '../schema/policy.ts'
import { createBillingSubgraph } from './billing/subgraph.ts'
import { createChangesSubgraph } from './changes/subgraph.ts'
import { createContractSubgraph } from './contract/subgraph.ts'
import type { RequestInfo, Subgraph } from './contract.ts'
import { createCrmSubgraph } from './crm/subgraph.ts'
import { createCustomerSubgraph } from './customer/subgraph.ts'
import { createErpSubgraph } from './erp/subgraph.ts'
import { goldenSubgraph } from './golden/goldenSubgraph.ts'
import { createNodeSubgraph } from './node/subgraph.ts'
import type { SourceIntake } from './operations/sources.ts'
import { createOperationsSubgraph, type OperationsDeps } from './operations/subgraph.ts'
import { createProductSubgraph } from './product/subgraph.ts'
import { createSearchSubgraph } from './search/subgraph.ts'
import { type Shown, type SqlOf, unbound } from './shared/context.ts'
import type { SubgraphDeps } from './shared/subgraphDeps.ts'
import { createStewardshipSubgraph } from './stewardship/subgraph.ts'
import type { Policies } from './stewardship/whatIf.ts'
import { createSuccessSubgraph } from './success/subgraph.ts'
import { createUsageSubgraph } from './usage/subgraph.ts'

/**
 * Golden types that a subgraph above owns. Each other golden type gets a generated subgraph without
 * code of its own.
 */
export const TYPES_WITH_SUBGRAPH = new Set(['Customer', 'Contact', 'Product', 'Contract'])

export interface GraphDeps extends Omit<SubgraphDeps, 'sqlOf'> {
  sql: Sql
  /** Readers for callers who may not see every row. Without them every caller sees all rows. */
  rows?: RowReaders | undefined
  /** Seals the cursors of callers in `rows`. Without it a key of this process does. */
  seal?: CursorSeal | undefined
  /** The tailer of this process; only subscriptions and the feed's queries use it. */
  tailer: Tailer
  /**
   * Executes stewards' actions on a pool of its own. Without it they use the pool of the queries
   * and the shipped rules.
   */
  steward?: Stewardship
  /** Records who was shown sensitive fields. Without it nothing is recorded. */
  reads?: Pick<AccessRecorder, 'note'>
  /** Runs what-ifs and activates policies. Without it neither is available. */
  policies?: Policies
  /**
   * Where webhooks may be sent and how their secrets are stored. Without it only public addresses
   * are allowed, and secrets are not encrypted.
   */
  webhooks?: Webhooks
  /**
   * The connectors of the configured source systems. Without them exceptions can be read, but
   * neither explained nor corrected.
   */
  connectors?: OperationsDeps['connectors']
  levels?: OperationsDeps['levels']
  reconcile?: OperationsDeps['reconcile']
  pulled?: OperationsDeps['pulled']
  targets?: OperationsDeps['targets']
  /** How the records of the source systems come. */
  intakes?: ReadonlyMap<string, SourceIntake>
}

const processSeal = new CursorSeal([randomBytes(32).toString('base64url')])

/** Creates every subgraph of the graph. Nothing is read before an operation requests it. */
export function createSubgraphs(given: GraphDeps): Subgraph[] {
  return factories(given).map((create) => create())
}

/**
 * Creates the subgraphs as `createSubgraphs` does, one in each turn of the event loop: those of a
 * large policy take seconds, in which a running gateway serves queries.
 */
export async function createSubgraphsInTurns(given: GraphDeps): Promise<Subgraph[]> {
  const created: Subgraph[] = []
  for (const create of factories(given)) {
    created.push(create())
    await setImmediate()
  }
  return created
}

function factories(given: GraphDeps): (() => Subgraph)[] {
  const seal = given.seal ?? processSeal
  const deps = { ...given, sqlOf: readersOf(given.sql, given.rows, seal) }
  const others = deps.policy.types
    .map((t) => t.name)
    .filter((name) => !TYPES_WITH_SUBGRAPH.has(name))
  const steward = deps.steward ?? {
    sql: deps.sql,
    policy: deps.policy,
    engines: createEngines(deps.policy),
    systems: new Map((deps.sources ?? []).map((s) => [s.name, s])),
  }
  const all = [
    () => createCustomerSubgraph(deps),
    () => createProductSubgraph(deps),
    () => createContractSubgraph(deps),
    () => createCrmSubgraph(deps),
    () => createBillingSubgraph(deps),
    () => createErpSubgraph(deps),
    () => createSuccessSubgraph(deps),
    () => createUsageSubgraph(deps),
    () => createNodeSubgraph(deps),
    () => createSearchSubgraph(deps),
    () =>
      createChangesSubgraph({ ...deps, webhooks: deps.webhooks ?? publicWebhooks(steward.sql) }),
    () =>
      createStewardshipSubgraph(steward, readersOf(steward.sql, deps.rows, seal), deps.policies),
    () =>
      createOperationsSubgraph({
        sql: steward.sql,
        sqlOf: readersOf(steward.sql, deps.rows, seal),
        policy: deps.policy,
        rules: steward.rules ?? DEFAULT_RULES,
        connectors: deps.connectors ?? new Map(),
        levels: deps.levels,
        reconcile: deps.reconcile,
        pulled: deps.pulled,
        targets: deps.targets,
        configured: { systems: deps.sources ?? [], intakes: deps.intakes ?? new Map() },
      }),
    ...others.map((name) => () => goldenSubgraph(name.toLowerCase(), deps, [name])),
  ]
  const { reads } = deps
  return reads ? all.map((create) => () => recordingAccess(create(), reads)) : all
}

/** Returns the subgraphs of a policy for their schemas only. */
export function schemasOf(policy: Policy): Subgraph[] {
  // Nothing is resolved, so the resolvers need no database.
  return createSubgraphs({ policy, sql: undefined, tailer: undefined } as never)
}

/**
 * Wraps a subgraph so that it records who is shown sensitive fields, including callers who receive
 * a shared result.
 */
function recordingAccess(subgraph: Subgraph, reads: Pick<AccessRecorder, 'note'>): Subgraph {
  const repeat = (to: RequestInfo, shown: readonly unknown[]) => {
    for (const s of shown as Shown[]) reads.note(to, s.through, s.type, s.fields, s.id)
  }
  return {
    ...subgraph,
    context: (request) => Object.assign(subgraph.context(request), { reads }),
    ...(subgraph.sharing ? { sharing: { ...subgraph.sharing, repeat } } : {}),
  }
}

/**
 * Returns the readers of a caller: connections with row-level rights for a bound caller, otherwise
 * `sql`.
 */
function readersOf(sql: Sql, rows: RowReaders | undefined, seal: CursorSeal): SqlOf {
  const all = unbound(sql)
  if (!rows) return all
  return (request) => {
    const judged = rows.of(request)
    return judged ? { sql: judged, bound: true, seal } : all(request)
  }
}
