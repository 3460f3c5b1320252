import type { IncomingMessage, ServerResponse } from 'node:http'
import { HttpError } from '../httpError.ts'
import type { ReportError } from '../operation/maskErrors.ts'
import { acceptedEncodings } from './bodyText.ts'
import { sendError } from './response.ts'

/** Seconds in Retry-After of a 503 that names none. */
const retrySeconds = 5

/**
 * Sends why a request failed. Errors other than HttpError are reported and sent as internal errors.
 * Returns the error that was sent.
 */
export function sendFailure(
  req: IncomingMessage,
  res: ServerResponse,
  failure: unknown,
  correlationId: string,
  report: ReportError,
): HttpError {
  const error =
    failure instanceof HttpError ? failure : new HttpError(500, 'INTERNAL', 'Internal error')
  if (error !== failure) report(failure, correlationId)
  if (res.headersSent) {
    res.destroy()
    return error
  }
  // The unread rest of the body would be parsed as the next request.
  if (!req.complete) res.setHeader('connection', 'close')
  if (error.code === 'UNSUPPORTED_ENCODING') res.setHeader('accept-encoding', acceptedEncodings)
  if (error.status === 401) res.setHeader('www-authenticate', 'Bearer realm="touchstone"')
  const retry = error.retrySeconds ?? (error.status === 503 ? retrySeconds : null)
  if (retry !== null && !res.hasHeader('retry-after')) res.setHeader('retry-after', String(retry))
  sendError(res, error, correlationId)
  return error
}

export function requireMethod(
  req: IncomingMessage,
  res: ServerResponse,
  ...methods: string[]
): void {
  if (methods.includes(req.method ?? '')) return
  res.setHeader('allow', methods.join(', '))
  throw new HttpError(405, 'METHOD_NOT_ALLOWED', `Use ${methods.join(' or ')}`)
}
