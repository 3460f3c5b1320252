import { timingSafeEqual } from 'node:crypto'
import { type CryptoKey, errors, jwtVerify } from 'jose'
import type { Clock } from '../kit/clock.ts'
import { secret } from '../kit/secret.ts'
import { type Received, Refused, type Reply } from '../kit/server.ts'
import { invalidSession, signInError } from './errors.ts'

const sessionIdleMs = 2 * 3_600_000
const assertionSecondsMax = 300
const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
const LOGIN_HOSTS = ['https://login.salesforce.com', 'https://test.salesforce.com']

export interface App {
  clientId: string
  clientSecret: string
  username: string
  publicKey: CryptoKey
  orgId: string
  userId: string
}

/** Signs an app in, and checks its sessions. A session ends when it is not used for two hours. */
export class SignIn {
  readonly #app: App
  readonly #clock: Clock
  readonly #url: () => string
  readonly #usedAt = new Map<string, number>()

  constructor(app: App, clock: Clock, url: () => string) {
    this.#app = app
    this.#clock = clock
    this.#url = url
  }

  async token(request: Received): Promise<Reply> {
    if (!request.headers['content-type']?.startsWith('application/x-www-form-urlencoded'))
      throw signInError('unsupported_grant_type', 'grant type not supported')
    const form = new URLSearchParams(request.body)
    const grant = form.get('grant_type')
    const known =
      grant === JWT_BEARER
        ? ['grant_type', 'assertion', 'format']
        : ['grant_type', 'client_id', 'client_secret', 'format']
    if ([...form.keys(), ...request.query.keys()].some((name) => !known.includes(name)))
      throw new Refused({ status: 400, body: { error: 'invalid_request' } }, true)
    if (grant === JWT_BEARER) await this.#checkAssertion(form.get('assertion') ?? '')
    else if (grant === 'client_credentials') this.#checkSecret(form)
    else throw signInError('unsupported_grant_type', 'grant type not supported')
    const { orgId, userId } = this.#app
    const token = secret(`${orgId.slice(0, 15)}!AQ`)
    this.#usedAt.set(token, this.#clock.now())
    const body = {
      access_token: token,
      scope: 'api',
      instance_url: this.#url(),
      id: `${this.#url()}/id/${orgId}/${userId}`,
      token_type: 'Bearer',
    }
    return { status: 200, body }
  }

  /** Throws unless the request carries a session that has not ended. */
  check(request: Received): void {
    const [scheme, token = ''] = (request.headers.authorization ?? '').split(' ')
    const usedAt = scheme === 'Bearer' || scheme === 'OAuth' ? this.#usedAt.get(token) : undefined
    const now = this.#clock.now()
    if (usedAt === undefined || now - usedAt > sessionIdleMs) throw new Refused(invalidSession())
    this.#usedAt.set(token, now)
  }

  async #checkAssertion(assertion: string): Promise<void> {
    const { clientId, username, publicKey } = this.#app
    const now = Math.floor(this.#clock.now() / 1000)
    try {
      const { payload } = await jwtVerify(assertion, publicKey, {
        algorithms: ['RS256'],
        audience: [...LOGIN_HOSTS, this.#url()],
        currentDate: new Date(now * 1000),
        requiredClaims: ['iss', 'sub', 'aud', 'exp'],
      })
      if (payload.iss !== clientId)
        throw signInError('invalid_client_id', 'client identifier invalid')
      if (payload.sub !== username)
        throw signInError('invalid_grant', "user hasn't approved this consumer")
      if (payload.exp! > now + assertionSecondsMax)
        throw signInError('invalid_grant', 'expiration is too far in the future')
    } catch (error) {
      if (!(error instanceof errors.JOSEError)) throw error
      const isAudience = error instanceof errors.JWTClaimValidationFailed && error.claim === 'aud'
      throw signInError(
        'invalid_grant',
        isAudience
          ? 'audience is invalid'
          : error instanceof errors.JWTExpired
            ? 'expired authorization code'
            : 'invalid assertion',
      )
    }
  }

  #checkSecret(form: URLSearchParams): void {
    if (form.get('client_id') !== this.#app.clientId)
      throw signInError('invalid_client_id', 'client identifier invalid')
    const sent = Buffer.from(form.get('client_secret') ?? '')
    const expected = Buffer.from(this.#app.clientSecret)
    if (sent.length !== expected.length || !timingSafeEqual(sent, expected))
      throw signInError('invalid_client', 'invalid client credentials')
  }
}
