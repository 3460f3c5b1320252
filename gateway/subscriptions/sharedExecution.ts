import type { ExecutionResult } from 'graphql'
import { asyncStream } from '../../schema/kit/asyncStream.ts'
import type { RequestInfo, Sharing, Subgraph } from '../../subgraphs/contract.ts'
import { withEventCursor } from './eventCursor.ts'
import type { ExecutedEvent, SubscriptionGroup } from './subscriptionGroups.ts'

/**
 * Stands between the events of a subscription and their execution. The planner receives an event
 * only if no other subscriber has executed it. Each subscriber has its own position in the feed and
 * its own pace; only results are shared.
 */
export class SharedExecution {
  #events: AsyncIterator<unknown> | null = null
  #sharing: Sharing = { event: () => null, liveFields: [] }
  #waiting: ((event: IteratorResult<unknown, undefined>) => void) | null = null
  #passed: IteratorResult<unknown, undefined>[] = []
  #abandon: () => void = () => {}

  /** Takes over the events of the subgraph. Returns those that have to be executed. */
  intercept(events: AsyncIterable<unknown>, subgraph: Subgraph): AsyncIterable<unknown> {
    const source = events[Symbol.asyncIterator]()
    this.#events = source
    this.#sharing = subgraph.sharing ?? this.#sharing
    return asyncStream(
      () => {
        const passed = this.#passed.shift()
        if (passed) return Promise.resolve(passed)
        return new Promise((resolve) => {
          this.#waiting = resolve
        })
      },
      async () => {
        this.#pass({ done: true, value: undefined })
        await source.return?.()
      },
    )
  }

  /**
   * Returns the results of a subscription: shared and with their cursors if its events were
   * intercepted, otherwise unchanged.
   */
  results(
    executed: AsyncIterable<ExecutionResult>,
    group: SubscriptionGroup,
    request: RequestInfo,
    leave: () => void,
  ): AsyncIterableIterator<ExecutionResult, undefined> {
    const events = this.#events
    const own = executed[Symbol.asyncIterator]()
    const end = async (): Promise<IteratorReturnResult<undefined>> => {
      leave()
      this.#abandon()
      await own.return?.()
      return { done: true, value: undefined }
    }
    return asyncStream(async () => {
      if (!events) return await own.next()
      const event = await events.next()
      if (event.done) {
        this.#pass({ done: true, value: undefined })
        return await end()
      }
      const shown: unknown[] = []
      // Other subscribers may wait for it, so it settles when this one leaves, even if the planner
      // does not.
      const execute = () =>
        new Promise<ExecutedEvent | null>((resolve, reject) => {
          this.#abandon = () => resolve(null)
          // A subscriber executes one event at a time, so values shown during that time belong to
          // this event.
          request.shown = shown
          this.#pass({ done: false, value: event.value })
          own
            .next()
            .then((result) => resolve(result.done ? null : { result: result.value, shown }), reject)
        })
      const result = await group.resultOf(this.#sharing.event(event.value), execute)
      if (result && result.shown !== shown) this.#sharing.repeat?.(request, result.shown)
      if (!result) return await end()
      const cursor = this.#sharing.cursor?.(event.value) ?? null
      return { done: false, value: withEventCursor(result.result, cursor) }
    }, end)
  }

  /** Passes an event to the planner. */
  #pass(event: IteratorResult<unknown, undefined>): void {
    const waiting = this.#waiting
    this.#waiting = null
    if (waiting) waiting(event)
    else this.#passed.push(event)
  }
}
