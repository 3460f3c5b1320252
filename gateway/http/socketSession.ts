import type { WebSocket } from 'ws'
import type { Caller, Credentials } from '../identity/caller.ts'
import type { SubscriptionClosed } from '../subscriptions/takeUntilClosed.ts'
import { CREDENTIALS_ENDED, GOING_AWAY, SERVICE_RESTART } from './closeCodes.ts'
import { OperationIds } from './operationIds.ts'

/** How long a socket that ends waits for the responses of its queries and mutations. */
const responsesMsMax = 10_000

/** How long a client may take to respond to the close of its socket. */
const closeMsMax = 5_000

/** Codes after which graphql-ws connects again by itself. */
const CLOSE_CODES: ReadonlyMap<string, number> = new Map([
  ['SERVER_STOPPING', GOING_AWAY],
  ['GRAPH_CHANGED', SERVICE_RESTART],
])

/** The state of one WebSocket: its caller, the operations that wait for a response, and its end. */
export class SocketSession {
  readonly socket: WebSocket
  readonly ids = new OperationIds({
    abandon: (id) => this.#pending.get(id)?.(),
    isEnding: () => this.isEnding,
  })
  /** Set by connection_init. */
  caller: { given: Credentials; caller: Caller } | null = null
  /** Size of the message that graphql-ws got last, in bytes. */
  messageBytes = 0
  /** Functions that cancel the operations that have no response yet, by id. */
  readonly #pending = new Map<string, () => void>()
  #close: (() => void) | null = null
  #timer: NodeJS.Timeout | undefined

  constructor(socket: WebSocket) {
    this.socket = socket
    socket.once('close', () => {
      clearTimeout(this.#timer)
      for (const abandon of this.#pending.values()) abandon()
    })
  }

  /** True once no further operations are accepted. The client sends them on its next connection. */
  get isEnding(): boolean {
    return this.#close !== null
  }

  /** Counts an operation until it has a response. */
  begin(id: string, abandon: () => void = () => {}): void {
    this.#pending.set(id, abandon)
  }

  /** The response of an operation is about to be sent, or it has none. */
  respond(id: string): void {
    this.#pending.delete(id)
    // graphql-ws sends the response within this turn of the event loop.
    if (this.#close && this.#pending.size === 0) setImmediate(this.#close)
  }

  /**
   * Closes the socket once all operations have their response, at the latest after `msMax`. For a
   * socket that is ending already only that time changes.
   */
  end(code: number, reason: string, msMax = responsesMsMax): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#close?.(), msMax)
    if (this.#close) return
    this.#close = () => {
      clearTimeout(this.#timer)
      this.socket.close(code, reason)
      // A client that reads nothing never responds.
      setTimeout(() => this.socket.terminate(), closeMsMax).unref()
    }
    if (this.#pending.size === 0) setImmediate(this.#close)
  }

  /**
   * Ends a subscription that the gateway has closed: without a message, but with the socket. Its
   * client then subscribes again on a new one; after `complete` or an error it would not.
   */
  endWith({ code }: Pick<SubscriptionClosed, 'code'>): void {
    if (!this.isEnding) this.end(CLOSE_CODES.get(code) ?? CREDENTIALS_ENDED, code)
  }
}
