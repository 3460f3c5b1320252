import { Refused, type Reply } from '../kit/exchange.ts'

interface Details {
  field?: string
  retry_in_ms?: number
  merged_into?: string
}

/** Milliseconds after which a client should repeat a request that met `busy`. */
const busyMs = 250

export const failed = (
  status: number,
  code: string,
  message: string,
  details: Details = {},
): Reply => ({ status, body: { error: { code, message, ...details } } })

export const refused = (status: number, code: string, message: string, details?: Details) =>
  new Refused(failed(status, code, message, details))

/** Refuses a part of a request that the reference does not name; the model counts it. */
export const unknown = (status: number, code: string, message: string, field?: string) =>
  new Refused(failed(status, code, message, field === undefined ? {} : { field }), true)

export const unauthenticated = failed(401, 'unauthenticated', 'A valid API token is required')
export const tokenExpired = failed(401, 'token_expired', 'The token was replaced')
export const noScope = failed(403, 'no_scope', 'The token has no scope for this request')
export const notFound = failed(404, 'not_found', 'There is no such path or record')
export const cursorExpired = failed(410, 'cursor_expired', 'The cursor is older than 15 minutes', {
  field: 'page[after]',
})
export const keyRunning = failed(409, 'key_running', 'The first request still runs', {
  retry_in_ms: busyMs,
})
export const keyReused = failed(409, 'key_reused', 'The key belongs to another request', {
  field: 'Idempotency-Key',
})
export const limited = (waitMs: number): Reply =>
  failed(429, 'rate_limited', 'Too many requests', { retry_in_ms: waitMs })

const busy = (status: number) =>
  failed(status, 'busy', 'The record or the service is busy', { retry_in_ms: busyMs })

/** Returns the response of a fault. 502 and 504 come from the gateway before the API. */
export function failure(status: number): Reply {
  if (status === 401) return tokenExpired
  if (status === 403) return noScope
  if (status === 409 || status === 503) return busy(status)
  if (status === 412) return failed(412, 'stale', 'The record has another revision')
  if (status === 429) return limited(busyMs)
  if (status === 502 || status === 504)
    return {
      status,
      headers: { 'content-type': 'text/html' },
      body: `<html><body><h1>${status}</h1></body></html>`,
    }
  return failed(status, 'internal', 'The request failed')
}
