import { HttpError } from './httpAnswer.ts'

type Told = (why: HttpError) => void

/** Tells subscriptions that they end, so that each can say so as its last word. */
export class Drain {
  readonly #watching = new Set<Told>()
  #begun = false

  /** Answers how to stop watching. */
  watch(end: Told): () => void {
    if (this.#begun) queueMicrotask(() => end(stopping()))
    this.#watching.add(end)
    return () => this.#watching.delete(end)
  }

  begin(): void {
    this.#begun = true
    for (const end of this.#watching) end(stopping())
  }

  /** Ends those of now, because they began with another graph; who comes from now on is served. */
  restart(): void {
    for (const end of this.#watching) end(changed())
  }

  /** Nobody is watching any more. */
  get done(): boolean {
    return this.#watching.size === 0
  }
}

function changed(): HttpError {
  return new HttpError(503, 'GRAPH_CHANGED', 'The graph has changed: subscribe again, and go on after the cursor')
}

function stopping(): HttpError {
  return new HttpError(503, 'SERVER_STOPPING', 'The server stops: connect again, and go on after the cursor')
}
