import { HttpError } from '../http/httpAnswer.ts'
import type { WatchCaller } from '../operation/operation.ts'
import type { Caller, Callers, Credentials } from './caller.ts'

/** How often credentials of what lasts are checked again: so late at most is a revoked key noticed. */
export const recheckMsMax = 15_000

export const expired = () =>
  new HttpError(401, 'TOKEN_EXPIRED', 'The credentials have expired: connect again with new ones')

/**
 * Watches whether credentials go on holding: not past their end, and not after they were revoked. That they cannot be
 * checked for a while ends nothing. Null for the development caller, who has none.
 */
export function watchCaller(
  callers: Callers,
  given: Credentials,
  caller: Caller,
  everyMs = recheckMsMax,
): WatchCaller | null {
  if (given.bearer === null || caller.via === 'DEVELOPMENT') return null
  return (end) => {
    let timer: NodeJS.Timeout | undefined
    let stopped = false
    const wait = () => {
      const left = (caller.expiresAt ?? Number.POSITIVE_INFINITY) - Date.now()
      timer = setTimeout(check, Math.max(0, Math.min(left, everyMs)))
      timer.unref()
    }
    const check = async () => {
      if (caller.expiresAt !== null && caller.expiresAt <= Date.now()) return end(expired())
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
