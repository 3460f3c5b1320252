import { createSourceEventStream, type ExecutionArgs, type ExecutionResult, execute } from 'graphql'

/**
 * Runs a subscription on a subgraph. `context` is asked anew for each event: an event sees the data as they are when it
 * is delivered, not as an earlier one loaded them. `gate` says which events are executed at all. GraphQL's own `subscribe` keeps one context for all.
 */
export async function subscribeSubgraph(
  args: ExecutionArgs,
  context: () => object,
  masked: (result: ExecutionResult) => ExecutionResult,
  gate: (events: AsyncIterable<unknown>) => AsyncIterable<unknown> = (events) => events,
): Promise<AsyncIterableIterator<ExecutionResult> | ExecutionResult> {
  const source = await createSourceEventStream({ ...args, contextValue: context() })
  if (!(Symbol.asyncIterator in source)) return masked(source)
  return mapEvents(gate(source), async (rootValue) =>
    masked(await execute({ ...args, rootValue, contextValue: context() })),
  )
}

/**
 * Ends at once when told to, even while the source waits for its next event: a generator would first finish its wait,
 * and a client that has gone would hold its place until something changes.
 */
function mapEvents<T>(source: AsyncIterable<unknown>, map: (event: unknown) => Promise<T>): AsyncIterableIterator<T> {
  const events = source[Symbol.asyncIterator]()
  const done: IteratorResult<T> = { done: true, value: undefined }
  let ended = false
  let endWaiting: (() => void) | undefined
  const iterator: AsyncIterableIterator<T> = {
    next() {
      if (ended) return Promise.resolve(done)
      return new Promise((resolve, reject) => {
        endWaiting = () => resolve(done)
        events
          .next()
          .then(async (event) => resolve(event.done ? done : { done: false, value: await map(event.value) }))
          .catch(reject)
      })
    },
    return() {
      ended = true
      endWaiting?.()
      // Nobody waits for it, and an error while it ends concerns nobody any more.
      events.return?.().catch(() => undefined)
      return Promise.resolve(done)
    },
    [Symbol.asyncIterator]: () => iterator,
  }
  return iterator
}
