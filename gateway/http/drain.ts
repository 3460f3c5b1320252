import { HttpError } from './httpAnswer.ts'

type Told = (why: HttpError) => void

/** Tells subscriptions that they end, so that each can say so as its last word. */
export class Drain {
  readonly #watching = new Set<Told>()
  #why: HttpError | null = null

  /** Answers how to stop watching. */
  watch(end: Told): () => void {
    const why = this.#why
    if (why) queueMicrotask(() => end(why))
    this.#watching.add(end)
    return () => this.#watching.delete(end)
  }

  begin(why: HttpError): void {
    this.#why = why
    for (const end of this.#watching) end(why)
  }

  /** Nobody is watching any more. */
  get done(): boolean {
    return this.#watching.size === 0
  }
}

export function graphChanged(): HttpError {
  return new HttpError(503, 'GRAPH_CHANGED', 'The graph has changed: subscribe again, and go on after the cursor')
}

export function serverStopping(): HttpError {
  return new HttpError(503, 'SERVER_STOPPING', 'The server stops: connect again, and go on after the cursor')
}
