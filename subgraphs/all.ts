import type { AccessRecorder } from '../mdm/access/accessRecorder.ts'
import type { RowReaders } from '../mdm/access/rowReaders.ts'
import type { Sql } from '../mdm/db/database.ts'
import type { Tailer } from '../mdm/feed/tailer.ts'
import { createEngines } from '../mdm/resolution/resolve.ts'
import type { Stewardship } from '../mdm/stewardship/steward.ts'
import { DEFAULT_RULES } from '../mdm/tasks/rules.ts'
import { publicWebhooks, type Webhooks } from '../mdm/webhooks/webhooks.ts'
import { createBillingSubgraph } from './billing/subgraph.ts'
import { createChangesSubgraph } from './changes/subgraph.ts'
import { createContractSubgraph } from './contract/subgraph.ts'
import type { RequestInfo, Subgraph } from './contract.ts'
import { createCrmSubgraph } from './crm/subgraph.ts'
import { createCustomerSubgraph } from './customer/subgraph.ts'
import { createErpSubgraph } from './erp/subgraph.ts'
import { goldenSubgraph } from './golden/goldenSubgraph.ts'
import { createNodeSubgraph } from './node/subgraph.ts'
import { createOperationsSubgraph, type OperationsDeps } from './operations/subgraph.ts'
import { createProductSubgraph } from './product/subgraph.ts'
import { type Shown, type SqlOf, unbound } from './shared/context.ts'
import type { SubgraphDeps } from './shared/subgraphDeps.ts'
import { createStewardshipSubgraph } from './stewardship/subgraph.ts'
import type { Policies } from './stewardship/whatIf.ts'

/**
 * Golden types that a subgraph above is named for; each other one gets a subgraph of its own,
 * without code.
 */
const HOUSED = new Set(['Customer', 'Contact', 'Product', 'Contract'])

export interface GraphDeps extends Omit<SubgraphDeps, 'sqlOf'> {
  sql: Sql
  /** Reads with the rights of a caller who may not see every row; without it all may. */
  rows?: RowReaders | undefined
  /** Of this process; only subscriptions and the feed's queries use it. */
  tailer: Tailer
  /**
   * For stewards' actions, with a pool of its own; without it they use that of the queries and the
   * shipped rules.
   */
  steward?: Stewardship
  /** Notes who saw sensitive fields; without it nobody does. */
  reads?: Pick<AccessRecorder, 'note'>
  /** For what-ifs and for putting policies in force; without it there is neither. */
  policies?: Policies
  /**
   * Where webhooks may go and how their secrets are kept; without it to public addresses, and
   * unsealed.
   */
  webhooks?: Webhooks
  /**
   * Of the configured source systems; without them exceptions can be seen, but neither explained
   * nor corrected.
   */
  connectors?: OperationsDeps['connectors']
  levels?: OperationsDeps['levels']
}

/** Every subgraph of the graph. Nothing is read before an operation asks for it. */
export function createSubgraphs(given: GraphDeps): Subgraph[] {
  const deps = { ...given, sqlOf: readersOf(given.sql, given.rows) }
  const others = deps.policy.types.map((t) => t.name).filter((name) => !HOUSED.has(name))
  const steward = deps.steward ?? {
    sql: deps.sql,
    policy: deps.policy,
    engines: createEngines(deps.policy),
    systems: new Map((deps.sources ?? []).map((s) => [s.name, s])),
  }
  const all = [
    createCustomerSubgraph(deps),
    createProductSubgraph(deps),
    createContractSubgraph(deps),
    createCrmSubgraph(deps),
    createBillingSubgraph(deps),
    createErpSubgraph(deps),
    createNodeSubgraph(deps),
    createChangesSubgraph({ ...deps, webhooks: deps.webhooks ?? publicWebhooks(steward.sql) }),
    createStewardshipSubgraph(steward, readersOf(steward.sql, deps.rows), deps.policies),
    createOperationsSubgraph({
      sql: steward.sql,
      sqlOf: readersOf(steward.sql, deps.rows),
      policy: deps.policy,
      rules: steward.rules ?? DEFAULT_RULES,
      connectors: deps.connectors ?? new Map(),
      levels: deps.levels,
    }),
    ...others.map((name) => goldenSubgraph(name.toLowerCase(), deps, [name])),
  ]
  const { reads } = deps
  return reads ? all.map((s) => noting(s, reads)) : all
}

/**
 * The same subgraph, noting who is shown sensitive fields, those too who are given the result of
 * another.
 */
function noting(subgraph: Subgraph, reads: Pick<AccessRecorder, 'note'>): Subgraph {
  const repeat = (to: RequestInfo, shown: readonly unknown[]) => {
    for (const s of shown as Shown[]) reads.note(to, s.through, s.type, s.fields, s.id)
  }
  return {
    ...subgraph,
    context: (request) => Object.assign(subgraph.context(request), { reads }),
    ...(subgraph.sharing ? { sharing: { ...subgraph.sharing, repeat } } : {}),
  }
}

/** Who is bound to some rows reads on connections of its rights, all others on `sql`. */
function readersOf(sql: Sql, rows: RowReaders | undefined): SqlOf {
  const all = unbound(sql)
  if (!rows) return all
  return (request) => {
    const judged = rows.of(request)
    return judged ? { sql: judged, bound: true } : all(request)
  }
}
