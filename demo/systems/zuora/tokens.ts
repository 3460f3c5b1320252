import type { Clock } from '../kit/clock.ts'
import { Query } from '../kit/query.ts'
import { RateLimit } from '../kit/rateLimit.ts'
import { secret } from '../kit/secret.ts'
import { type Received, Refused, type Reply } from '../kit/server.ts'
import { CATEGORY, failed } from './errors.ts'

const tokenSeconds = 3600
/** Sign-ins of one address within a minute. */
const signInsPerMinute = { windowMs: 60_000, max: 100, kind: 'sliding' } as const

/** Access tokens of the OAuth client. Each is valid for an hour. */
export class Tokens {
  readonly credentials = { clientId: secret(), clientSecret: secret() }
  readonly #ends = new Map<string, number>()
  readonly #signIns: RateLimit
  readonly #clock: Clock

  constructor(clock: Clock, limited: boolean) {
    this.#clock = clock
    this.#signIns = new RateLimit(signInsPerMinute, limited)
  }

  /** Answers `POST /oauth/token`. */
  issue(request: Received): Reply {
    const waitMs = this.#signIns.take(this.#clock.now())
    if (waitMs > 0)
      throw new Refused(
        failed(429, CATEGORY.limit, 'Request exceeded limit', {
          'retry-after': `${Math.ceil(waitMs / 1000)}`,
        }),
      )
    const type = request.headers['content-type'] ?? ''
    const form = new Query(new URLSearchParams(request.body), (name, problem) => {
      const reply = oauthError(400, 'invalid_request', `${name}: ${problem}`)
      return new Refused(reply, problem === 'unknown')
    })
    const [id, clientSecret, grant] = [
      form.text('client_id'),
      form.text('client_secret'),
      form.text('grant_type'),
    ]
    form.end()
    if (!type.startsWith('application/x-www-form-urlencoded'))
      throw new Refused(oauthError(415, 'invalid_request', 'not a form'))
    if (grant !== 'client_credentials')
      throw new Refused(oauthError(400, 'unsupported_grant_type', `${grant}`))
    if (id !== this.credentials.clientId || clientSecret !== this.credentials.clientSecret)
      throw new Refused(oauthError(401, 'invalid_client', 'Bad client credentials'))
    const token = secret()
    this.#ends.set(token, this.#clock.now() + tokenSeconds * 1000)
    return {
      status: 200,
      body: {
        access_token: token,
        token_type: 'bearer',
        expires_in: tokenSeconds - 1,
        scope: 'service.default',
        jti: secret(),
      },
    }
  }

  isValid(authorization: string | undefined): boolean {
    const [, token = ''] = /^Bearer (.+)$/i.exec(authorization ?? '') ?? []
    return (this.#ends.get(token) ?? 0) > this.#clock.now()
  }
}

const oauthError = (status: number, error: string, description: string): Reply => ({
  status,
  body: { error, error_description: description },
})
