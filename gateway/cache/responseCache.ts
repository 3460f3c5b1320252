import type { DocumentNode, ExecutionResult, GraphQLSchema, OperationDefinitionNode } from 'graphql'
import type { CacheableGraph, RequestInfo } from '../../subgraphs/contract.ts'
import { rememberText } from '../http/httpAnswer.ts'
import { isGone } from '../limits/timeLimit.ts'
import { type Dependencies, dependenciesOf, recordsIn } from './dependencies.ts'

export interface AnswersOptions {
  graph: CacheableGraph
  /** Of all answers that are kept, as JSON. */
  bytesMax: number
  /**
   * How long ago at most everything that had been committed was known here, for an answer to be given again; so stale it
   * may be at most. Default 2,000 ms.
   */
  staleMsMax?: number
  /** Whether callers see but some rows: then what one sees may hang on records that its answer does not name. */
  rowRights?: boolean
  /** How long ago that is. With another feed, or another policy, all answers are forgotten. */
  now: () => { readMsAgo: number; feed: unknown; policy: unknown }
}

/** An event of the feed. */
export interface Changed {
  position: number
  type: string
  goldenId: string
}

interface Answer {
  result: ExecutionResult
  bytes: number
  /** Types and ids under which it is found. */
  of: string[]
}

/** Figures since the start, and what is kept now. */
export interface AnswersFigures {
  hits: number
  misses: number
  joined: number
  dropped: number
  bytes: number
}

const staleMsDefault = 2_000
const NO_RIGHT = new Set(['actor', 'correlationId', 'traceparent', 'operation', 'signal', 'via', 'expiresAt'])
/** A larger answer is not kept. */
const answerBytesMax = 1_000_000

/**
 * Answers of queries that hang on golden records alone, kept until the feed says that one of these records changed. Private
 * per rights: an answer is given to callers with the same scopes, roles, regions and legal entities. While the feed is not
 * read to its end, every query is executed. The same query asked for while it runs is executed once.
 */
export class Answers {
  readonly #options: AnswersOptions
  readonly #dependencies = new WeakMap<DocumentNode, Map<OperationDefinitionNode, Dependencies | null>>()
  /** The one that was asked for longest ago stands first. */
  readonly #answers = new Map<string, Answer>()
  readonly #byRecord = new Map<string, Set<string>>()
  readonly #running = new Map<string, Promise<ExecutionResult>>()
  /** When, in events, a record of each type last changed. */
  readonly #changedAt = new Map<string, number>()
  readonly #rights = new WeakMap<object, string>()
  #events = 0
  #position: number | null = null
  #feed: unknown = null
  #policy: unknown = null
  #epoch = 0
  readonly figures: AnswersFigures = { hits: 0, misses: 0, joined: 0, dropped: 0, bytes: 0 }

  constructor(options: AnswersOptions) {
    this.#options = options
  }

