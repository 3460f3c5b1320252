/** How much a gateway does at the same time. */
export interface ServerBounds {
  /** Operations over HTTP in progress; further ones are rejected with 503 and Retry-After. */
  operationsMax: number
  /** Open event streams; WebSockets are counted apart, with the same maximum. */
  streamsMax: number
}

export const SERVER_BOUNDS: ServerBounds = { operationsMax: 512, streamsMax: 5_000 }

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
