import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { rootCertificates } from 'node:tls'
import { connectionFailure } from '../../schema/kit/connectionFailure.ts'
import { guardedLookup, type Resolve } from '../../schema/kit/guardedLookup.ts'
import { isReachable } from '../../schema/kit/networkAddress.ts'
import { checkedUrl, type Reach } from './url.ts'

/** Outcome of one attempt. */
export interface Answer {
  /** HTTP status; null if there was no response. */
  status: number | null
  /** Why it failed; null if the status is enough. */
  error: string | null
  /** The beginning of the response body. */
  response: string | null
  retryAfter: string | undefined
  durationMs: number
}

export interface Poster {
  /** Never throws: a failure is an outcome. */
  post(
    url: string,
    headers: Record<string, string>,
    body: string,
    signal?: AbortSignal,
  ): Promise<Answer>
  close(): void
}

export interface PosterOptions {
  reach: Reach
  /**
   * Timeout of the whole attempt, from the name's resolution to the end of the response headers.
   */
  timeoutMs: number
  /** Certificate authorities (PEM) trusted beside those of Node. */
  authorities?: readonly string[] | undefined
  /** Replaces the system's resolver. */
  resolve?: Resolve | undefined
}

/**
 * Bytes of a response that are read, so that its connection can be reused; beyond them it is
 * closed.
 */
const responseBytesMax = 65_536
const responseKeptBytesMax = 1_024
const headerBytesMax = 16_384
const socketsPerHostMax = 16
const idleMsMax = 15_000

/**
 * Creates the sender of webhooks. The address is checked at connection time: the checked address is
 * the one that is connected to, so a name that changes between check and connection (DNS rebinding)
 * gains nothing. Redirects are not followed: a 3xx response is a failure.
 */
export function createPoster({ reach, timeoutMs, authorities, resolve }: PosterOptions): Poster {
  const lookup = guardedLookup((address) => isReachable(address, reach.networks), resolve)
  const keep = { keepAlive: true, maxSockets: socketsPerHostMax, timeout: idleMsMax, lookup }
  const trusted = authorities ? { ca: [...rootCertificates, ...authorities] } : {}
  const agents = { 'http:': new HttpAgent(keep), 'https:': new HttpsAgent({ ...keep, ...trusted }) }

  async function post(
    address: string,
    headers: Record<string, string>,
    body: string,
    stop?: AbortSignal,
  ): Promise<Answer> {
    const began = performance.now()
    const failed = (error: string): Answer => ({
      status: null,
      error: error.slice(0, 300),
      response: null,
      retryAfter: undefined,
      durationMs: Math.round(performance.now() - began),
    })
    const timeout = AbortSignal.timeout(timeoutMs)
    const signal = stop ? AbortSignal.any([stop, timeout]) : timeout
    try {
      // A number in place of a name is never looked up, so it is checked here.
      const url = checkedUrl(address, reach)
      for (let again = false; ; again = true) {
        const sent = await send(url, agents, headers, body, signal)
        if ('failure' in sent) {
          // The endpoint closed an idle connection while it was reused; that is no failure of the
          // endpoint.
          if (sent.reused && !again && !signal.aborted) continue
          return failed(timeout.aborted ? `no answer within ${timeoutMs} ms` : sent.failure)
        }
        const response = await beginning(sent.res)
        const status = sent.res.statusCode ?? 0
        const redirect = status >= 300 && status < 400 ? 'redirects are not followed' : null
        const retryAfter = sent.res.headers['retry-after']
        return {
          status,
          error: redirect,
          response,
          retryAfter,
          durationMs: Math.round(performance.now() - began),
        }
      }
    } catch (e) {
      return failed(e instanceof Error ? e.message : String(e))
    }
  }
  return {
    post,
    close() {
      agents['http:'].destroy()
      agents['https:'].destroy()
    },
  }
}

type Sent = { res: IncomingMessage } | { failure: string; reused: boolean }

function send(
  url: URL,
  agents: { 'http:': HttpAgent; 'https:': HttpsAgent },
  headers: Record<string, string>,
  body: string,
  signal: AbortSignal,
): Promise<Sent> {
  return new Promise((done) => {
    const secure = url.protocol === 'https:'
    const options = {
      method: 'POST',
      agent: secure ? agents['https:'] : agents['http:'],
      headers: { ...headers, 'content-length': String(Buffer.byteLength(body)) },
      maxHeaderSize: headerBytesMax,
      signal,
    }
    const req = (secure ? httpsRequest : httpRequest)(url, options, (res) => done({ res }))
    req.on('error', (e: NodeJS.ErrnoException) =>
      done({ failure: connectionFailure(e), reused: req.reusedSocket && e.code === 'ECONNRESET' }),
    )
    // Without this listener a 101 would end the connection without a response and without an error.
    req.on('upgrade', ({ statusCode }, socket) => {
      socket.destroy()
      done({ failure: `status ${statusCode} changes the protocol: return 2xx`, reused: false })
    })
    // Whatever else ends the connection without an event: an attempt that never ends would occupy
    // its place for ever.
    req.on('close', () =>
      done({ failure: 'the connection ended without a response', reused: false }),
    )
    req.end(body)
  })
}

/** The status has decided already: an endless, slow or truncated body changes nothing. */
function beginning(res: IncomingMessage): Promise<string> {
  return new Promise((done) => {
    const kept: Buffer[] = []
    let bytes = 0
    const end = () =>
      done(
        Buffer.concat(kept)
          .subarray(0, responseKeptBytesMax)
          .toString('utf8')
          .replaceAll('\0', '\ufffd'),
      )
    res.on('data', (chunk: Buffer) => {
      if (bytes < responseKeptBytesMax) kept.push(chunk)
      bytes += chunk.length
      if (bytes > responseBytesMax) res.destroy()
    })
    res.on('end', end)
    res.on('error', end)
    res.on('close', end)
  })
}
