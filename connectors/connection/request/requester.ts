import type { IncomingHttpHeaders } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { Backoff } from '../../../schema/kit/backoff.ts'
import { parseNumbers } from '../../body.ts'
import type { Credential, CredentialCache } from '../auth/credential.ts'
import type { ConnectionError, RequestCounts, Verdict } from '../contract.ts'
import type { HttpDefinition } from '../definition/http.ts'
import type { LimitHeaders } from '../definition/limits.ts'
import type { RequestTemplate } from '../definition/request.ts'
import type { TemplateValues } from '../definition/template.ts'
import type { Limiter, Permit } from '../limits/limiter.ts'
import { type Exchange, ExchangeError, type HttpAnswer, type HttpRequest } from './exchange.ts'
import { type Failure, failureOf, type RequestName, withoutSecrets } from './failure.ts'
import { type PageMark, renderRequest } from './render.ts'
import { headerText, headerTime, type Judgement, judgeAnswer } from './verdict.ts'

/** How long and how often a request is tried. */
export interface RetryPolicy {
  /** Attempts of a request that failed and may succeed. */
  attemptsMax: number
  msMin: number
  msMax: number
  /** Waits for a limit of one request. */
  waitsMax: number
  /** A longer wait ends the run: the next one begins after it. */
  waitMsMax: number
  /** For all attempts of a request, with its waits. */
  deadlineMs: number
}

export const RETRY_DEFAULTS: RetryPolicy = {
  attemptsMax: 5,
  msMin: 500,
  msMax: 30_000,
  waitsMax: 20,
  waitMsMax: 120_000,
  deadlineMs: 900_000,
}

export interface RequesterParts {
  source: string
  http: HttpDefinition
  limitHeaders: LimitHeaders
  exchange: Exchange
  limiter: Limiter
  credentials: CredentialCache
  /** Settings without secrets. */
  settings: ReadonlyMap<string, string>
  retry: RetryPolicy
  now: () => number
  counts: RequestCounts
}

/** The thing to ask for: a request of the definition, or the address of a next page. */
export interface Ask {
  object: string
  template: RequestTemplate
  values: TemplateValues
  mark?: PageMark | null
  /** Replaces the address; method and headers stay. */
  address?: string | null
}

export interface Answered {
  body: unknown
  headers: IncomingHttpHeaders
  /** The address that was asked, for relative links. */
  url: URL
  /** Whether the answer stands for a page without rows. */
  empty: boolean
  name: RequestName
}

/** Asks a source system: sign-in, limits, retries and what an answer means. */
export class Requester {
  readonly #it: RequesterParts

  constructor(parts: RequesterParts) {
    this.#it = parts
  }

  /** Throws ConnectionError after the last attempt. */
  async ask(ask: Ask, signal: AbortSignal): Promise<Answered> {
    const { retry, counts, credentials } = this.#it
    const deadline = AbortSignal.timeout(retry.deadlineMs)
    const all = AbortSignal.any([signal, deadline])
    const pauses = new Backoff(retry.msMin, retry.msMax)
    const limitPauses = new Backoff(2 * retry.msMin, 2 * retry.msMax)
    let attempts = 0
    let waits = 0
    let signedInAgain = false
    for (;;) {
      const credential = await credentials.get()
      const outcome = await this.#attempt(ask, credential, all)
      if ('answered' in outcome) return outcome.answered
      signal.throwIfAborted()
      const { error, again, pauseMs } = outcome
      if (error.verdict === 'SIGN_IN' && !signedInAgain) {
        signedInAgain = true
        credentials.reject(credential)
        counts.retries++
        continue
      }
      if (!again || deadline.aborted) throw error
      if (error.verdict === 'WAIT') {
        const ms = pauseMs || limitPauses.next()
        if (++waits > retry.waitsMax || ms > retry.waitMsMax) throw error
        counts.waits++
        this.#it.limiter.block(ms)
        continue
      }
      if (++attempts >= retry.attemptsMax) throw error
      const ms = pauseMs ?? pauses.next()
      if (ms > retry.waitMsMax) throw error
      counts.retries++
      await sleep(ms, undefined, { signal: all }).catch(() => {
        signal.throwIfAborted()
        throw error
      })
    }
  }

