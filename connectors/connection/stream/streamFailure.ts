import { type ServiceError, status } from '@grpc/grpc-js'
import { ConnectionError, type Verdict } from '../contract.ts'
import { failureOf } from '../request/failure.ts'

const VERDICTS: ReadonlyMap<number, Verdict> = new Map([
  [status.UNAUTHENTICATED, 'SIGN_IN'],
  [status.PERMISSION_DENIED, 'FORBIDDEN'],
  [status.RESOURCE_EXHAUSTED, 'WAIT'],
  [status.NOT_FOUND, 'MISSING'],
  [status.INVALID_ARGUMENT, 'PERMANENT'],
  [status.FAILED_PRECONDITION, 'PERMANENT'],
  [status.OUT_OF_RANGE, 'PERMANENT'],
  [status.UNIMPLEMENTED, 'PERMANENT'],
  [status.ALREADY_EXISTS, 'PERMANENT'],
])

/** A position that the system no longer has, or cannot read. */
const EXPIRED = /replayid\.(corrupted|validation\.failed)$/

/** Returns the error of a call: by the code in its trailers, else by its status. */
export function streamFailure(source: string, topic: string, error: unknown): ConnectionError {
  if (error instanceof ConnectionError) return error
  const name = { source, object: topic, method: 'Subscribe', path: '' }
  if (!isServiceError(error)) {
    const what = error instanceof Error ? error.message : String(error)
    return failureOf(name, { verdict: 'RETRY', what })
  }
  const [code] = error.metadata.get('error-code').map(String)
  if (code !== undefined && EXPIRED.test(code))
    return failureOf(name, { verdict: 'GONE', code: 'POSITION_EXPIRED', what: error.details })
  if (code !== undefined && /\.auth\./.test(code))
    return failureOf(name, { verdict: 'SIGN_IN', what: `${code}: ${error.details}` })
  const verdict = VERDICTS.get(error.code) ?? 'RETRY'
  const what = `${status[error.code] ?? error.code}${code === undefined ? '' : ` ${code}`}: ${error.details}`
  return failureOf(name, { verdict, code, what })
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && 'code' in error && 'details' in error && 'metadata' in error
}
