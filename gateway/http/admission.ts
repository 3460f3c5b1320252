import type { ServerResponse } from 'node:http'
import { HttpError } from '../httpError.ts'
import type { Caller } from '../identity/caller.ts'
import type { ServerBounds } from '../limits/bounds.ts'
import type { CallerBounds } from '../limits/callerBounds.ts'

export type RequestKind = 'operations' | 'streams'

/** A request that counts against the bounds of the server and of its caller. */
export interface AdmittedRequest {
  /**
   * Counts a request for a stream as an operation from now on. Throws HttpError if too many are in
   * progress.
   */
  becomeOperation(): void
  /** Ends the request: for the server now, for its caller when the client has read the response. */
  end(res: ServerResponse): void
}

/** Counts GraphQL requests over HTTP that are in progress. */
export class Admission {
  readonly inProgress = { operations: 0, streams: 0 }
  readonly #bounds: ServerBounds
  readonly #callerBounds: CallerBounds

  constructor(bounds: ServerBounds, callerBounds: CallerBounds) {
    this.#bounds = bounds
    this.#callerBounds = callerBounds
  }

  /**
   * Admits a request. Streams have a bound of their own: they last long and cost little. Throws
   * HttpError 429 or 503.
   */
  admit(caller: Caller, requested: RequestKind): AdmittedRequest {
    // Requests over the caller's own bounds do not count against those of the server.
    this.#callerBounds.count(caller)
    let kind = requested
    let release = this.#callerBounds.acquire(caller, kind)
    try {
      this.#requireRoom(kind)
    } catch (e) {
      release()
      throw e
    }
    this.inProgress[kind]++
    return {
      becomeOperation: () => {
        if (kind === 'operations') return
        this.#requireRoom('operations')
        this.inProgress.streams--
        kind = 'operations'
        this.inProgress.operations++
        release()
        release = this.#callerBounds.acquire(caller, kind)
      },
      end: (res) => {
        if (res.writableLength === 0 || res.destroyed) release()
        else res.once('close', release)
        this.inProgress[kind]--
      },
    }
  }

  #requireRoom(kind: RequestKind): void {
    if (this.inProgress[kind] >= this.#bounds[`${kind}Max`])
      throw new HttpError(503, 'BUSY', 'Too many requests in progress; retry in 1 second', 1)
  }
}