  async #attempt(ask: Ask, credential: Credential, signal: AbortSignal): Promise<Outcome> {
    const { http, exchange, limiter, counts } = this.#it
    const { request, name } = this.#render(ask, credential)
    const fail = (failure: Failure, again: boolean, pauseMs: number | null = null): Outcome => ({
      error: failureOf(name, {
        ...failure,
        what: withoutSecrets(failure.what, credential.secrets),
      }),
      again,
      pauseMs,
    })
    let permit: Permit
    try {
      permit = await limiter.acquire(name.path, signal)
    } catch (e) {
      if (!signal.aborted) throw e
      return fail({ verdict: 'WAIT', what: 'no place within the limits in time' }, false)
    }
    let answer: HttpAnswer
    counts.requests++
    try {
      const attempt = AbortSignal.any([signal, AbortSignal.timeout(http.timeoutMs)])
      answer = await exchange.send(request, attempt, permit.counted)
    } catch (e) {
      if (!(e instanceof ExchangeError)) throw e
      const verdict: Verdict = e.again
        ? 'RETRY'
        : e.code === 'ANSWER_TOO_LARGE'
          ? 'INVALID'
          : 'PERMANENT'
      const advice = e.again ? undefined : 'see connection: of the system'
      return fail({ verdict, code: e.code, what: e.message, advice }, e.again)
    } finally {
      permit.release()
    }
    counts.bytes += answer.bytes
    this.#observe(answer.headers)
    const body = parseAnswer(answer)
    const judged = judgeAnswer(http, answer.status, body.value)
    if (judged.is !== 'OK' && judged.is !== 'EMPTY') return this.#refused(answer, judged, fail)
    if (body.problem !== null)
      return fail({ verdict: 'INVALID', ...body.problem, status: answer.status }, true)
    const empty = judged.is === 'EMPTY' || answer.status === 204
    return {
      answered: { body: body.value, headers: answer.headers, url: request.url, empty, name },
    }
  }

  #refused(
    { status, headers }: HttpAnswer,
    { is, code, detail, rule }: Judgement,
    fail: (failure: Failure, again: boolean, pauseMs?: number | null) => Outcome,
  ): Outcome {
    if (is === 'OK' || is === 'EMPTY') throw new Error(`${is} is no refusal`)
    const { limitHeaders, now } = this.#it
    const at = now()
    const stated = headerTime(headers, limitHeaders.after, at)
    const reset = is === 'WAIT' ? headerTime(headers, limitHeaders.reset, at) : null
    const until = stated ?? reset ?? (rule?.waitMs == null ? null : at + rule.waitMs)
    const said = [code, detail].filter((t) => t !== null).join(': ')
    const failure: Failure = {
      verdict: is,
      what: `status ${status}${said === '' ? '' : ` (${said})`}`,
      advice: rule?.help ?? undefined,
      status,
      notBefore: until,
    }
    const pauseMs = until === null ? null : Math.max(0, until - at)
    return fail(failure, is === 'RETRY' || is === 'WAIT', pauseMs)
  }

  /** Holds requests back where an answer says that nothing is left. */
  #observe(headers: IncomingHttpHeaders): void {
    const { limitHeaders, limiter, now, retry } = this.#it
    if (limitHeaders.remaining === null || limitHeaders.reset === null) return
    const remaining = headerText(headers, limitHeaders.remaining)
    if (remaining === undefined || Number(remaining) > 0) return
    const at = now()
    const reset = headerTime(headers, limitHeaders.reset, at)
    if (reset !== null && reset > at) limiter.block(Math.min(reset - at, retry.waitMsMax))
  }

  #render(ask: Ask, credential: Credential): { request: HttpRequest; name: RequestName } {
    const { http, settings, source } = this.#it
    const values: TemplateValues = {
      get: (key) => settings.get(key) ?? credential.values.get(key) ?? ask.values.get(key),
      times: ask.values.times,
    }
    const base = http.base.render(values) ?? ''
    const isPlain = (key: string) => settings.has(key) || credential.values.has(key)
    const request = renderRequest(ask.template, { base, isPlain }, values, ask.mark)
    if (ask.address) request.url = new URL(ask.address)
    const headers = new Map<string, string>()
    for (const [key, template] of http.headers) {
      const value = template.render(values)
      if (value !== null) headers.set(key, value)
    }
    for (const [key, value] of Object.entries(request.headers)) headers.set(key, value)
    for (const [key, value] of credential.headers) headers.set(key, value)
    const basePath = new URL(base).pathname.replace(/\/$/, '')
    const { pathname } = request.url
    return {
      request: { ...request, headers: Object.fromEntries(headers) },
      name: {
        source,
        object: ask.object,
        method: request.method,
        path: pathname.startsWith(`${basePath}/`) ? pathname.slice(basePath.length) : pathname,
      },
    }
  }
}

type Outcome =
  | { answered: Answered }
  | { error: ConnectionError; again: boolean; pauseMs: number | null }

/** Parses an answer; one without a body is null. The text is never quoted: it may hold data. */
function parseAnswer({ text, status }: HttpAnswer): {
  value: unknown
  problem: { code: string; what: string } | null
} {
  if (text.trim() === '') return { value: null, problem: null }
  try {
    return { value: parseNumbers(text), problem: null }
  } catch {
    const form = text.trimStart().startsWith('<') ? 'HTML or XML' : 'no valid JSON'
    const what = `the answer with status ${status} is ${form}`
    return { value: null, problem: { code: 'ANSWER_NOT_JSON', what } }
  }
}
