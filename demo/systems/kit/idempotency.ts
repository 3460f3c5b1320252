import type { Clock } from './clock.ts'
import type { Received, Reply } from './exchange.ts'

/** A vendor's idempotency keys. */
export interface Idempotency {
  /**
   * Returns the key of a request; undefined where the vendor reads none. It checks the credential,
   * because a stored reply is for its owner only. Throws `Refused`.
   */
  keyOf(request: Received): string | undefined
  /** How long a reply is stored. */
  windowMs: number
  /** Headers of a stored reply. */
  replayed: Record<string, string>
  /** The reply to a key that belongs to another request. */
  other(request: Received): Reply
  /** The reply while the first request with the key runs. */
  running(request: Received): Reply
  /** Whether the vendor stores a reply; others let the request be tried again. */
  stores(reply: Reply): boolean
}

interface Entry {
  request: string
  at: number
  /** Undefined while the request runs. */
  reply: Reply | undefined
}

/** A request with or without a key: it is answered already, or executed and then finished. */
export type Begun = { reply: Reply } | { reply?: never; finish(reply: Reply): void }

/** The replies of requests that carry an idempotency key. */
export class StoredReplies {
  readonly #rules: Idempotency | undefined
  readonly #clock: Clock
  readonly #entries = new Map<string, Entry>()

  constructor(rules: Idempotency | undefined, clock: Clock) {
    this.#rules = rules
    this.#clock = clock
  }

  /** Throws `Refused` if the key is no key of the vendor. */
  begin(request: Received): Begun {
    const rules = this.#rules
    const key = rules?.keyOf(request)
    if (!rules || key === undefined) return { finish() {} }
    const same = [request.method, request.path, request.query, request.body].join('\n')
    const found = this.#entries.get(key)
    if (found && this.#clock.now() - found.at < rules.windowMs) {
      if (found.request !== same) return { reply: rules.other(request) }
      if (!found.reply) return { reply: rules.running(request) }
      const headers = { ...found.reply.headers, ...rules.replayed }
      return { reply: { ...found.reply, headers } }
    }
    const entry: Entry = { request: same, at: this.#clock.now(), reply: undefined }
    this.#entries.set(key, entry)
    return {
      finish: (reply) => {
        if (rules.stores(reply)) entry.reply = reply
        else this.#entries.delete(key)
      },
    }
  }
}
