import { HttpError } from '../httpError.ts'
import type { WatchClosing } from '../subscriptions/takeUntilClosed.ts'

type Close = Parameters<WatchClosing>[0]

/** Closes the open subscriptions, each with the reason. */
export class Drain {
  readonly #watching = new Set<Close>()
  #reason: HttpError | null = null

  /** Bound, so that it can be passed on. */
  readonly watch: WatchClosing = (close) => {
    const reason = this.#reason
    if (reason) queueMicrotask(() => close(reason))
    this.#watching.add(close)
    return () => this.#watching.delete(close)
  }

  begin(reason: HttpError): void {
    this.#reason = reason
    for (const close of this.#watching) close(reason)
  }

  /** Returns true if every subscription has ended. */
  get done(): boolean {
    return this.#watching.size === 0
  }
}

export function graphChanged(): HttpError {
  return new HttpError(
    503,
    'GRAPH_CHANGED',
    'The graph has changed: subscribe again and resume after the cursor',
  )
}

export function serverStopping(): HttpError {
  return new HttpError(
    503,
    'SERVER_STOPPING',
    'The server is stopping: connect again and resume after the cursor',
  )
}
