import type { GraphQLSchema } from 'graphql'

/** Returns true for a resolver's error that means that the database is temporarily unavailable. */
export { isTransientDatabaseError } from '../mdm/db/isTransientDatabaseError.ts'

/** The caller and the correlation id of an operation. The gateway creates it for each operation. */
export interface RequestInfo {
  correlationId: string
  /** The W3C trace context of the caller's span. */
  traceparent?: string | null
  /**
   * Scopes of the caller. Without authentication (loopback only), the development caller has all
   * scopes.
   */
  scopes: ReadonlySet<string>
  /** The person or program that makes changes. Without it no changes are allowed. */
  actor?: string
  /** Its roles in stewardship (config/stewardship.yaml). */
  roles?: ReadonlySet<string>
  /**
   * Regions and legal entities that the token binds the caller to. Left out: the caller is not
   * bound.
   */
  regions?: readonly string[] | undefined
  legalEntities?: readonly string[] | undefined
  /**
   * The token that the caller sent, for own subgraphs that are configured to receive it. Never
   * logged.
   */
  bearer?: string
  /** Aborted once no client waits for the operation: no further reads start for it. */
  signal?: AbortSignal | undefined
  /** Kind and name of the operation, for the record of sensitive access. */
  operation?: string
  /**
   * Collects the sensitive fields that were shown, if results are shared: callers who receive a
   * shared result see the same fields.
   */
  shown?: unknown[]
}

/** One subgraph as the gateway composes and runs it, in its own process or as a service. */
export interface Subgraph {
  name: string
  /** Federation 2 SDL for composition. */
  sdl: string
  schema: GraphQLSchema
  /** Creates the context of one operation, with fresh loaders. Called once per gateway request. */
  context(request: RequestInfo): object
  /** Set if subscribers with the same selection may share the results of events. */
  sharing?: Sharing
}

export interface Sharing {
  /**
   * Returns the identity of an event for all subscribers, or null if its result belongs to one
   * subscriber.
   */
  event(event: unknown): SharedEvent | null
  /**
   * Fields with the value at the time of delivery, and not that of the event. They may also depend
   * on the caller.
   */
  liveFields: readonly string[]
  /** Returns the cursor to resume after an event, or null if there is none. */
  cursor?(event: unknown): string | null
  /** Records that a caller received a shared result with these sensitive fields. */
  repeat?(to: RequestInfo, shown: readonly unknown[]): void
}

/**
 * An event that many subscribers receive. Equal selections under equal scopes produce equal
 * results.
 */
export interface SharedEvent {
  identity: object
  /** Later events have higher numbers. */
  order: number
}

/**
 * The part of the graph that changes only with an event of the feed. A response from it alone is
 * valid until an event arrives.
 */
export interface CacheableGraph {
  /** Golden types. An event names one, and the id of the changed record. */
  types: ReadonlySet<string>
  /** `Type.field` of every field that depends on active golden records only. */
  fields: ReadonlySet<string>
  /** `Type.field` of references that a change of any record of their type can change. */
  wholeTypes: ReadonlySet<string>
  /** Input types that filter a list by data that changes without an event. */
  volatileInputs: ReadonlySet<string>
}
