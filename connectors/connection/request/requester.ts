import type { IncomingHttpHeaders } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { Backoff } from '../../../schema/kit/backoff.ts'
import { parseNumbers } from '../../body.ts'
import type { Credential, CredentialCache } from '../auth/credential.ts'
import { ConnectionError, type Outcome, type RequestCounts, type Verdict } from '../contract.ts'
import type { AnswerMeaning, ErrorRule, HttpDefinition } from '../definition/http.ts'
import type { LimitHeaders } from '../definition/limits.ts'
import type { RequestTemplate } from '../definition/request.ts'
import { SERVICE, type SessionDefinition } from '../definition/session.ts'
import type { TemplateValues } from '../definition/template.ts'
import type { Limiter, Permit } from '../limits/limiter.ts'
import { type Exchange, ExchangeError, type HttpAnswer, type HttpRequest } from './exchange.ts'
import {
  type Failure,
  failureOf,
  type RequestName,
  withoutSecrets,
  withUnknownOutcome,
} from './failure.ts'
import { type PageMark, renderRequest } from './render.ts'
import type { ResultFile } from './resultFile.ts'
import { type Session, SessionCache } from './session.ts'
import type { SystemClock } from './systemClock.ts'
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

/** For all attempts of a request whose answer goes into a file. */
const fileMsMax = 6 * 3_600_000

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
  clock: SystemClock
  credentials: CredentialCache
  /** The session that a write needs; null for a system without one. */
  session: SessionDefinition | null
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
  /** Given for a request that changes the system. */
  write?: WriteAttempts
  /** What the answer means, where it is not that of `http:`. */
  meaning?: AnswerMeaning
  /** The headers of the answer are wanted alone: its body may have any form. */
  headersOnly?: boolean
  /** The answer is a text, and no JSON. */
  as?: 'text'
  /** Takes the body of an answer that may be too large for memory; then the answer has none. */
  file?: ResultFile
}

/** How often a write is tried. */
export interface WriteAttempts {
  /** Whether an attempt that may have been applied is repeated: a repetition changes nothing. */
  repeat: boolean
  /** No attempt begins later than so many milliseconds after the first. */
  againMsMax: number
}

export interface Answered {
  status: number
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
  readonly #session: SessionCache | null

  constructor(parts: RequesterParts) {
    this.#it = parts
    const { session } = parts
    const ask = (template: RequestTemplate, service: string) => {
      const get = (name: string) => (name === SERVICE ? service : undefined)
      const values = { get, times: { text: 'iso', zone: 'UTC' } }
      const { signal } = new AbortController()
      return this.ask({ object: 'session', template, values, headersOnly: true }, signal)
    }
    this.#session = session && new SessionCache(session, parts.now, ask)
  }

  /**
   * Throws ConnectionError after the last attempt. That of a write has the outcome UNKNOWN as soon
   * as one of its attempts may have been applied.
   */
  async ask(ask: Ask, signal: AbortSignal): Promise<Answered> {
    const state = { mayBeApplied: false }
    try {
      return await this.#attempts(ask, signal, state)
    } catch (e) {
      throw e instanceof ConnectionError && state.mayBeApplied ? withUnknownOutcome(e) : e
    }
  }

