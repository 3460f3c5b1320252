import type { CacheableGraph } from '../../subgraphs/contract.ts'
import { type Dependencies, dependenciesOf } from '../cache/dependencies.ts'
import { type CompiledCost, compileCost, type ListSizes } from '../limits/cost.ts'
import type { Operation } from '../operation/document.ts'
import type { GraphRights, Need } from '../operation/rights.ts'
import { type EventSelection, eventSelectionOf } from '../subscriptions/eventSelection.ts'
import { isResumable } from '../subscriptions/resumeAfter.ts'
import type { CompiledPlan } from './compilePlan.ts'

/**
 * A valid operation with everything that its requests need and that depends on the document alone.
 */
export interface CompiledOperation {
  operation: Operation
  /** The rules that a caller has to fulfil. */
  needs: readonly Need[]
  cost: CompiledCost
  /** The records that a cached response depends on; null if it may not be cached. */
  dependencies: Dependencies | null
  /** The selection of a subscription on each event; null if its results cannot be shared. */
  events: EventSelection | null
  /** True for a subscription that can resume after a cursor. */
  resumable: boolean
  /**
   * The query plan, created by the first execution. It resolves to null if the library executes the
   * operation.
   */
  plan: Promise<CompiledPlan | null> | null
}

/** The parts of a graph that operations are compiled against. */
export interface CompileOptions {
  rights: GraphRights
  /** Left out if responses are not cached. */
  cacheable?: CacheableGraph | undefined
  /** Sizes of lists that own subgraphs return. */
  listSizes?: ListSizes
  /** Defined in the contract of subgraphs. */
  liveFields: ReadonlySet<string>
}

export function compileOperation(operation: Operation, options: CompileOptions): CompiledOperation {
  return {
    operation,
    needs: options.rights.needsOf(operation),
    cost: compileCost(operation, options.listSizes),
    dependencies: options.cacheable ? dependenciesOf(options.cacheable, operation) : null,
    events: eventSelectionOf(operation, options.liveFields),
    resumable: isResumable(operation),
    plan: null,
  }
}
