import type { RequestInfo } from '../../subgraphs/contract.ts'
import { HttpError } from '../httpError.ts'

/**
 * The authenticated caller, created from credentials in one place (callers.ts) for every transport.
 */
export interface Caller extends Omit<RequestInfo, 'correlationId'> {
  actor: string
  roles: ReadonlySet<string>
  scopes: ReadonlySet<string>
  /**
   * How the caller authenticated. DEVELOPMENT is the caller of a server without authentication: our
   * own user, or a holder of the secret of the start.
   */
  via: 'DEVELOPMENT' | 'TOKEN' | 'KEY' | 'GATEWAY'
  /** Milliseconds since 1970; null if the credentials do not expire. */
  expiresAt: number | null
}

/** Why a request is rejected before it is read. */
export interface Refusal {
  status: number
  code: string
  message: string
}

/** Authenticates callers. */
export interface Callers {
  /** True if the server has no authentication but its secret, and may serve only this machine. */
  readonly isLocal: boolean
  /** Origins of web pages that may use the gateway, beside pages of its own host. */
  readonly origins: ReadonlySet<string>
  /** Returns why a request is rejected before it is read, or null. */
  refuse(req: import('node:http').IncomingMessage): Refusal | null
  /**
   * Throws HttpError: 401 if the credentials are invalid, 503 if they cannot be checked at present.
   */
  identify(given: Credentials): Promise<Caller>
}

/** The credentials of a request or of a WebSocket's opening. */
export interface Credentials {
  /** A token or an API key; null where none is given. */
  bearer: string | null
  /** Only the development caller takes its name and roles from the headers. */
  headers: import('node:http').IncomingHttpHeaders
  /** Their request; left out where the user who sent it is no credential. */
  request?: import('node:http').IncomingMessage | undefined
}

export function unauthenticated(message: string): HttpError {
  return new HttpError(401, 'UNAUTHENTICATED', message)
}

/** A set of scopes or roles that many requests share. */
export class NameSet extends Set<string> {
  #names: string | undefined

  /** A text that is equal for sets with equal names. */
  get names(): string {
    this.#names ??= [...this].sort().join(' ')
    return this.#names
  }
}

/** The set of all scopes or roles. */
export class All extends NameSet {
  override has(): boolean {
    return true
  }

  override get names(): string {
    return '*'
  }
}
