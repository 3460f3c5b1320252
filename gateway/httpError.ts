import { CodedError } from '../schema/kit/codedError.ts'

/**
 * A rejected request: an HTTP status, a stable code, and a message that states what would be right.
 */
export class HttpError extends CodedError {
  readonly status: number
  /** Seconds for the Retry-After header. */
  readonly retrySeconds: number | undefined

  constructor(status: number, code: string, message: string, retrySeconds?: number) {
    super(code, message)
    this.status = status
    this.retrySeconds = retrySeconds
  }
}
