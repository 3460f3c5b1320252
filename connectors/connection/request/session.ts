import type { IncomingHttpHeaders } from 'node:http'
import type { Credential } from '../auth/credential.ts'
import type { RequestTemplate } from '../definition/request.ts'
import type { SessionDefinition } from '../definition/session.ts'
import { failureOf, type RequestName } from './failure.ts'
import { headerText } from './verdict.ts'

/** Headers that a write carries beside those of the sign-in. */
export interface Session {
  credential: Credential
  headers: ReadonlyMap<string, string>
  endsAt: number
}

/** Sends the request that opens a session. Throws ConnectionError. */
type OpenSession = (
  request: RequestTemplate,
) => Promise<{ headers: IncomingHttpHeaders; name: RequestName }>

/** Opens a session for the writes of a credential: one at a time, however many need it. */
export class SessionCache {
  readonly #definition: SessionDefinition
  readonly #now: () => number
  readonly #ask: OpenSession
  #current: Session | null = null
  #running: Promise<Session> | null = null

  constructor(definition: SessionDefinition, now: () => number, ask: OpenSession) {
    this.#definition = definition
    this.#now = now
    this.#ask = ask
  }

  /** It serves all who wait, so none of them can abort it. Throws ConnectionError. */
  async get(credential: Credential): Promise<Session> {
    const current = this.#current
    // Another sign-in has another session.
    if (current?.credential === credential && this.#now() < current.endsAt) return current
    this.#running ??= this.#open(credential).finally(() => {
      this.#running = null
    })
    return await this.#running
  }

  reject(session: Session): void {
    if (this.#current === session) this.#current = null
  }

  /** Returns whether an answer asks for a new session. The write was not done. */
  isRefused(status: number, headers: IncomingHttpHeaders): boolean {
    const { refused } = this.#definition
    return (
      status === refused.status &&
      headerText(headers, refused.header)?.toLowerCase() === refused.equals
    )
  }

  async #open(credential: Credential): Promise<Session> {
    const { request, take, lifetimeMs } = this.#definition
    const began = this.#now()
    const { headers, name } = await this.#ask(request)
    const sent = new Map<string, string>()
    for (const header of take) {
      const value = headerText(headers, header)
      if (value === undefined)
        throw failureOf(name, {
          verdict: 'INVALID',
          code: 'SESSION_MISSING',
          what: `the answer has no header ${header}, which each write must carry`,
        })
      sent.set(header, value)
    }
    // A token without its cookies is refused by the next server behind a load balancer.
    const cookies = (headers['set-cookie'] ?? []).flatMap((text) => text.split(';').slice(0, 1))
    if (cookies.length > 0) sent.set('cookie', cookies.join('; '))
    this.#current = { credential, headers: sent, endsAt: began + lifetimeMs }
    return this.#current
  }
}
