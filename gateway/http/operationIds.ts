/** An operation of a socket, from its subscribe message until graphql-ws has ended it. */
interface RunningOperation {
  /** True once either side has completed it: the client may use its id again. */
  completed: boolean
  /** Hands over the subscribe message of the next operation with this id. */
  next: Handle | null
}

/** Hands a message to graphql-ws. */
type Handle = () => Promise<void>

interface SocketState {
  /** Cancels an operation that the client has completed. */
  abandon(id: string): void
  /** True once the socket is about to close: its client sends new operations again elsewhere. */
  isEnding(): boolean
}

/**
 * Lets a client use an id again at once. graphql-ws ends an operation some time after its
 * `complete`, and would take a new one of the same id for the old one. The new one therefore waits.
 */
export class OperationIds {
  readonly #running = new Map<string, RunningOperation>()
  readonly #socket: SocketState

  constructor(socket: SocketState) {
    this.#socket = socket
  }

  /** Called when graphql-ws completes an operation or rejects it. */
  completed(id: string): void {
    const running = this.#running.get(id)
    if (running) running.completed = true
  }

  /** Hands a message over, now or once the operation before it has ended. */
  async receive(text: string, handle: Handle): Promise<void> {
    const { type, id } = readHead(text)
    const running = id === null ? undefined : this.#running.get(id)
    if (type === 'subscribe' && id !== null) {
      if (this.#socket.isEnding()) return
      if (!running) return await this.#run(id, handle)
      if (running.completed && running.next === null) {
        running.next = handle
        return
      }
    } else if (type === 'complete' && id !== null && running) {
      if (running.completed) {
        running.next = null
        return
      }
      running.completed = true
      this.#socket.abandon(id)
    }
    await handle()
  }

  async #run(id: string, handle: Handle): Promise<void> {
    let next: Handle | null = handle
    while (next !== null) {
      const running: RunningOperation = { completed: false, next: null }
      this.#running.set(id, running)
      try {
        await next()
      } finally {
        next = this.#socket.isEnding() ? null : running.next
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
