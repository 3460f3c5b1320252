import type { GraphQLSchema } from 'graphql'
import type { ResponseCache } from '../cache/responseCache.ts'
import type { DocumentCache } from '../operation/documentCache.ts'
import type { Need } from '../operation/rights.ts'
import type { SubscriptionGroups } from '../subscriptions/subscriptionGroups.ts'
import type { CompiledOperation } from './compiledOperation.ts'
import type { GatewayContext } from './operationContext.ts'

/** Receives each admitted query and mutation once it has its response. */
export type ObserveOperation = (operation: {
  name: string | null
  type: string
  ms: number
  ok: boolean
}) => void

/** Receives each refused access; without an actor if the caller is unknown. */
export type NoteRefusal = (refusal: {
  actor: string | null
  code: string
  fields: readonly string[]
  correlationId: string
}) => void

/** Plans operations over one supergraph and executes them on its subgraphs. */
export interface Runtime {
  documents: DocumentCache<CompiledOperation>
  /** The maximal cost of one operation. */
  costMax: number
  /** The maximum duration of a query in milliseconds. */
  queryMsMax: number
  /** Names of the golden types, for operations over records of any type. */
  goldenTypes: readonly string[]
  groups: SubscriptionGroups
  cache: ResponseCache | undefined
  observe: ObserveOperation | undefined
  /** Logs an operation that was refused for lack of rights. */
  refused(request: { actor?: string; correlationId: string }, needs: readonly Need[]): void
  getEnveloped(context: GatewayContext): {
    schema: GraphQLSchema
    contextFactory(): unknown
    execute(args: object): unknown
    subscribe(args: object): unknown
  }
  /** Counts an operation that begins; returns the function that ends it. */
  use(): () => void
  /** Disposes of the runtime once its last operation has ended. */
  retire(): void
  dispose(): Promise<void>
}
