import type { RequestInfo, Subgraph } from '../../subgraphs/contract.ts'
import type { SharedExecution } from '../subscriptions/sharedExecution.ts'
import type { CompiledOperation } from './compiledOperation.ts'

/**
 * The state that one request carries through the planner to the subgraphs in this process. Each
 * subgraph's own context is created once and shared by all fetches of the request, so that its
 * loaders batch and cache across them.
 */
export class OperationContext {
  readonly request: RequestInfo
  readonly compiled: CompiledOperation
  /** Set for a subscription whose results may be shared. */
  shared: SharedExecution | null = null
  /** The cursor after which a subscription begins, in place of its argument. */
  resumeAfter: string | null = null
  #contexts = new Map<string, object>()

  constructor(request: RequestInfo, compiled: CompiledOperation) {
    this.request = request
    this.compiled = compiled
  }

  contextOf(subgraph: Subgraph): object {
    let context = this.#contexts.get(subgraph.name)
    if (!context) {
      context = subgraph.context(this.request)
      this.#contexts.set(subgraph.name, context)
    }
    return context
  }

  /**
   * Starts with new contexts: each event of a subscription sees the data at the time of its
   * delivery.
   */
  renew(): void {
    this.#contexts = new Map()
  }
}

/** The gateway's entries in the context of each operation, beside the runtime's own. */
export interface GatewayContext {
  operation: OperationContext
  /** Sent as a header to subgraphs that run as services. */
  correlationId: string
}
