import type { ExecutionResult } from 'graphql'
import { LRUCache } from 'lru-cache'
import { ownValue } from '../../schema/kit/dictionary.ts'
import type { RequestInfo, SharedEvent } from '../../subgraphs/contract.ts'
import type { EventSelection } from './eventSelection.ts'

/** Maximum number of cached results of one group: those of the latest events. */
const resultsMax = 64
/** The maximum age at which a result with live fields is shared. */
const liveMsMax = 500

/** A scope that does not exist; only a caller with all scopes seems to have it. */
const noScope = '\0 every scope'

/** A result, with the sensitive values that it shows. */
export interface ExecutedEvent {
  result: ExecutionResult
  shown: readonly unknown[]
}

/** Subscribers with equal selections and equal rights. They share results. */
export class SubscriptionGroup {
  /**
   * Results by event. Null if a result cannot be shared after all: each waiting subscriber then
   * executes the event itself.
   */
  readonly #results: LRUCache<object, Promise<ExecutedEvent | null>>
  #newest = 0
  subscribers = 0

  /** `ageMsMax`: the maximum age at which a result is shared; null without a limit. */
  constructor(ageMsMax: number | null) {
    this.#results = new LRUCache({ max: resultsMax, ttl: ageMsMax ?? 0 })
  }

  /**
   * Returns the result of an event: that of another subscriber, finished or in progress, or the one
   * of `execute`. Errors are not shared, nor are results whose subscriber has left.
   */
  async resultOf(
    event: SharedEvent | null,
    execute: () => Promise<ExecutedEvent | null>,
  ): Promise<ExecutedEvent | null> {
    if (!event || this.subscribers < 2) return await execute()
    const { identity, order } = event
    const found = this.#results.get(identity)
    if (found) return (await found) ?? (await execute())
    // A subscriber in catch-up must not evict the results that the others are waiting for.
    if (order <= this.#newest - resultsMax) return await execute()
    this.#newest = Math.max(this.#newest, order)
    const own = execute()
    const shared = own.then(
      (e) => (e && !e.result.errors?.length ? e : null),
      () => null,
    )
    this.#results.set(identity, shared)
    return await own
  }
}

/** Returns the place of a subscription that shares no results. */
export function aloneInGroup(): { group: SubscriptionGroup; leave(): void } {
  return { group: new SubscriptionGroup(null), leave: () => {} }
}

/** The groups of the open subscriptions. */
export class SubscriptionGroups {
  readonly #open = new Map<string, SubscriptionGroup>()

  get size(): number {
    return this.#open.size
  }

  /** Adds a subscription to the group with the same selection and the same rights. */
  join(
    { text, variables: names, isLive }: EventSelection,
    variables: Readonly<Record<string, unknown>>,
    request: RequestInfo,
  ): { group: SubscriptionGroup; leave(): void } {
    const key = JSON.stringify([
      text,
      names.map((name) => ownValue(variables, name)),
      // A caller with all scopes lists none of them.
      request.scopes.has(noScope) ? '*' : [...request.scopes].sort(),
      request.regions ?? null,
      request.legalEntities ?? null,
      // Events are equal for all callers with these rights; live fields may depend on the caller as
      // well.
      ...(isLive ? [request.actor ?? null, [...(request.roles ?? [])].sort()] : []),
    ])
    const group = this.#open.get(key) ?? new SubscriptionGroup(isLive ? liveMsMax : null)
    this.#open.set(key, group)
    group.subscribers++
    let left = false
    return {
      group,
      leave: () => {
        if (left) return
        left = true
        if (--group.subscribers === 0) this.#open.delete(key)
      },
    }
  }
}
