import { randomUUID, timingSafeEqual } from 'node:crypto'
import type { Clock } from './clock.ts'
import { type Received, Refused, type Reply } from './exchange.ts'
import { secret } from './secret.ts'

const tokenSeconds = 3599

export interface Application {
  tenantId: string
  clientId: string
  clientSecret: string
}

/** The token endpoint of a tenant of Microsoft Entra ID, and the check of its tokens. */
export class EntraSignIn {
  readonly #application: Application
  readonly #clock: Clock
  readonly #url: () => string
  readonly #endsAt = new Map<string, number>()

  constructor(application: Application, clock: Clock, url: () => string) {
    this.#application = application
    this.#clock = clock
    this.#url = url
  }

  token(tenant: string, request: Received): Reply {
    const { tenantId, clientId, clientSecret } = this.#application
    const form = new URLSearchParams(request.body)
    if (!request.headers['content-type']?.startsWith('application/x-www-form-urlencoded'))
      throw this.#error(400, 'invalid_request', 900144, 'The request body must be a form')
    for (const name of [...form.keys(), ...request.query.keys()])
      if (!['grant_type', 'client_id', 'client_secret', 'scope'].includes(name))
        throw this.#error(400, 'invalid_request', 900144, `unknown parameter ${name}`, true)
    if (tenant !== tenantId)
      throw this.#error(400, 'invalid_request', 90002, `Tenant '${tenant}' not found.`)
    if (form.get('grant_type') !== 'client_credentials')
      throw this.#error(400, 'unsupported_grant_type', 70003, 'The grant type is not supported')
    if (form.get('client_id') !== clientId)
      throw this.#error(400, 'unauthorized_client', 700016, 'The application was not found')
    const sent = Buffer.from(form.get('client_secret') ?? '')
    const expected = Buffer.from(clientSecret)
    if (sent.length !== expected.length || !timingSafeEqual(sent, expected))
      throw this.#error(401, 'invalid_client', 7000215, 'Invalid client secret provided.')
    if (form.get('scope') !== `${this.#url()}/.default`)
      throw this.#error(
        400,
        'invalid_scope',
        70011,
        `The scope '${form.get('scope')}' is not valid.`,
      )
    const token = secret('eyJ0eXAiOiJKV1Qi')
    this.#endsAt.set(token, this.#clock.now() + tokenSeconds * 1000)
    const body = {
      token_type: 'Bearer',
      expires_in: tokenSeconds,
      ext_expires_in: tokenSeconds,
      access_token: token,
    }
    return { status: 200, body }
  }

  /** Throws unless the request carries a token that has not ended. */
  check(request: Received): void {
    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? ''
    if (!((this.#endsAt.get(token) ?? 0) > this.#clock.now()))
      throw new Refused(this.unauthorized())
  }

  /** The reply to a missing or ended token: no body, but where to sign in. */
  unauthorized(): Reply {
    const authorize = `${this.#url()}/${this.#application.tenantId}/oauth2/authorize`
    const challenge = `Bearer authorization_uri=${authorize}, resource_id=${this.#url()}/`
    return { status: 401, headers: { 'www-authenticate': challenge } }
  }

  #error(status: number, error: string, code: number, text: string, unknown = false): Refused {
    const body = {
      error,
      error_description: `AADSTS${code}: ${text}`,
      error_codes: [code],
      timestamp: new Date(this.#clock.now()).toISOString(),
      trace_id: randomUUID(),
      correlation_id: randomUUID(),
    }
    return new Refused({ status, body }, unknown)
  }
}
