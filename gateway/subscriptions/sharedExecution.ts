import type { ExecutionResult } from 'graphql'
import type { RequestInfo, Sharing, Subgraph } from '../../subgraphs/contract.ts'
import type { ExecutedEvent, SubscriptionGroup } from './subscriptionGroups.ts'

/**
 * Stands between the events of a subscription and their execution: the planner receives an event only when no other
 * subscriber has executed it. Each subscriber keeps its own position in the feed and its own pace; only results are shared.
 */
export class SharedExecution {
  #events: AsyncIterator<unknown> | null = null
  #sharing: Sharing = { event: () => null, liveFields: [] }
  #waiting: ((event: IteratorResult<unknown>) => void) | null = null
  #passed: IteratorResult<unknown>[] = []
  #abandon: () => void = () => {}

  /** Takes over the events of the subgraph; returns those that have to be executed. */
  intercept(events: AsyncIterable<unknown>, subgraph: Subgraph): AsyncIterable<unknown> {
    const source = events[Symbol.asyncIterator]()
    this.#events = source
    this.#sharing = subgraph.sharing ?? this.#sharing
    const through: AsyncIterator<unknown> = {
      next: () => {
        const passed = this.#passed.shift()
        if (passed) return Promise.resolve(passed)
        return new Promise((resolve) => {
          this.#waiting = resolve
        })
      },
      return: async () => {
        this.#pass({ done: true, value: undefined })
        await source.return?.()
        return { done: true, value: undefined }
      },
    }
    return { [Symbol.asyncIterator]: () => through }
  }

  /** Returns the results of a subscription: shared where its events were intercepted, else as they are. */
  results(
    executed: AsyncIterable<ExecutionResult>,
    group: SubscriptionGroup,
    request: RequestInfo,
    leave: () => void,
  ): AsyncIterable<ExecutionResult> {
    const events = this.#events
    const own = executed[Symbol.asyncIterator]()
    const end = async (): Promise<IteratorReturnResult<undefined>> => {
      leave()
      this.#abandon()
      await own.return?.()
      return { done: true, value: undefined }
    }
    const iterator: AsyncIterator<ExecutionResult> = {
      next: async () => {
        if (!events) return await own.next()
        const event = await events.next()
        if (event.done) {
          this.#pass(event)
          return await end()
        }
        const shown: unknown[] = []
        // Other subscribers may wait for it, so it settles when this one leaves, whatever the planner does then.
        const execute = () =>
          new Promise<ExecutedEvent | null>((resolve, reject) => {
            this.#abandon = () => resolve(null)
            // A subscriber executes one event at a time, so what is shown meanwhile is shown in this one.
            request.shown = shown
            this.#pass(event)
            own.next().then((result) => resolve(result.done ? null : { result: result.value, shown }), reject)
          })
        const result = await group.resultOf(this.#sharing.event(event.value), execute)
        if (result && result.shown !== shown) this.#sharing.repeat?.(request, result.shown)
        return result ? { done: false, value: result.result } : await end()
      },
      return: end,
    }
    return { [Symbol.asyncIterator]: () => iterator }
  }

  #pass(event: IteratorResult<unknown>): void {
    const waiting = this.#waiting
    this.#waiting = null
    if (waiting) waiting(event)
    else this.#passed.push(event)
  }
}
