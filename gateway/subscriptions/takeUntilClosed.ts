import { type ExecutionResult, GraphQLError } from 'graphql'
import { asyncStream } from '../../schema/kit/asyncStream.ts'

/** Calls `close` at most once, with the reason; returns the function that stops watching. */
export type WatchClosing = (
  close: (reason: { code: string; message: string }) => void,
) => () => void

/**
 * Returns the same results until one of the watches closes the subscription. A last result follows,
 * with the reason and, if the subscription selects cursors, the cursor to resume after. The watches
 * end when the consumer takes that result.
 */
export function takeUntilClosed(
  results: AsyncIterableIterator<ExecutionResult, undefined>,
  watches: readonly WatchClosing[],
): AsyncIterableIterator<ExecutionResult, undefined> {
  const done: IteratorReturnResult<undefined> = { done: true, value: undefined }
  let ended = false
  let last: ExecutionResult | undefined
  let endWaiting: (() => void) | undefined
  let cursor: string | undefined

  const close = (reason: { code: string; message: string }) => {
    if (ended || last) return
    const extensions = { code: reason.code, ...(cursor === undefined ? {} : { cursor }) }
    last = { errors: [new GraphQLError(reason.message, { extensions })] }
    endWaiting?.()
    void results.return?.()
  }
  const unwatch = watches.map((watch) => watch(close))
  const end = (): IteratorReturnResult<undefined> => {
    ended = true
    for (const stop of unwatch) stop()
    return done
  }
  const finish = (): IteratorResult<ExecutionResult, undefined> => {
    if (!last) return end()
    const value = last
    last = undefined
    ended = true
    return { done: false, value }
  }

  return asyncStream(
    () => {
      if (ended) return Promise.resolve(end())
      if (last) return Promise.resolve(finish())
      // Not a race with a promise that lasts as long as the stream: it would hold a reaction of
      // every event.
      return new Promise((resolve, reject) => {
        endWaiting = () => resolve(finish())
        results.next().then((r) => {
          if (!r.done && !last) cursor = cursorOf(r.value) ?? cursor
          resolve(r.done || last ? finish() : r)
        }, reject)
      })
    },
    async () => {
      last = undefined
      end()
      await results.return?.()
    },
  )
}

/** Returns the cursor of an event if it is selected. */
function cursorOf({ data }: ExecutionResult): string | undefined {
  for (const event of Object.values(data ?? {}))
    if (
      typeof event === 'object' &&
      event !== null &&
      'cursor' in event &&
      typeof event.cursor === 'string'
    )
      return event.cursor
  return undefined
}
