/** How many connections a server has at the same time. */
export interface ConnectionBounds {
  /** Open connections in all, those of WebSockets and event streams too. */
  connectionsMax: number
  /** Open connections of one peer on which no caller has proved who it is. */
  addressConnectionsMax: number
}

/** How much a gateway does at the same time. */
export interface ServerBounds extends ConnectionBounds {
  /** Operations over HTTP in progress; further ones are rejected with 503 and Retry-After. */
  operationsMax: number
  /** Open event streams; WebSockets are counted apart, with the same maximum. */
  streamsMax: number
  /** Memory of the bodies of operations that still arrive. */
  bodiesMegabytesMax: number
  /** Memory of responses, events and messages that clients have not read. */
  unreadMegabytesMax: number
}

export const SERVER_BOUNDS: ServerBounds = {
  operationsMax: 512,
  streamsMax: 5_000,
  connectionsMax: 20_000,
  addressConnectionsMax: 4_000,
  bodiesMegabytesMax: 64,
  unreadMegabytesMax: 256,
}

/** How large a single operation may be. */
export interface QueryBounds {
  /** Bytes of the document; values belong in variables. */
  documentBytesMax: number
  /** Tokens in the document. */
  tokensMax: number
  /** Levels of nested fields. */
  depthMax: number
  /** Aliases in the document; fragments count at each spread. */
  aliasesMax: number
  /** Selected fields; fragments count at each spread. */
  fieldsMax: number
  /** Objects that the response may hold, by the sizes of the requested pages (cost.ts). */
  costMax: number
  /** Bytes of a request body. */
  bodyBytesMax: number
  /** Milliseconds that a query may take. */
  queryMsMax: number
}
