/** An operation of a socket, from its subscribe message until graphql-ws has ended it. */
interface RunningOperation {
  /** True once either side has completed it: the client may use its id again. */
  completed: boolean
  /** The subscribe message of the next operation with this id. */
  next: string | null
}

type Handle = (message: string) => Promise<void>

/**
 * Lets a client use an id again at once. graphql-ws ends an operation some time after its
 * `complete`, and would take a new one of the same id for the old one. The new one therefore waits.
 */
export class OperationIds {
  readonly #running = new Map<string, RunningOperation>()
  readonly #abandon: (id: string) => void

  /** `abandon` cancels an operation that the client has completed. */
  constructor(abandon: (id: string) => void) {
    this.#abandon = abandon
  }

  /** Called when graphql-ws completes an operation or rejects it. */
  completed(id: string): void {
    const running = this.#running.get(id)
    if (running) running.completed = true
  }

  /** Hands a message to graphql-ws, now or once the operation before it has ended. */
  async receive(text: string, isEnding: boolean, handle: Handle): Promise<void> {
    const { type, id } = readHead(text)
    const running = id === null ? undefined : this.#running.get(id)
    if (type === 'subscribe' && id !== null) {
      if (isEnding) return
      if (!running) return await this.#run(id, text, handle)
      if (running.completed && running.next === null) {
        running.next = text
        return
      }
    } else if (type === 'complete' && id !== null && running) {
      if (running.completed) {
        running.next = null
        return
      }
      running.completed = true
      this.#abandon(id)
    }
    await handle(text)
  }

  async #run(id: string, text: string, handle: Handle): Promise<void> {
    let next: string | null = text
    while (next !== null) {
      const running: RunningOperation = { completed: false, next: null }
      this.#running.set(id, running)
      try {
        await handle(next)
      } finally {
        next = running.next
        this.#running.delete(id)
      }
    }
  }
}

/** Reads type and id of a message; null for a message that graphql-ws will reject. */
function readHead(text: string): { type: unknown; id: string | null } {
  try {
    const { type, id } = Object(JSON.parse(text)) as { type?: unknown; id?: unknown }
    return { type, id: typeof id === 'string' ? id : null }
  } catch {
    return { type: null, id: null }
  }
}
