import { HttpError } from '../httpError.ts'
import type { Caller, Callers, Credentials } from './caller.ts'

/**
 * How often the credentials of open subscriptions are checked: the maximum delay until a revoked
 * key is noticed.
 */
export const recheckMsMax = 15_000

/**
 * Calls `end` once, when the credentials are no longer valid; returns the function that stops
 * watching.
 */
export type WatchCredentials = (end: (reason: HttpError) => void) => () => void

export const credentialsExpired = () =>
  new HttpError(401, 'TOKEN_EXPIRED', 'The credentials have expired: connect again with new ones')

/**
 * Watches credentials and reports when they expire or are revoked. A check that fails for another
 * reason ends nothing. Returns null if there are no credentials.
 */
export function watchCredentials(
  callers: Callers,
  given: Credentials,
  caller: Caller,
  everyMs = recheckMsMax,
): WatchCredentials | null {
  if (given.bearer === null) return null
  return (end) => {
    let timer: NodeJS.Timeout | undefined
    let stopped = false
    const wait = () => {
      const left = (caller.expiresAt ?? Number.POSITIVE_INFINITY) - Date.now()
      timer = setTimeout(check, Math.max(0, Math.min(left, everyMs)))
      timer.unref()
    }
    const check = async () => {
      if (caller.expiresAt !== null && caller.expiresAt <= Date.now())
        return end(credentialsExpired())
      try {
        await callers.identify(given)
      } catch (e) {
        if (stopped) return
        if (e instanceof HttpError && e.status === 401) return end(e)
      }
      if (!stopped) wait()
    }
    wait()
    return () => {
      stopped = true
      clearTimeout(timer)
    }
  }
}
