import { LRUCache } from 'lru-cache'
import type { Caller } from './caller.ts'

export interface CallerCacheOptions {
  /** Maximum number of cached callers; the least recently used is evicted first. */
  callersMax: number
  /** How long a caller is cached; never longer than the credentials are valid. */
  msMax: number
}

/**
 * Identifies callers by `identify`, once for credentials that are used repeatedly or at the same
 * time. Only valid credentials are cached, under `key`.
 */
export class CallerCache {
  readonly #msMax: number
  readonly #known: LRUCache<string, Caller>
  readonly #running = new Map<string, Promise<Caller>>()

  constructor({ callersMax, msMax }: CallerCacheOptions) {
    this.#msMax = msMax
    this.#known = new LRUCache({ max: callersMax })
  }

  async identify(key: string, identify: () => Promise<Caller>): Promise<Caller> {
    const known = this.#known.get(key)
    if (known) return known
    const running =
      this.#running.get(key) ??
      this.#identify(key, identify).finally(() => this.#running.delete(key))
    this.#running.set(key, running)
    return await running
  }

  async #identify(key: string, identify: () => Promise<Caller>): Promise<Caller> {
    const caller = await identify()
    const ttl = Math.floor(
      Math.min(this.#msMax, (caller.expiresAt ?? Number.POSITIVE_INFINITY) - Date.now()),
    )
    if (ttl > 0) this.#known.set(key, caller, { ttl })
    return caller
  }
}
