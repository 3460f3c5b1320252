import type { CacheableGraph } from '../../subgraphs/contract.ts'
import { type Dependencies, dependenciesOf } from '../cache/dependencies.ts'
import { type CompiledCost, compileCost } from '../limits/cost.ts'
import type { Operation } from '../operation/document.ts'
import type { GraphRights, Need } from '../operation/rights.ts'
import { type EventSelection, eventSelectionOf } from '../subscriptions/eventSelection.ts'
import type { CompiledPlan } from './compilePlan.ts'

/**
 * A valid operation with everything that its requests need and that depends on the document alone.
 */
export interface CompiledOperation {
  operation: Operation
  /** The rules that a caller has to fulfil. */
  needs: readonly Need[]
  cost: CompiledCost
  /** The records that a cached response depends on; null where it may not be cached. */
  dependencies: Dependencies | null
  /** What a subscription selects of each event; null where its results cannot be shared. */
  events: EventSelection | null
  /**
   * The query plan, made with the first execution; it resolves to null where the library executes
   * the operation.
   */
  plan: Promise<CompiledPlan | null> | null
}

/** The parts of a graph that operations are compiled against. */
export interface CompileOptions {
  rights: GraphRights
  /** Left out where responses are not cached. */
  cacheable?: CacheableGraph | undefined
  /** See the contract of subgraphs. */
  liveFields: ReadonlySet<string>
}

export function compileOperation(operation: Operation, options: CompileOptions): CompiledOperation {
  return {
    operation,
    needs: options.rights.needsOf(operation),
    cost: compileCost(operation),
    dependencies: options.cacheable ? dependenciesOf(options.cacheable, operation) : null,
    events: eventSelectionOf(operation, options.liveFields),
    plan: null,
  }
}
