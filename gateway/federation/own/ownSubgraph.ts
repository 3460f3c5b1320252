/** How a subgraph of the installation learns who calls. */
export type CallerProof =
  | { kind: 'NONE' }
  /** The token that the caller sent. API keys are never forwarded. */
  | { kind: 'TOKEN' }
  /** A token of the gateway that names the caller, signed with a secret of this subgraph. */
  | { kind: 'SIGNED'; secret: string }

/** How much the gateway takes from a subgraph, and how long it waits. */
export interface OwnBounds {
  timeoutMs: number
  /** Bytes of one response. */
  responseBytesMax: number
  /** Items of one list in a response. */
  itemsMax: number
  /** Requests in progress; further ones fail at once. */
  requestsMax: number
}

/**
 * A subgraph that the installation adds to the graph: a service in any GraphQL server that knows
 * Apollo Federation 2.
 */
export interface OwnSubgraph {
  name: string
  url: string
  /** The federation schema that composition uses. */
  sdl: string
  /** Sent with each request. Values may be secrets, so they are never logged. */
  headers: ReadonlyMap<string, string>
  caller: CallerProof
  bounds: OwnBounds
}

/** Receives the outcome of each request to a subgraph; null for a response. */
export type NoteOutcome = (subgraph: string, failure: string | null) => void
