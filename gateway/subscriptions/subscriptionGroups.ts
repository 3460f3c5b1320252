import { type DocumentNode, type ExecutionResult, Kind, type OperationDefinitionNode, print } from 'graphql'
import type { RequestInfo, SharedEvent } from '../../subgraphs/contract.ts'

/** Results of one selection that are kept: those of the live end. */
const resultsMax = 64
/** How old a result that shows entities may be: they are shown as they are when it is delivered. */
const entityMsMax = 500

/** Nobody is given it; only a caller with all scopes says to have it. */
const noScope = '\0 every scope'

/** A result, and what of sensitive fields was shown in it. */
export interface Made {
  result: ExecutionResult
  shown: readonly unknown[]
}

interface Shared {
  at: number
  order: number
  /** Null where it cannot be shared after all: whoever waits for it makes its own. */
  result: Promise<Made | null>
}

/** The results of one selection under the same rights, for all who subscribe to it. */
export class Selection {
  readonly #results = new Map<object, Shared>()
  readonly #ageMsMax: number
  #newest = 0
  subscribers = 0

  constructor(ageMsMax: number) {
    this.#ageMsMax = ageMsMax
  }

  /**
   * The result of an event: as somebody has made it or is making it, else by `make`. One that is wrong, or whose maker
   * left meanwhile, is nobody else's.
   */
  async of(event: SharedEvent | null, make: () => Promise<Made | null>): Promise<Made | null> {
    if (!event || this.subscribers < 2) return await make()
    const { identity, order } = event
    const found = this.#results.get(identity)
    if (found && performance.now() - found.at <= this.#ageMsMax) return (await found.result) ?? (await make())
    // Who catches up does not push out what the others are being served.
    if (order <= this.#newest - resultsMax) return await make()
    this.#newest = Math.max(this.#newest, order)
    const own = make()
    const shared = own.then(
      (m) => (m && !m.result.errors?.length ? m : null),
      () => null,
    )
    this.#results.delete(identity)
    this.#results.set(identity, { at: performance.now(), order, result: shared })
    for (const old of this.#results.keys()) {
      if (this.#results.size <= resultsMax) break
      this.#results.delete(old)
    }
    return await own
  }
}

/** Selections that are subscribed to at the moment. */
export class Selections {
  readonly #open = new Map<string, Selection>()
  readonly #texts = new WeakMap<OperationDefinitionNode, string | null>()
  readonly #live: RegExp

  /** `liveFields`: see the contract of subgraphs. */
  constructor(liveFields: readonly string[]) {
    this.#live = new RegExp(`\\b(${['never a name', ...liveFields].join('|')})\\b`)
  }

  /** How many different ones are subscribed to. */
  get size(): number {
    return this.#open.size
  }

  /** Joins those who ask for the same with the same rights; null where that cannot be told. */
  join(
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: Record<string, unknown>,
    request: RequestInfo,
  ): { selection: Selection; leave(): void } | null {
    let text = this.#texts.get(operation)
    if (text === undefined) {
      text = selected(document, operation)
      this.#texts.set(operation, text)
    }
    if (text === null) return null
    const entities = this.#live.test(text)
    const used = [...new Set([...text.matchAll(/\$(\w+)/g)].map(([, name]) => name ?? ''))].sort()
    const key = JSON.stringify([
      text,
      used.map((name) => variables[name]),
      // Who has all scopes names none of them.
      request.scopes.has(noScope) ? '*' : [...request.scopes].sort(),
      request.regions ?? null,
      request.legalEntities ?? null,
      // Events are the same for all with these rights; what else is asked about their entities may depend on more.
      ...(entities ? [request.actor ?? null, [...(request.roles ?? [])].sort()] : []),
    ])
    const selection = this.#open.get(key) ?? new Selection(entities ? entityMsMax : Number.POSITIVE_INFINITY)
    this.#open.set(key, selection)
    selection.subscribers++
    let left = false
    return {
      selection,
      leave: () => {
        if (left) return
        left = true
        if (--selection.subscribers === 0) this.#open.delete(key)
      },
    }
  }
}

/**
 * What is asked of each event: the operation without its name and without the arguments of its one field, which say which
 * events come and not what is told of them. Null where it is not of this plain form.
 */
function selected(document: DocumentNode, operation: OperationDefinitionNode): string | null {
  const [field, ...others] = operation.selectionSet.selections
  if (field?.kind !== Kind.FIELD || others.length > 0) return null
  const fragments = document.definitions.filter((d) => d.kind === Kind.FRAGMENT_DEFINITION)
  const bare = { ...field, arguments: [] }
  return [bare, ...fragments].map((node) => print(node)).join('\n')
}
