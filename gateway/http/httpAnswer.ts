import type { IncomingMessage, ServerResponse } from 'node:http'
import { CodedError } from '../../schema/kit/codedError.ts'

/** An answer that is no GraphQL result: a code, and a sentence that says what would be right. */
export class HttpError extends CodedError {
  readonly status: number
  /** When it may be tried again, for Retry-After. */
  readonly retrySeconds: number | undefined
  constructor(status: number, code: string, message: string, retrySeconds?: number) {
    super(code, message)
    this.status = status
    this.retrySeconds = retrySeconds
  }
}

const texts = new WeakMap<object, string>()

/** What an object that is answered again and again, and does not change, is as JSON. */
export function rememberText(body: object, text: string): void {
  texts.set(body, text)
}

export function answerJson(res: ServerResponse, status: number, body: object, type = 'application/json'): void {
  const text = texts.get(body) ?? JSON.stringify(body)
  res.writeHead(status, {
    'content-type': `${type}; charset=utf-8`,
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
  })
  res.end(text)
}

export function answerText(res: ServerResponse, { type, text }: { type: string; text: string }): void {
  res.writeHead(200, {
    'content-type': type,
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
  })
  res.end(text)
}

export function answerError(res: ServerResponse, error: HttpError, correlationId: string): void {
  answerJson(res, error.status, {
    errors: [{ message: error.message, extensions: { code: error.code, correlationId } }],
  })
}

/** The whole body, or an HttpError once it is longer than `bytesMax`. */
export function readBody(req: IncomingMessage, bytesMax: number): Promise<Buffer> {
  const tooLarge = () => new HttpError(413, 'BODY_TOO_LARGE', `The body is larger than ${bytesMax} bytes`)
  if (Number(req.headers['content-length'] ?? 0) > bytesMax) return Promise.reject(tooLarge())
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let length = 0
    req.on('data', (chunk: Buffer) => {
      length += chunk.length
      if (length > bytesMax) reject(tooLarge())
      else chunks.push(chunk)
    })
    req.once('end', () => resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)))
    const incomplete = () => {
      // An error costs its stack, and every request closes.
      if (!req.complete) reject(new HttpError(400, 'BODY_INCOMPLETE', 'The connection closed before the body ended'))
    }
    req.once('error', incomplete)
    req.once('close', incomplete)
  })
}
