import type { ServerResponse } from 'node:http'
import { jsonText } from '../cache/responseCache.ts'
import type { HttpError } from '../httpError.ts'

/** Sends a body as JSON. A cached GraphQL result is sent as the text that was cached with it. */
export function sendJson(
  res: ServerResponse,
  status: number,
  body: object,
  type = 'application/json',
): void {
  const text = (body as { [jsonText]?: string })[jsonText] ?? JSON.stringify(body)
  res.writeHead(status, {
    'content-type': `${type}; charset=utf-8`,
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
  })
  res.end(text)
}

export function sendText(
  res: ServerResponse,
  { type, text }: { type: string; text: string },
): void {
  res.writeHead(200, {
    'content-type': type,
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
  })
  res.end(text)
}

export function sendError(res: ServerResponse, error: HttpError, correlationId: string): void {
  sendJson(res, error.status, {
    errors: [{ message: error.message, extensions: { code: error.code, correlationId } }],
  })
}
