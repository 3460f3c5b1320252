import { createHash } from 'node:crypto'
import { GraphQLError } from 'graphql'
import { LRUCache } from 'lru-cache'
import { HttpError } from '../httpError.ts'

/** The store of published operations. */
export interface OperationStore {
  /**
   * The text of a hash (sha256, hex), or null where it is not published or is retired. Throws where
   * the store is away.
   */
  find(hash: string): Promise<string | null>
  /** With `published` only published operations are executed. */
  mode: 'any' | 'published'
  report?: (error: unknown) => void
  /** How long what the store said is taken as it was, in ms; default 2 s. */
  ageMsMax?: number
}

/** The document of a request: its text, its hash, or both. */
export interface AskedDocument {
  query: string | null
  /** sha256 of a text, in hex. */
  hash: string | null
}

const ageMsDefault = 2_000
/** Answers of the store that are remembered, unknown hashes among them. */
const entriesMax = 10_000
/** All their texts together. */
const charsMax = 32_000_000

interface Entry {
  text: string | null
  until: number
}

/**
 * Turns what a request names into a text. The store is asked once in `ageMsMax` for a hash, however
 * many ask for it at the same time; so late is a new or retired one noticed. While the store is
 * away, what it said last goes on holding.
 */
export class PublishedOperations {
  readonly #store: OperationStore | undefined
  readonly #known = new LRUCache<string, Entry>({
    max: entriesMax,
    maxSize: charsMax,
    sizeCalculation: ({ text }) => (text?.length ?? 0) + 1,
  })
  readonly #asked = new Map<string, Promise<string | null>>()

  /** Without a store only texts are answered. */
  constructor(store?: OperationStore) {
    this.#store = store
  }

  /**
   * Returns the text to run, or why the request is rejected. Throws HttpError 503 if the store
   * cannot be reached.
   */
  async textOf({ query, hash }: AskedDocument): Promise<string | GraphQLError> {
    if (!this.#store) {
      if (hash === null || query !== null) return query ?? ''
      return refusal(
        'PERSISTED_QUERY_NOT_SUPPORTED',
        'Operations cannot be named here: send the text in "query"',
      )
    }
    if (query !== null && hash === null && this.#store.mode === 'any') return query
    const wanted = query === null ? hash : createHash('sha256').update(query).digest('hex')
    if (wanted === null) throw new Error('a request has a text or names one')
    if (hash !== null && hash !== wanted)
      return refusal('PERSISTED_QUERY_HASH_MISMATCH', 'The hash is not the sha256 of "query"')
    // Nobody publishes by asking: a text beside its hash is answered, and not kept.
    if (query !== null && this.#store.mode === 'any') return query
    const text = await this.#find(this.#store, wanted)
    if (text !== null) return text
    if (query !== null)
      return refusal(
        'PERSISTED_QUERY_REQUIRED',
        'Only published operations are answered here: publish this one first',
      )
    return refusal(
      'PERSISTED_QUERY_NOT_FOUND',
      'No operation is published by this hash, or it has been retired',
    )
  }

  async #find(store: OperationStore, hash: string): Promise<string | null> {
    const known = this.#known.get(hash)
    if (known && known.until > performance.now()) return known.text
    let asked = this.#asked.get(hash)
    if (!asked) {
      asked = this.#ask(store, hash, known).finally(() => this.#asked.delete(hash))
      this.#asked.set(hash, asked)
    }
    return asked
  }

  async #ask(
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
