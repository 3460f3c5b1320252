import type { RequestInfo, Subgraph } from '../../subgraphs/contract.ts'
import type { EventGate } from '../subscriptions/sharedExecution.ts'

/**
 * What one operation carries through the planner to the subgraphs that run in this process. Each subgraph's own context
 * is made once and shared by all fetches of the operation, so that its loaders batch and cache across them.
 */
export class OperationContext {
  readonly request: RequestInfo
  /** Of a subscription whose results may be shared. */
  gate: EventGate | null = null
  #contexts = new Map<string, object>()

  constructor(request: RequestInfo) {
    this.request = request
  }

  of(subgraph: Subgraph): object {
    let context = this.#contexts.get(subgraph.name)
    if (!context) {
      context = subgraph.context(this.request)
      this.#contexts.set(subgraph.name, context)
    }
    return context
  }

  /** Each event of a subscription sees the data as they are when it is delivered, not as an earlier event loaded them. */
  renew(): void {
    this.#contexts = new Map()
  }
}

/** What the gateway puts into the context of each operation; the runtime adds its own beside it. */
export interface GatewayContext {
  operation: OperationContext
  /** For headers to subgraphs that run as services. */
  correlationId: string
}