  /** Null where the operation is not of golden records alone. */
  dependenciesOf(
    schema: GraphQLSchema,
    document: DocumentNode,
    operation: OperationDefinitionNode,
  ): Dependencies | null {
    const known = this.#dependencies.get(document) ?? new Map<OperationDefinitionNode, Dependencies | null>()
    this.#dependencies.set(document, known)
    let found = known.get(operation)
    if (found === undefined) {
      found = dependenciesOf(this.#options.graph, schema, document, operation)
      known.set(operation, found)
    }
    return found
  }

  /** What an operation is known by. Null where it filters by source records, which may come without a change. */
  keyOf(
    text: string,
    operationName: string | null | undefined,
    variables: unknown,
    request: RequestInfo,
  ): string | null {
    const asked = `${operationName ?? ''}\n${JSON.stringify(variables ?? {})}\n${text}`
    return /source/i.test(asked) ? null : `${this.#rightsOf(request)}\n${asked}`
  }

  async answer(
    key: string,
    given: Dependencies,
    request: RequestInfo,
    execute: () => Promise<ExecutionResult>,
  ): Promise<ExecutionResult> {
    const { readMsAgo, feed, policy } = this.#options.now()
    if (feed !== this.#feed || policy !== this.#policy) {
      this.#forget()
      if (feed !== this.#feed) this.#position = null
      this.#feed = feed
      this.#policy = policy
    }
    const epoch = this.#epoch
    const bound = this.#options.rowRights || request.regions !== undefined || request.legalEntities !== undefined
    const dependencies = bound ? { types: this.#options.graph.types, records: [] } : given
    if (readMsAgo > (this.#options.staleMsMax ?? staleMsDefault)) return await execute()
    const found = this.#answers.get(key)
    if (found) {
      this.figures.hits++
      this.#answers.delete(key)
      this.#answers.set(key, found)
      return found.result
    }
    const running = this.#running.get(key)
    if (running) {
      this.figures.joined++
      const result = await running
      return isGone(result) ? await execute() : result
    }
    this.figures.misses++
    const began = this.#events
    const executed = execute()
    this.#running.set(key, executed)
    try {
      const result = await executed
      if (!result.errors?.length && this.#epoch === epoch) this.#keep(key, result, dependencies, began)
      return result
    } finally {
      if (this.#running.get(key) === executed) this.#running.delete(key)
    }
  }

  /** Told of every event, in the order of positions. */
  changed({ position, type, goldenId }: Changed): void {
    if (this.#position !== null && position !== this.#position + 1) this.#forget()
    this.#position = position
    this.#changedAt.set(type, ++this.#events)
    // Who asks from now on is not given what was begun before.
    this.#running.clear()
    for (const name of [type, goldenId]) for (const key of this.#byRecord.get(name) ?? []) this.#drop(key)
  }

  #keep(key: string, result: ExecutionResult, dependencies: Dependencies, began: number): void {
    const { ids, types } = recordsIn(result.data, dependencies)
    for (const type of dependencies.types) types.add(type)
    // What changed while it was executed may be in it or not.
    for (const type of [...types, ...dependencies.records.map((r) => r.type)])
      if ((this.#changedAt.get(type) ?? 0) > began) return
    const text = JSON.stringify(result)
    const bytes = 2 * (text.length + key.length)
    if (bytes > answerBytesMax) return
    rememberText(result, text)
    this.#drop(key)
    const of = [...types, ...ids]
    this.#answers.set(key, { result, bytes, of })
    this.figures.bytes += bytes
    for (const name of of) {
      const keys = this.#byRecord.get(name)
      if (keys) keys.add(key)
      else this.#byRecord.set(name, new Set([key]))
    }
    for (const oldest of this.#answers.keys()) {
      if (this.figures.bytes <= this.#options.bytesMax) break
      this.#drop(oldest)
    }
  }

  #drop(key: string): void {
    const answer = this.#answers.get(key)
    if (!answer) return
    this.#answers.delete(key)
    this.figures.bytes -= answer.bytes
    this.figures.dropped++
    for (const name of answer.of) {
      const keys = this.#byRecord.get(name)
      keys?.delete(key)
      if (keys?.size === 0) this.#byRecord.delete(name)
    }
  }

  #forget(): void {
    this.#epoch++
    this.#running.clear()
    for (const key of [...this.#answers.keys()]) this.#drop(key)
  }

  /** All that a request says but who asks and which request it is: what is new among it parts callers until it is named above. */
  #rightsOf(request: RequestInfo): string {
    return Object.entries(request)
      .filter(([name]) => !NO_RIGHT.has(name))
      .map(([name, value]) => `${name}=${value instanceof Set ? this.#wordsOf(value) : JSON.stringify(value)}`)
      .sort()
      .join(';')
  }

  #wordsOf(set: ReadonlySet<string>): string {
    let words = this.#rights.get(set)
    if (words === undefined) {
      words = set.has('*') ? '*' : [...set].sort().join(' ')
      this.#rights.set(set, words)
    }
    return words
  }
}
