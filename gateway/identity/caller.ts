import type { RequestInfo } from '../../subgraphs/contract.ts'
import { HttpError } from '../httpError.ts'

/**
 * The authenticated caller, created from credentials in one place (callers.ts) for every transport.
 */
export interface Caller extends Omit<RequestInfo, 'correlationId'> {
  actor: string
  roles: ReadonlySet<string>
  scopes: ReadonlySet<string>
  /** How it authenticated: DEVELOPMENT is the caller without credentials on this machine. */
  via: 'DEVELOPMENT' | 'TOKEN' | 'KEY' | 'GATEWAY'
  /** ms since 1970; null while the credentials have no end. */
  expiresAt: number | null
}

/** Authenticates callers. */
export interface Callers {
  /**
   * Whether who brings no credentials is the development caller. Only this machine may then be
   * listened to.
   */
  readonly open: boolean
  /** Why a request is turned away before it is read, or null. */
  refuse(
    req: import('node:http').IncomingMessage,
  ): { status: number; code: string; message: string } | null
  /**
   * Throws HttpError: 401 where the credentials do not hold, 503 where that cannot be found out at
   * present.
   */
  identify(given: Credentials): Promise<Caller>
}

/** The credentials of a request, or of the opening of a WebSocket. */
export interface Credentials {
  /** A token or an API key; null where none is given. */
  bearer: string | null
  /** Only the development caller takes a name and roles from there. */
  headers: import('node:http').IncomingHttpHeaders
}

export function unauthenticated(message: string): HttpError {
  return new HttpError(401, 'UNAUTHENTICATED', message)
}

/** A set of scopes or roles that many requests share. */
export class NameSet extends Set<string> {
  #names: string | undefined

  /** The same text for sets with the same names. */
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
