import {
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
} from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { isIP } from 'node:net'
import { pipeline } from 'node:stream/promises'
import { rootCertificates } from 'node:tls'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'
import { connectionFailure, isCertificateFailure } from '../../../schema/kit/connectionFailure.ts'
import { guardedLookup, notPublic, type Resolve } from '../../../schema/kit/guardedLookup.ts'
import { isReachable } from '../../../schema/kit/networkAddress.ts'
import { count } from '../../../schema/kit/numberText.ts'
import type { ResultFile } from './resultFile.ts'

export interface HttpRequest {
  method: string
  url: URL
  headers: Record<string, string>
  body: string | null
}

export interface HttpAnswer {
  status: number
  headers: IncomingHttpHeaders
  text: string
  bytes: number
}

/**
 * Why there is no answer. `again` is true where another attempt may succeed; `sent` where the system
 * may have received the request and done what it says.
 */
export class ExchangeError extends Error {
  readonly code: string
  readonly again: boolean
  readonly sent: boolean
  constructor(code: string, message: string, again: boolean, sent = false) {
    super(message)
    this.code = code
    this.again = again
    this.sent = sent
  }
}

export interface Exchange {
  /** Throws ExchangeError. `onHeaders` is called as soon as the system has begun to answer. */
  send(request: HttpRequest, signal: AbortSignal, onHeaders?: () => void): Promise<HttpAnswer>
  /**
   * Puts the body of an answer into a file, and gives it no text; only that of a refusal (status 400
   * and above) is text. It ends where nothing comes for `idleMs`. Throws ExchangeError.
   */
  download(
    request: HttpRequest,
    signal: AbortSignal,
    file: ResultFile,
    idleMs: number,
    onHeaders?: () => void,
  ): Promise<HttpAnswer>
  /** Returns an answer whose body the caller reads. Redirects are not followed. */
  open(request: HttpRequest, signal: AbortSignal): Promise<IncomingMessage>
}

export interface ExchangeOptions {
  /** Allows http, and hosts in private networks. */
  privateAddresses: boolean
  /** Bytes of an answer after decompression. */
  bytesMax?: number
  /** Certificate authorities (PEM) trusted beside those of Node. */
  authorities?: readonly string[] | undefined
  resolve?: Resolve | undefined
}

export const answerBytesMax = 32 * 1024 * 1024
const headerBytesMax = 65_536
const socketsPerHostMax = 64
const idleMsMax = 15_000
const redirectsMax = 3
/** Redirects that ask for the same request elsewhere, so it was not done here. */
const NOT_DONE = new Set([307, 308])

/** Creates the sender of requests to one source system. */
export function createExchange(options: ExchangeOptions): Exchange {
  const { privateAddresses, bytesMax = answerBytesMax, authorities } = options
  const isAllowed = (address: string) => privateAddresses || isReachable(address, [])
  const keep = {
    keepAlive: true,
    maxSockets: socketsPerHostMax,
    timeout: idleMsMax,
    lookup: guardedLookup(isAllowed, options.resolve),
  }
  const trusted = authorities ? { ca: [...rootCertificates, ...authorities] } : {}
  const agents = { http: new HttpAgent(keep), https: new HttpsAgent({ ...keep, ...trusted }) }

  function check(url: URL): void {
    const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
    if (url.protocol !== 'https:' && !(url.protocol === 'http:' && privateAddresses))
      throw new ExchangeError(
        'NOT_ENCRYPTED',
        `the address begins with ${url.protocol}//; use https, or set privateAddresses: true for a system in your own network`,
        false,
      )
    // A number in place of a name is never looked up.
    if (isIP(host) && !isAllowed(host)) throw privateAddress(host)
  }

  async function answerOf(
    request: HttpRequest,
    signal: AbortSignal,
    onHeaders: () => void,
    readBody: (res: IncomingMessage) => Promise<{ text: string; bytes: number }>,
  ): Promise<HttpAnswer> {
    let url = request.url
    for (let redirects = 0; ; redirects++) {
      check(url)
      const res = await begin({ ...request, url }, agents, signal)
      onHeaders()
      const status = res.statusCode ?? 0
      const location = res.headers.location
      if (status < 300 || status >= 400 || location === undefined)
        return { status, headers: res.headers, ...(await readBody(res)) }
      res.resume()
      const next = URL.canParse(location, url) ? new URL(location, url) : null
      // Credentials of the headers would follow to the other host.
      if (next?.origin !== url.origin || request.method !== 'GET' || redirects >= redirectsMax)
        throw new ExchangeError(
          'REDIRECTED',
          `it is redirected to ${next?.origin ?? 'an address that is none'} (status ${status}); the credential is not sent there: correct the address of the system`,
          false,
          !NOT_DONE.has(status),
        )
      url = next
    }
  }
  const send: Exchange['send'] = (request, signal, onHeaders = () => {}) =>
    answerOf(request, signal, onHeaders, (res) => read(res, bytesMax, signal))

  async function download(
    request: HttpRequest,
    signal: AbortSignal,
    file: ResultFile,
    idleMs: number,
    onHeaders: () => void = () => {},
  ): Promise<HttpAnswer> {
    const idle = new AbortController()
    const timer = setTimeout(() => idle.abort(), idleMs)
    const all = AbortSignal.any([signal, idle.signal])
    try {
      return await answerOf(request, all, onHeaders, (res) =>
        (res.statusCode ?? 0) >= 400
          ? read(res, bytesMax, all)
          : store(res, file, () => timer.refresh(), all),
      )
    } finally {
      clearTimeout(timer)
    }
  }

  async function open(request: HttpRequest, signal: AbortSignal): Promise<IncomingMessage> {
    check(request.url)
    return await begin(request, agents, signal)
  }
  return { send, download, open }
}

