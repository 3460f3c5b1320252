import { createSourceEventStream, type ExecutionArgs, type ExecutionResult, execute } from 'graphql'
import { asyncStream } from '../../schema/kit/asyncStream.ts'

/**
 * Runs a subscription on a subgraph. `context` is called for each event: an event sees the data at
 * the time of its delivery, not as an earlier event loaded it. GraphQL's own `subscribe` uses one
 * context for all. `intercept` selects the events that are executed.
 */
export async function subscribeSubgraph(
  args: ExecutionArgs,
  context: () => object,
  masked: (result: ExecutionResult) => ExecutionResult,
  intercept: (events: AsyncIterable<unknown>) => AsyncIterable<unknown> = (events) => events,
): Promise<AsyncIterableIterator<ExecutionResult> | ExecutionResult> {
  const source = await createSourceEventStream({ ...args, contextValue: context() })
  if (!(Symbol.asyncIterator in source)) return masked(source)
  return mapEvents(intercept(source), async (rootValue) =>
    masked(await execute({ ...args, rootValue, contextValue: context() })),
  )
}

function mapEvents<T>(
  source: AsyncIterable<unknown>,
  map: (event: unknown) => Promise<T>,
): AsyncIterableIterator<T> {
  const events = source[Symbol.asyncIterator]()
  const done: IteratorReturnResult<undefined> = { done: true, value: undefined }
  let ended = false
  let endWaiting: (() => void) | undefined
  return asyncStream<T>(
    () => {
      if (ended) return Promise.resolve(done)
      return new Promise((resolve, reject) => {
        endWaiting = () => resolve(done)
        events
          .next()
          .then(async (event) =>
            resolve(event.done ? done : { done: false, value: await map(event.value) }),
          )
          .catch(reject)
      })
    },
    () => {
      ended = true
      endWaiting?.()
      // Not awaited: the subscriber has left, so an error while the source ends affects nobody.
      events.return?.().catch(() => undefined)
      return undefined
    },
  )
}
