import { setTimeout as sleep } from 'node:timers/promises'
import { Backoff } from '../../../schema/kit/backoff.ts'
import { parseNumbers } from '../../body.ts'
import { compilePath, scopeOf } from '../../mapping/path.ts'
import type { ConnectionError, RequestCounts } from '../contract.ts'
import { type Exchange, ExchangeError, type HttpAnswer } from '../request/exchange.ts'
import { type Failure, failureOf, withoutSecrets } from '../request/failure.ts'
import { byStatus, headerTime } from '../request/verdict.ts'
import type { AskToken } from './signIn.ts'

const attemptsMax = 4
const timeoutMs = 30_000
const waitMsMax = 30_000
const errorCode = compilePath('error')
const errorText = compilePath('error_description')

/** Errors of OAuth 2 (RFC 6749, 5.2) that another attempt does not change. */
const REFUSED = new Set([400, 401, 403])

export interface TokenEndpointParts {
  source: string
  exchange: Exchange
  msMin: number
  now: () => number
  counts: RequestCounts
  secrets: ReadonlySet<string>
}

/** Returns the function that asks a token endpoint; it throws ConnectionError. */
export function createTokenEndpoint(parts: TokenEndpointParts): AskToken {
  const { source, exchange, msMin, now, counts, secrets } = parts
  return async (address, form, headers) => {
    const pauses = new Backoff(msMin, waitMsMax)
    const name = {
      source,
      object: 'sign-in',
      method: 'POST',
      path: URL.canParse(address) ? new URL(address).pathname : address,
    }
    // The assertion and the refresh token are secrets too.
    const hidden = [...secrets, ...form.map(([, value]) => value), ...headers.values()]
    const fail = (failure: Failure): ConnectionError =>
      failureOf(name, { ...failure, what: withoutSecrets(failure.what, hidden) })
    if (!URL.canParse(address))
      throw fail({ verdict: 'PERMANENT', what: 'the address of the token endpoint is none' })
    for (let attempt = 1; ; attempt++) {
      let answer: HttpAnswer
      counts.requests++
      try {
        answer = await exchange.send(
          {
            method: 'POST',
            url: new URL(address),
            headers: {
              ...Object.fromEntries(headers),
              'content-type': 'application/x-www-form-urlencoded',
            },
            body: new URLSearchParams(form.map(([key, value]) => [key, value])).toString(),
          },
          AbortSignal.timeout(timeoutMs),
        )
      } catch (e) {
        if (!(e instanceof ExchangeError)) throw e
        const advice = e.again ? undefined : 'see connection: of the system'
        if (!e.again || attempt >= attemptsMax)
          throw fail({
            verdict: e.again ? 'RETRY' : 'PERMANENT',
            code: e.code,
            what: e.message,
            advice,
          })
        counts.retries++
        await sleep(pauses.next())
        continue
      }
      counts.bytes += answer.bytes
      const body = parsed(answer.text)
      const { status } = answer
      if (status >= 200 && status < 300) {
        if (body !== null && typeof body === 'object') return body
        if (attempt >= attemptsMax)
          throw fail({ verdict: 'INVALID', code: 'ANSWER_NOT_JSON', what: 'the answer is no JSON' })
        counts.retries++
        await sleep(pauses.next())
        continue
      }
      const scope = scopeOf(body)
      const said = [errorCode.first(scope), errorText.first(scope)]
        .filter((t) => typeof t === 'string')
        .map((t) => t.slice(0, 200))
        .join(': ')
      const what = `status ${status}${said === '' ? '' : ` (${said})`}`
      if (REFUSED.has(status)) throw fail({ verdict: 'SIGN_IN', what, status })
      const verdict = byStatus(status)
      const until = headerTime(answer.headers, 'retry-after', now())
      const ms = until === null ? pauses.next() : until - now()
      const again = verdict === 'RETRY' || verdict === 'WAIT'
      if (!again || attempt >= attemptsMax || ms > waitMsMax)
        throw fail({ verdict, what, status, notBefore: until })
      counts.retries++
      await sleep(ms)
    }
  }
}

function parsed(text: string): unknown {
  try {
    return parseNumbers(text)
  } catch (e) {
    if (e instanceof SyntaxError || e instanceof RangeError) return null
    throw e
  }
}
