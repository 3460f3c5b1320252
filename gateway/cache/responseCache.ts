import type { ExecutionResult } from 'graphql'
import { LRUCache } from 'lru-cache'
import type { CacheableGraph, RequestInfo } from '../../subgraphs/contract.ts'
import { isAbandoned } from '../limits/timeLimit.ts'
import { type Dependencies, recordsIn } from './dependencies.ts'
import { rightsKey } from './rightsKey.ts'

export interface ResponseCacheOptions {
  graph: CacheableGraph
  /** Maximum size of all cached responses, in bytes of JSON. */
  bytesMax: number
  /**
   * The maximum staleness of a cached response. It is measured from the last moment up to which
   * this process knows all committed changes. Default 2,000 ms.
   */
  staleMsMax?: number
  /**
   * True if callers see only some rows. A response may then depend on records that it does not
   * name.
   */
  rowRights?: boolean
  /** Returns the current staleness. Another feed or another policy invalidates the whole cache. */
  now: () => { readMsAgo: number; feed: unknown; policy: unknown }
}

/** An event of the feed. */
export interface FeedEvent {
  position: number
  type: string
  goldenId: string
}

interface CachedResponse {
  result: ExecutionResult
  bytes: number
  /** Types and ids whose changes invalidate the response. */
  names: string[]
}

/** Counts since the start, and the bytes that are cached now. */
export interface ResponseCacheStats {
  hits: number
  misses: number
  joined: number
  dropped: number
  bytes: number
}

/** The property of a cached result that holds its JSON text. */
export const jsonText = Symbol('JSON text')

const staleMsDefault = 2_000
/** Larger responses are not cached. */
const responseBytesMax = 1_000_000

/**
 * Caches responses of queries that depend on golden records alone, until the feed reports a change
 * of one of them. Callers with the same scopes, roles, regions and legal entities share them. While
 * the feed has not been read to its end, every query is executed. Identical queries at the same
 * time are executed once.
 */
export class ResponseCache {
  readonly #options: ResponseCacheOptions
  readonly #responses: LRUCache<string, CachedResponse>
  readonly #keysByName = new Map<string, Set<string>>()
  readonly #running = new Map<string, Promise<ExecutionResult>>()
  /** The number of the event that last changed a record of each type. */
  readonly #changedAt = new Map<string, number>()
  #events = 0
  #position: number | null = null
  #feed: unknown = null
  #policy: unknown = null
  #epoch = 0
  readonly stats: ResponseCacheStats = { hits: 0, misses: 0, joined: 0, dropped: 0, bytes: 0 }

  constructor(options: ResponseCacheOptions) {
    this.#options = options
    this.#responses = new LRUCache({
      maxSize: options.bytesMax,
      sizeCalculation: ({ bytes }) => bytes,
      dispose: (response, key) => this.#forget(response, key),
    })
  }

  get graph(): CacheableGraph {
    return this.#options.graph
  }

  /**
   * Returns the cached response of an operation, or that of an identical one in progress, or the
   * result of `execute`.
   */
  async respond(
    operation: {
      text: string
      name: string | null | undefined
      variables: Readonly<Record<string, unknown>>
    },
    dependencies: Dependencies,
    request: RequestInfo,
    execute: () => Promise<ExecutionResult>,
  ): Promise<ExecutionResult> {
    if (!this.#isFresh() || dependencies.isVolatile(operation.variables)) return await execute()
    const key = keyOf(operation, request)
    const cached = this.#responses.get(key)
    if (cached) {
      this.stats.hits++
      return cached.result
    }
    const running = this.#running.get(key)
    if (running) {
      this.stats.joined++
      const result = await running
      return isAbandoned(result) ? await execute() : result
    }
    this.stats.misses++
    const [epoch, began] = [this.#epoch, this.#events]
    const executed = execute()
    this.#running.set(key, executed)
    try {
      const result = await executed
      const isBound =
        this.#options.rowRights ||
        request.regions !== undefined ||
        request.legalEntities !== undefined
      const { types, records } = isBound ? { types: this.graph.types, records: [] } : dependencies
      if (!result.errors?.length && this.#epoch === epoch)
        this.#store(key, result, types, records, began)
      return result
    } finally {
      if (this.#running.get(key) === executed) this.#running.delete(key)
    }
  }

  /**
   * Invalidates the responses that depend on the changed record. Receives every event in the order
   * of positions.
   */
  changed({ position, type, goldenId }: FeedEvent): void {
    if (this.#position !== null && position !== this.#position + 1) this.#clear()
    this.#position = position
    this.#changedAt.set(type, ++this.#events)
    // Later requests must not join executions that began before the change.
    this.#running.clear()
    for (const name of [type, goldenId])
      for (const key of this.#keysByName.get(name) ?? []) this.#responses.delete(key)
  }

  /**
   * Returns true if the feed has been read to its end. Clears the cache if the feed or the policy
   * has been replaced.
   */
  #isFresh(): boolean {
    const { readMsAgo, feed, policy } = this.#options.now()
    if (feed !== this.#feed || policy !== this.#policy) {
      this.#clear()
      if (feed !== this.#feed) this.#position = null
      this.#feed = feed
      this.#policy = policy
    }
    return readMsAgo <= (this.#options.staleMsMax ?? staleMsDefault)
  }

  #store(
    key: string,
    result: ExecutionResult,
    types: Dependencies['types'],
    records: Dependencies['records'],
    began: number,
  ): void {
    // The result may or may not include a change that was committed during the execution.
    for (const type of [...types, ...records.map((r) => r.type)])
      if ((this.#changedAt.get(type) ?? 0) > began) return
    const text = JSON.stringify(result)
    const bytes = 2 * (text.length + key.length)
    if (bytes > responseBytesMax) return
    const found = recordsIn(result.data, records)
    const names = [...new Set([...types, ...found.types, ...found.ids])]
    // Not enumerable: a copy of the result with additional properties has another text.
    Object.defineProperty(result, jsonText, { value: text })
    this.#responses.set(key, { result, bytes, names })
    // The cache rejects a response that is larger than itself.
    if (!this.#responses.has(key)) return
    this.stats.bytes += bytes
    for (const name of names) {
      const keys = this.#keysByName.get(name)
      if (keys) keys.add(key)
      else this.#keysByName.set(name, new Set([key]))
    }
  }

  #forget({ bytes, names }: CachedResponse, key: string): void {
    this.stats.bytes -= bytes
    this.stats.dropped++
    for (const name of names) {
      const keys = this.#keysByName.get(name)
      keys?.delete(key)
      if (keys?.size === 0) this.#keysByName.delete(name)
    }
  }

  #clear(): void {
    this.#epoch++
    this.#running.clear()
    this.#responses.clear()
  }
}

function keyOf(
  { text, name, variables }: { text: string; name: string | null | undefined; variables: object },
  request: RequestInfo,
): string {
  return `${rightsKey(request)}\n${name ?? ''}\n${JSON.stringify(variables)}\n${text}`
}
