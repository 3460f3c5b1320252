import type { Received } from '../kit/exchange.ts'
import { Refused } from '../kit/exchange.ts'
import { secret } from '../kit/secret.ts'
import { noScope, refused, tokenExpired, unauthenticated, unknown } from './errors.ts'

export type Scope = 'read' | 'write'

const authorization = /^Token token="([^"]*)", account="([^"]*)"$/

/** The token of an account, and who may do what with it. */
export class Access {
  readonly account: string
  #token = secret('fbk_')
  #scopes: ReadonlySet<Scope> = new Set<Scope>(['read', 'write'])
  readonly #replaced = new Set<string>()

  constructor(account: string) {
    this.account = account
  }

  get token(): string {
    return this.#token
  }

  replaceToken(): string {
    this.#replaced.add(this.#token)
    this.#token = secret('fbk_')
    return this.#token
  }

  setScopes(scopes: readonly Scope[]): void {
    this.#scopes = new Set(scopes)
  }

  /** Throws `Refused` unless the request has the token of the account. */
  authenticate({ headers }: Received): void {
    if (headers.authorization === undefined) throw new Refused(unauthenticated)
    const match = authorization.exec(headers.authorization)
    if (!match) throw new Refused(unauthenticated, true)
    const [, token = '', account] = match
    if (account === this.account && this.#replaced.has(token)) throw new Refused(tokenExpired)
    if (account !== this.account || token !== this.#token) throw new Refused(unauthenticated)
  }

  demand(scope: Scope): void {
    if (!this.#scopes.has(scope)) throw new Refused(noScope)
  }
}

const accepted: ReadonlySet<string> = new Set(['*/*', 'application/json'])
const jsonType = /^application\/json(?:; *charset=utf-8)?$/i

/** Refuses values of headers, and headers with a meaning elsewhere, that the reference does not name. */
export function checkHeaders({ method, headers }: Received): void {
  const { accept, 'content-type': type } = headers
  if (accept !== undefined && !accepted.has(accept))
    throw unknown(406, 'not_acceptable', 'Only JSON is available', 'Accept')
  const isWrite = method === 'POST' || method === 'PATCH'
  if (isWrite && (type === undefined || !jsonType.test(type)))
    throw unknown(415, 'unsupported_media', 'The body must be JSON', 'Content-Type')
  for (const name of ['if-none-match', 'if-modified-since', 'if-unmodified-since'])
    if (Object.hasOwn(headers, name)) throw unknown(400, 'bad_header', 'Is not supported', name)
  if (method !== 'PATCH' && headers['if-match'] !== undefined)
    throw unknown(400, 'bad_header', 'Is for PATCH only', 'If-Match')
  if (method !== 'POST' && headers['idempotency-key'] !== undefined)
    throw unknown(400, 'bad_header', 'Is for POST only', 'Idempotency-Key')
}

/** Returns the revision that a change expects. */
export function expectedRevision({ headers }: Received): number {
  const match = headers['if-match']
  if (match === undefined)
    throw refused(428, 'match_required', 'A change needs the revision', { field: 'If-Match' })
  const [, revision] = /^"([1-9]\d{0,14})"$/.exec(match) ?? []
  if (revision === undefined)
    throw unknown(400, 'bad_header', 'Must be one revision in double quotes', 'If-Match')
  return Number(revision)
}

/** Returns the idempotency key of a new record. */
export function idempotencyKey({ headers }: Received): string {
  const key = headers['idempotency-key']
  if (key === undefined)
    throw refused(400, 'key_required', 'A new record needs a key', { field: 'Idempotency-Key' })
  if (typeof key !== 'string' || !/^[\w-]{8,64}$/.test(key))
    throw unknown(
      400,
      'bad_header',
      'Must be 8 to 64 letters, digits, "-" and "_"',
      'Idempotency-Key',
    )
  return key
}
