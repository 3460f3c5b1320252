import type { GraphQLSchema } from 'graphql'

/** True for an error of a resolver that says that the database is away for now. */
export { isTransientDatabaseError } from '../mdm/db/isTransientDatabaseError.ts'

/** Who asks and under which correlation id; made by the gateway for each operation. */
export interface RequestInfo {
  correlationId: string
  /** W3C, of the caller's span. */
  traceparent?: string | null
  /**
   * Scopes of the caller. Without authentication configured (loopback only) it is the development
   * caller, who has all.
   */
  scopes: ReadonlySet<string>
  /** The person or program that asks, for what it changes. Without it nothing can be changed. */
  actor?: string
  /** Its roles in stewardship (config/stewardship.yaml). */
  roles?: ReadonlySet<string>
  /** Regions and legal entities that it is bound to, as its token says; left out: to none. */
  regions?: readonly string[] | undefined
  legalEntities?: readonly string[] | undefined
  /**
   * Aborted once nobody waits for the operation any more: nothing is to be read for it from then
   * on.
   */
  signal?: AbortSignal | undefined
  /** Kind and name of the operation, for the record of who saw what. */
  operation?: string
  /**
   * Takes up what sensitive fields are shown, where results are shared: those who are given them
   * see the same.
   */
  shown?: unknown[]
}

/** One subgraph as the gateway composes and runs it, in its own process or as a service. */
export interface Subgraph {
  name: string
  /** Federation 2 SDL, for composition. */
  sdl: string
  schema: GraphQLSchema
  /** The context value of one operation: fresh loaders. Called once per gateway request. */
  context(request: RequestInfo): object
  /** Where subscribers with the same selection may share the results of events. */
  sharing?: Sharing
}

export interface Sharing {
  /** What makes an event the same for every subscriber; null where its result is one's own. */
  event(event: unknown): SharedEvent | null
  /**
   * Fields that are told as they are when an event is delivered, and not as of the event; whoever
   * asks may matter too.
   */
  liveFields: readonly string[]
  /** Records that somebody is given a result in which this was shown to another one. */
  repeat?(to: RequestInfo, shown: readonly unknown[]): void
}

/**
 * An event that many subscribers are given. The same selection of it under the same scopes gives
 * the same result.
 */
export interface SharedEvent {
  identity: object
  /** Later events have higher ones. */
  order: number
}

/**
 * What of the graph changes only with an event of the feed, so that an answer made of it alone is
 * good until one comes.
 */
export interface CacheableGraph {
  /** Golden types: an event names one, and the id of the record that changed. */
  types: ReadonlySet<string>
  /** `Type.field` of all that is known from golden records in force. */
  fields: ReadonlySet<string>
  /** Input types by which a list is filtered by data that changes without an event. */
  volatileInputs: ReadonlySet<string>
}
