import type { IncomingHttpHeaders } from 'node:http'
import type { Credential } from '../auth/credential.ts'
import type { RequestTemplate } from '../definition/request.ts'
import { SERVICE, type SessionDefinition } from '../definition/session.ts'
import { failureOf, type RequestName } from './failure.ts'
import { headerText } from './verdict.ts'

/** Headers that a write carries beside those of the sign-in. */
export interface Session {
  credential: Credential
  headers: ReadonlyMap<string, string>
  endsAt: number
}

/** Sends the request that opens a session for a service. Throws ConnectionError. */
type OpenSession = (
  request: RequestTemplate,
  service: string,
) => Promise<{ headers: IncomingHttpHeaders; name: RequestName }>

/** Opens a session for the writes of a credential to a service: one at a time, however many need it. */
export class SessionCache {
  readonly #definition: SessionDefinition
  readonly #now: () => number
  readonly #ask: OpenSession
  readonly #isOfService: boolean
  /** By service; one for all where the request does not name it. Paths of a definition bound them. */
  readonly #current = new Map<string, Session>()
  readonly #running = new Map<string, Promise<Session>>()

  constructor(definition: SessionDefinition, now: () => number, ask: OpenSession) {
    this.#definition = definition
    this.#now = now
    this.#ask = ask
    this.#isOfService = definition.request.path.names.has(SERVICE)
  }

  /**
   * Returns the session for a path below the base of the system. It serves all who wait, so none of
   * them can abort it. Throws ConnectionError.
   */
  async get(credential: Credential, path: string): Promise<Session> {
    const service = this.#isOfService ? (path.split('/')[1] ?? '') : ''
    const current = this.#current.get(service)
    // Another sign-in has another session.
    if (current?.credential === credential && this.#now() < current.endsAt) return current
    const running = this.#running.get(service)
    if (running) return await running
    const opening = this.#open(credential, service).finally(() => this.#running.delete(service))
    this.#running.set(service, opening)
    return await opening
  }

  reject(session: Session): void {
    for (const [service, current] of this.#current)
      if (current === session) this.#current.delete(service)
  }

  /** Returns whether an answer asks for a new session. The write was not done. */
  isRefused(status: number, headers: IncomingHttpHeaders): boolean {
    const { refused } = this.#definition
    return (
      status === refused.status &&
      headerText(headers, refused.header)?.toLowerCase() === refused.equals
    )
  }

  async #open(credential: Credential, service: string): Promise<Session> {
    const { request, take, lifetimeMs } = this.#definition
    const began = this.#now()
    const { headers, name } = await this.#ask(request, service)
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
    const session = { credential, headers: sent, endsAt: began + lifetimeMs }
    this.#current.set(service, session)
    return session
  }
}