function begin(
  { method, url, headers, body }: HttpRequest,
  agents: { http: HttpAgent; https: HttpsAgent },
  signal: AbortSignal,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const secure = url.protocol === 'https:'
    const length = body === null ? {} : { 'content-length': String(Buffer.byteLength(body)) }
    const options = {
      method,
      agent: secure ? agents.https : agents.http,
      headers: { 'accept-encoding': 'gzip, deflate, br', ...headers, ...length },
      maxHeaderSize: headerBytesMax,
      signal,
    }
    const req = (secure ? httpsRequest : httpRequest)(url, options, resolve)
    let sent = false
    req.on('socket', (socket) => {
      if (socket.connecting) socket.once(secure ? 'secureConnect' : 'connect', () => (sent = true))
      else sent = true
    })
    req.on('error', (e: NodeJS.ErrnoException) => reject(failureOf(e, url, sent)))
    // Without this listener a 101 would end the connection without a response and without an error.
    req.on('upgrade', (_, socket) => {
      socket.destroy()
      reject(new ExchangeError('NO_ANSWER', 'the system changes the protocol', false, sent))
    })
    req.on('close', () =>
      reject(new ExchangeError('NO_ANSWER', 'the connection ended without an answer', true, sent)),
    )
    req.end(body ?? undefined)
  })
}

/** Reads a body as text. It is refused while it is read, as soon as it has too many bytes. */
function read(
  res: IncomingMessage,
  bytesMax: number,
  signal: AbortSignal,
): Promise<{ text: string; bytes: number }> {
  return new Promise((resolve, reject) => {
    const decoder = decoderOf(res)
    const stream = decoder ? res.pipe(decoder) : res
    const chunks: Buffer[] = []
    let bytes = 0
    const fail = (e: ExchangeError) => {
      signal.removeEventListener('abort', aborted)
      // First, because to destroy it reports an abort.
      reject(e)
      res.destroy()
      decoder?.destroy()
    }
    const cut = () =>
      fail(new ExchangeError('NO_ANSWER', 'the connection ended within the answer', true, true))
    const aborted = () =>
      fail(new ExchangeError('NO_ANSWER', 'the answer took too long', true, true))
    signal.addEventListener('abort', aborted, { once: true })
    stream.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > bytesMax) fail(tooLarge(bytesMax))
      else chunks.push(chunk)
    })
    stream.on('end', () => {
      if (!res.complete) return cut()
      signal.removeEventListener('abort', aborted)
      resolve({ text: Buffer.concat(chunks).toString('utf8'), bytes })
    })
    stream.on('error', cut)
    res.on('error', cut)
    res.on('aborted', cut)
  })
}

/** Puts a body into a file. It is refused while it is read, as soon as it has too many bytes. */
async function store(
  res: IncomingMessage,
  file: ResultFile,
  onChunk: () => void,
  signal: AbortSignal,
): Promise<{ text: string; bytes: number }> {
  let bytes = 0
  async function* counted(source: AsyncIterable<Buffer>) {
    for await (const chunk of source) {
      onChunk()
      bytes += chunk.length
      if (bytes > file.bytesMax) throw tooLarge(file.bytesMax)
      yield chunk
    }
  }
  try {
    const decoder = decoderOf(res)
    const fill = (source: AsyncIterable<Buffer>) => file.fill(counted(source))
    await (decoder ? pipeline(res, decoder, fill, { signal }) : pipeline(res, fill, { signal }))
  } catch (e) {
    res.destroy()
    if (e instanceof ExchangeError) throw e
    if (signal.aborted) throw new ExchangeError('NO_ANSWER', 'the answer took too long', true, true)
    if (e instanceof Error && 'syscall' in e && e.syscall === 'write')
      throw new ExchangeError(
        'RESULT_NOT_STORED',
        `the answer could not be put into a temporary file: ${e.message}`,
        true,
        true,
      )
    throw new ExchangeError('NO_ANSWER', 'the connection ended within the answer', true, true)
  }
  if (!res.complete)
    throw new ExchangeError('NO_ANSWER', 'the connection ended within the answer', true, true)
  return { text: '', bytes }
}

function tooLarge(bytesMax: number): ExchangeError {
  const text = `the answer has more than ${count(bytesMax)} bytes; ask for smaller pages`
  return new ExchangeError('ANSWER_TOO_LARGE', text, false, true)
}

function decoderOf(res: IncomingMessage) {
  switch (res.headers['content-encoding']?.trim().toLowerCase()) {
    case 'gzip':
    case 'x-gzip':
      return createGunzip()
    case 'deflate':
      return createInflate()
    case 'br':
      return createBrotliDecompress()
    default:
      return null
  }
}

function failureOf(e: NodeJS.ErrnoException, url: URL, sent: boolean): ExchangeError {
  if (e.name === 'AbortError')
    return new ExchangeError('NO_ANSWER', 'there was no answer in time', true, sent)
  if (e.message === notPublic) return privateAddress(url.hostname)
  const text = connectionFailure(e)
  if (isCertificateFailure(e))
    return new ExchangeError('CERTIFICATE_REFUSED', `${text}; the request was not sent`, false)
  if (e.code === 'ERR_INVALID_CHAR')
    return new ExchangeError(
      'INVALID_HEADER',
      'a header has a character that is not allowed, such as a line break in a secret',
      false,
    )
  return new ExchangeError('UNREACHABLE', `${url.host} cannot be reached: ${text}`, true, sent)
}

function privateAddress(host: string): ExchangeError {
  return new ExchangeError(
    'PRIVATE_ADDRESS',
    `${host} has an address in a private network; allow it with privateAddresses: true`,
    false,
  )
}
