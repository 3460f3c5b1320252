import { createHash } from 'node:crypto'
import { GraphQLError } from 'graphql'
import { LRUCache } from 'lru-cache'
import { HttpError } from '../httpError.ts'

/** The store of published operations. */
export interface OperationStore {
  /**
   * Returns the text of a hash (sha256, hex), or null if it is not published or is retired. Throws
   * if the store is unavailable.
   */
  find(hash: string): Promise<string | null>
  /** With `published` only published operations are executed. */
  mode: 'any' | 'published'
  report?: (error: unknown) => void
  /** How long a response of the store is cached, in ms; default 2 s. */
  ageMsMax?: number
}

/** The document of a request: its text, its hash, or both. */
export interface RequestedDocument {
  query: string | null
  /** sha256 of a text, in hex. */
  hash: string | null
}

const ageMsDefault = 2_000
/** Maximum number of cached responses of the store, unknown hashes included. */
const entriesMax = 10_000
/** Maximum characters of their texts together. */
const charsMax = 32_000_000

interface Entry {
  text: string | null
  until: number
}

/**
 * Resolves the operation that a request names to its text. The store is queried for each hash once
 * per `ageMsMax`, even for concurrent requests. A new or retired operation is noticed with that
 * delay. While the store is unavailable, its last response stays valid.
 */
export class PublishedOperations {
  readonly #store: OperationStore | undefined
  readonly #known = new LRUCache<string, Entry>({
    max: entriesMax,
    maxSize: charsMax,
    sizeCalculation: ({ text }) => (text?.length ?? 0) + 1,
  })
  readonly #pending = new Map<string, Promise<string | null>>()

  /** Without a store only texts are accepted. */
  constructor(store?: OperationStore) {
    this.#store = store
  }

  /**
   * Returns the text to run, or why the request is rejected. Throws HttpError 503 if the store
   * cannot be reached.
   */
  async textOf({ query, hash }: RequestedDocument): Promise<string | GraphQLError> {
    if (!this.#store) {
      if (hash === null || query !== null) return query ?? ''
      return refusal(
        'PERSISTED_QUERY_NOT_SUPPORTED',
        'This gateway has no published operations: send the text in "query"',
      )
    }
    if (query !== null && hash === null && this.#store.mode === 'any') return query
    const wanted = query === null ? hash : createHash('sha256').update(query).digest('hex')
    if (wanted === null) throw new Error('a request has a text or names one')
    if (hash !== null && hash !== wanted)
      return refusal('PERSISTED_QUERY_HASH_MISMATCH', 'The hash is not the sha256 of "query"')
    // A request does not publish: a text next to its hash runs, but is not stored.
    if (query !== null && this.#store.mode === 'any') return query
    const text = await this.#find(this.#store, wanted)
    if (text !== null) return text
    if (query !== null)
      return refusal(
        'PERSISTED_QUERY_REQUIRED',
        'This gateway runs only published operations: publish this one first',
      )
    return refusal(
      'PERSISTED_QUERY_NOT_FOUND',
      'No operation is published under this hash, or it has been retired',
    )
  }

  async #find(store: OperationStore, hash: string): Promise<string | null> {
    const known = this.#known.get(hash)
    if (known && known.until > performance.now()) return known.text
    let pending = this.#pending.get(hash)
    if (!pending) {
      pending = this.#load(store, hash, known).finally(() => this.#pending.delete(hash))
      this.#pending.set(hash, pending)
    }
    return pending
  }

  async #load(
    store: OperationStore,
    hash: string,
    known: Entry | undefined,
  ): Promise<string | null> {
    let text: string | null
    try {
      text = await store.find(hash)
    } catch (e) {
      store.report?.(e)
      if (!known)
        throw new HttpError(
          503,
          'UNAVAILABLE',
          'Published operations cannot be read at present; try again later',
        )
      text = known.text
    }
    this.#known.set(hash, { text, until: performance.now() + (store.ageMsMax ?? ageMsDefault) })
    return text
  }
}

function refusal(code: string, message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code } })
}