  async #attempts(
    ask: Ask,
    signal: AbortSignal,
    state: { mayBeApplied: boolean },
  ): Promise<Answered> {
    const { retry, counts, credentials } = this.#it
    const began = performance.now()
    const deadline = AbortSignal.timeout(ask.file ? fileMsMax : retry.deadlineMs)
    const all = AbortSignal.any([signal, deadline])
    const pauses = new Backoff(retry.msMin, retry.msMax)
    const limitPauses = new Backoff(2 * retry.msMin, 2 * retry.msMax)
    let attempts = 0
    let waits = 0
    let signedInAgain = false
    let sessionAgain = false
    /** Returns whether another attempt may begin after a pause. */
    const inTime = (ms: number) =>
      !ask.write || performance.now() - began + ms <= ask.write.againMsMax
    for (;;) {
      const credential = await credentials.get()
      const session = ask.write ? await this.#sessionFor(ask, credential) : null
      const result = await this.#attempt(ask, credential, session, all)
      if ('answered' in result) return result.answered
      const { error, again, pauseMs } = result
      // How far a write came is more than that it was stopped.
      if (!ask.write) signal.throwIfAborted()
      else if (error.outcome === 'UNKNOWN') state.mayBeApplied = true
      if (signal.aborted || (error.outcome === 'UNKNOWN' && !ask.write?.repeat)) throw error
      if (result.sessionRefused && !sessionAgain) {
        sessionAgain = true
        if (session) this.#session?.reject(session)
        counts.retries++
        continue
      }
      if (error.verdict === 'SIGN_IN' && !signedInAgain) {
        signedInAgain = true
        credentials.reject(credential)
        counts.retries++
        continue
      }
      if (!again || deadline.aborted) throw error
      if (error.verdict === 'WAIT') {
        const ms = pauseMs || limitPauses.next()
        if (++waits > retry.waitsMax || ms > retry.waitMsMax || !inTime(ms)) throw error
        counts.waits++
        this.#it.limiter.block(ms)
        continue
      }
      if (++attempts >= retry.attemptsMax) throw error
      const ms = pauseMs ?? pauses.next()
      if (ms > retry.waitMsMax || !inTime(ms)) throw error
      counts.retries++
      await sleep(ms, undefined, { signal: all }).catch(() => {
        if (!ask.write) signal.throwIfAborted()
        throw error
      })
    }
  }

  async #sessionFor(ask: Ask, credential: Credential): Promise<Session | null> {
    if (!this.#session) return null
    const { name } = this.#render(ask, credential, null)
    return await this.#session.get(credential, name.path)
  }

  async #attempt(
    ask: Ask,
    credential: Credential,
    session: Session | null,
    signal: AbortSignal,
  ): Promise<Attempt> {
    const { http, exchange, limiter, counts } = this.#it
    const { request, name } = this.#render(ask, credential, session)
    const fail: Fail = (failure, again, pauseMs = null) => ({
      error: failureOf(name, {
        ...failure,
        outcome: ask.write ? (failure.outcome ?? 'NOT_APPLIED') : 'NOT_APPLIED',
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
      answer = ask.file
        ? await exchange.download(request, signal, ask.file, http.timeoutMs, permit.counted)
        : await exchange.send(
            request,
            AbortSignal.any([signal, AbortSignal.timeout(http.timeoutMs)]),
            permit.counted,
          )
    } catch (e) {
      if (!(e instanceof ExchangeError)) throw e
      const verdict: Verdict = e.again
        ? 'RETRY'
        : e.code === 'ANSWER_TOO_LARGE'
          ? 'INVALID'
          : 'PERMANENT'
      const advice = e.again ? undefined : 'see connection: of the system'
      const outcome: Outcome = e.sent ? 'UNKNOWN' : 'NOT_APPLIED'
      return fail({ verdict, code: e.code, what: e.message, advice, outcome }, e.again)
    } finally {
      permit.release()
    }
    counts.bytes += answer.bytes
    this.#it.clock.observe(answer.headers.date, this.#it.now())
    this.#observe(answer.headers)
    const { status, headers } = answer
    const isText = ask.as === 'text' && answer.status < 400
    const body = isText ? { value: answer.text, problem: null } : parseAnswer(answer)
    const judged = judgeAnswer(ask.meaning ?? http, status, body.value)
    if (judged.is !== 'OK' && judged.is !== 'EMPTY') {
      const sessionRefused = session !== null && this.#session?.isRefused(status, headers) === true
      return { ...this.#refused(answer, judged, fail), sessionRefused }
    }
    if (body.problem !== null && !ask.headersOnly)
      return fail({ verdict: 'INVALID', ...body.problem, status, outcome: 'UNKNOWN' }, true)
    const empty = judged.is === 'EMPTY' || status === 204
    return { answered: { status, body: body.value, headers, url: request.url, empty, name } }
  }

  #refused(
    { status, headers }: HttpAnswer,
    { is, code, detail, waitMs, rule }: Judgement,
    fail: Fail,
  ): FailedAttempt {
    if (is === 'OK' || is === 'EMPTY') throw new Error(`${is} is no refusal`)
    const { limitHeaders, now } = this.#it
    const at = now()
    const later = (ms: number | null) => (ms === null ? null : at + ms)
    const stated = headerTime(headers, limitHeaders.after, at)
    const reset = is === 'WAIT' ? headerTime(headers, limitHeaders.reset, at) : null
    const until = stated ?? later(waitMs) ?? reset ?? later(rule?.waitMs ?? null)
    const said = [code, detail].filter((t) => t !== null).join(': ')
    const failure: Failure = {
      verdict: is,
      what: `status ${status}${said === '' ? '' : ` (${said})`}`,
      advice: rule?.help ?? undefined,
      status,
      notBefore: until,
      outcome: mayBeApplied(is, status, rule) ? 'UNKNOWN' : 'NOT_APPLIED',
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

  #render(
    ask: Ask,
    credential: Credential,
    session: Session | null,
  ): { request: HttpRequest; name: RequestName } {
    const { http, settings, source } = this.#it
    const values: TemplateValues = {
      ...ask.values,
      get: (key) => settings.get(key) ?? credential.values.get(key) ?? ask.values.get(key),
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
    for (const [key, value] of session?.headers ?? []) headers.set(key, value)
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

interface FailedAttempt {
  error: ConnectionError
  again: boolean
  pauseMs: number | null
  sessionRefused?: boolean
}
type Attempt = { answered: Answered } | FailedAttempt
type Fail = (failure: Failure, again: boolean, pauseMs?: number | null) => FailedAttempt

/** Returns whether a request with this answer may have been applied. */
function mayBeApplied(is: Verdict, status: number, rule: ErrorRule | null): boolean {
  if (rule?.applied) return rule.applied === 'maybe'
  return (is === 'RETRY' || is === 'INVALID') && (status >= 500 || status === 408)
}

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
