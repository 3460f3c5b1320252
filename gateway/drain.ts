import { HttpError } from './httpAnswer.ts'

type Told = (why: HttpError) => void

/** Tells subscriptions that the server stops, so that each can say so as its last word. */
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

  /** Nobody is watching any more. */
  get done(): boolean {
    return this.#watching.size === 0
  }
}

function stopping(): HttpError {
  return new HttpError(503, 'SERVER_STOPPING', 'The server stops: connect again, and go on after the cursor')
}
