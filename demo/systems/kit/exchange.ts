import type { IncomingMessage } from 'node:http'

/** A request as it arrived, with its body read. */
export interface Received {
  method: string
  /** Without the query; still percent-encoded. */
  path: string
  query: URLSearchParams
  headers: IncomingMessage['headers']
  body: string
}

export interface Reply {
  status: number
  headers?: Record<string, string>
  /** JSON, unless it is a text. */
  body?: unknown
  /** Whether the model did not know a part of the request, and refused that part. */
  unknown?: boolean
}

/** A reply that ends the handling of a request. `unknown`: the model does not know the request. */
export class Refused extends Error {
  readonly reply: Reply
  readonly unknown: boolean
  constructor(reply: Reply, unknown = false) {
    super(`refused with status ${reply.status}`)
    this.reply = reply
    this.unknown = unknown
  }
}
