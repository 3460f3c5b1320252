import type { ExecutionResult } from 'graphql'
import type { RequestInfo, Sharing, Subgraph } from '../../subgraphs/contract.ts'
import type { Made, Selection } from './subscriptionGroups.ts'

/**
 * Stands between the events of a subscription and their execution: the planner is given an event only when nobody else has
 * made its result. Each subscriber keeps its own place in the feed and its own pace; only results are shared.
 */
export class EventGate {
  #events: AsyncIterator<unknown> | null = null
  #sharing: Sharing = { event: () => null, liveFields: [] }
  #waiting: ((event: IteratorResult<unknown>) => void) | null = null
  #passed: IteratorResult<unknown>[] = []
  #abandon: () => void = () => {}

  /** Takes the events of the subgraph; answers those that are let through. */
  take(events: AsyncIterable<unknown>, subgraph: Subgraph): AsyncIterable<unknown> {
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

  /** The results of a subscription whose events this gate has; as they are where it was given none. */
  results(
    made: AsyncIterable<ExecutionResult>,
    selection: Selection,
    request: RequestInfo,
    leave: () => void,
  ): AsyncIterable<ExecutionResult> {
    const events = this.#events
    const own = made[Symbol.asyncIterator]()
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
        // Others may wait for it, so it ends with its subscriber, whatever the planner does about that.
        const make = () =>
          new Promise<Made | null>((resolve, reject) => {
            this.#abandon = () => resolve(null)
            // One event at a time is made for a subscriber, so what is shown meanwhile is shown in it.
            request.shown = shown
            this.#pass(event)
            own.next().then((result) => resolve(result.done ? null : { result: result.value, shown }), reject)
          })
        const made = await selection.of(this.#sharing.event(event.value), make)
        if (made && made.shown !== shown) this.#sharing.repeat?.(request, made.shown)
        return made ? { done: false, value: made.result } : await end()
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
