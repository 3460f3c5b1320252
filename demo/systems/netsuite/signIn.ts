import { type CryptoKey, decodeProtectedHeader, errors, jwtVerify } from 'jose'
import type { Clock } from '../kit/clock.ts'
import { secret } from '../kit/secret.ts'
import { type Received, Refused, type Reply } from '../kit/server.ts'
import { invalidLogin } from './errors.ts'

export const tokenPath = '/services/rest/auth/oauth2/v1/token'
const tokenSeconds = 3600
const assertionSecondsMax = 3600
const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
const ALGORITHMS = ['PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512']

export interface Integration {
  accountId: string
  clientId: string
  certificateId: string
  publicKey: CryptoKey
}

/** Client credentials with a certificate, and the check of the tokens that they give. */
export class SignIn {
  readonly #integration: Integration
  readonly #clock: Clock
  readonly #url: () => string
  readonly #endsAt = new Map<string, number>()

  constructor(integration: Integration, clock: Clock, url: () => string) {
    this.#integration = integration
    this.#clock = clock
    this.#url = url
  }

  async token(request: Received): Promise<Reply> {
    const form = new URLSearchParams(request.body)
    const known = ['grant_type', 'client_assertion_type', 'client_assertion']
    if (!request.headers['content-type']?.startsWith('application/x-www-form-urlencoded'))
      throw refused('invalid_request')
    if ([...form.keys(), ...request.query.keys()].some((name) => !known.includes(name)))
      throw refused('invalid_request', true)
    if (form.get('grant_type') !== 'client_credentials') throw refused('unsupported_grant_type')
    if (form.get('client_assertion_type') !== ASSERTION_TYPE) throw refused('invalid_request')
    await this.#check(form.get('client_assertion') ?? '')
    const token = secret('eyJraWQiOi')
    this.#endsAt.set(token, this.#clock.now() + tokenSeconds * 1000)
    const body = { access_token: token, expires_in: String(tokenSeconds), token_type: 'bearer' }
    return { status: 200, body }
  }

  /** Throws unless the request carries a token that has not ended. */
  check(request: Received): void {
    const token = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? ''
    if (!((this.#endsAt.get(token) ?? 0) > this.#clock.now())) throw new Refused(invalidLogin())
  }

  async #check(assertion: string): Promise<void> {
    const { accountId, clientId, certificateId, publicKey } = this.#integration
    const now = Math.floor(this.#clock.now() / 1000)
    const host = accountId.toLowerCase().replace('_', '-')
    try {
      if (decodeProtectedHeader(assertion).kid !== certificateId) throw refused('invalid_client')
      const { payload } = await jwtVerify(assertion, publicKey, {
        algorithms: ALGORITHMS,
        issuer: clientId,
        audience: [
          `https://${host}.suitetalk.api.netsuite.com${tokenPath}`,
          `${this.#url()}${tokenPath}`,
        ],
        currentDate: new Date(now * 1000),
        requiredClaims: ['iss', 'aud', 'iat', 'exp', 'scope'],
      })
      const scopes = [payload.scope].flat()
      if (!scopes.includes('rest_webservices')) throw refused('invalid_scope')
      if (payload.exp! - payload.iat! > assertionSecondsMax) throw refused('invalid_grant')
    } catch (error) {
      if (error instanceof errors.JOSEError || error instanceof TypeError)
        throw refused('invalid_grant')
      throw error
    }
  }
}

const refused = (error: string, unknown = false) =>
  new Refused({ status: error === 'invalid_client' ? 401 : 400, body: { error } }, unknown)
