import type { ExecutionResult } from 'graphql'
import { asyncStream } from '../../schema/kit/asyncStream.ts'
import { CodedError } from '../../schema/kit/codedError.ts'

/** Calls `close` at most once, with the reason; returns the function that stops watching. */
export type WatchClosing = (
  close: (reason: { code: string; message: string }) => void,
) => () => void

/**
 * The gateway ends a subscription whose events have not ended. Each transport ends its connection
 * in the way after which standard clients connect again by themselves and resume.
 */
export class SubscriptionClosed extends CodedError {}

/**
 * Returns the same results until one of the watches closes the subscription. The next result is
 * then rejected with SubscriptionClosed, once; events that were not taken before are dropped.
 */
export function takeUntilClosed(
  results: AsyncIterableIterator<ExecutionResult, undefined>,
  watches: readonly WatchClosing[],
): AsyncIterableIterator<ExecutionResult, undefined> {
  const done: IteratorReturnResult<undefined> = { done: true, value: undefined }
  let ended = false
  let closed: SubscriptionClosed | undefined
  let rejectWaiting: ((why: SubscriptionClosed) => void) | undefined

  const close = (reason: { code: string; message: string }) => {
    if (ended || closed) return
    closed = new SubscriptionClosed(reason.code, reason.message)
    if (rejectWaiting) {
      end()
      rejectWaiting(closed)
    }
    void results.return?.()
  }
  const unwatch = watches.map((watch) => watch(close))
  const end = (): IteratorReturnResult<undefined> => {
    ended = true
    for (const stop of unwatch) stop()
    return done
  }

  return asyncStream(
    () => {
      if (ended) return Promise.resolve(done)
      if (closed) {
        end()
        return Promise.reject(closed)
      }
      // Not a race with a promise that lasts as long as the stream: it would hold a reaction of
      // every event.
      return new Promise((resolve, reject) => {
        rejectWaiting = reject
        results.next().then(
          (r) => {
            rejectWaiting = undefined
            resolve(r.done ? end() : r)
          },
          (e) => {
            end()
            reject(e)
          },
        )
      })
    },
    async () => {
      end()
      await results.return?.()
    },
  )
}
