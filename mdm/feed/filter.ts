import { isDeepStrictEqual } from 'node:util'
import type { ChangeEvent, Op } from '../../schema/events.ts'
import { isUuid } from '../../schema/uuid.ts'
import { FeedError } from './feedError.ts'

/** Which events a subscriber wants; null lets all pass, an empty list none (docs/FEED.md, 6). */
export interface FeedFilter {
  types: readonly string[] | null
  ids: readonly string[] | null
  ops: readonly Op[] | null
  /** Source systems that caused the event. */
  systems: readonly string[] | null
  /** At least one of these fields changed. */
  changedFields: readonly string[] | null
  /** All of these hold, of the values before or of those after; also of a snapshot's. */
  values: readonly ValueTest[] | null
}

/**
 * A field, or a field of a group, has one of some values; a list has it when one of its elements
 * has.
 */
export interface ValueTest {
  path: readonly string[]
  in: readonly unknown[]
}

export const everything: FeedFilter = {
  types: null,
  ids: null,
  ops: null,
  systems: null,
  changedFields: null,
  values: null,
}

export const filterIdsMax = 1_000
/** For each of the other lists of a filter. */
export const filterItemsMax = 100

/**
 * The same filter with ids in their one spelling; throws FeedError FILTER_INVALID where it is out
 * of bounds.
 */
export function checkedFilter(filter: FeedFilter): FeedFilter {
  const { ids, ...lists } = filter
  if (ids && ids.length > filterIdsMax)
    throw new FeedError('FILTER_INVALID', `${ids.length} ids in the filter; at most ${filterIdsMax}`)
  for (const [name, list] of Object.entries(lists))
    if (list && list.length > filterItemsMax)
      throw new FeedError('FILTER_INVALID', `${list.length} ${name} in the filter; at most ${filterItemsMax}`)
  const spelled = ids?.map((id) => id.toLowerCase()) ?? null
  const bad = spelled?.find((id) => !isUuid(id))
  if (bad !== undefined)
    throw new FeedError('FILTER_INVALID', `"${bad.slice(0, 64)}" in ids is no golden id: golden ids are uuids`)
  return { ...filter, ids: spelled }
}

/** Everything of a filter but the ids, as one function. */
export function matcher(filter: FeedFilter): (event: ChangeEvent) => boolean {
  const types = filter.types && new Set(filter.types)
  const ops = filter.ops && new Set<string>(filter.ops)
  const systems = filter.systems && new Set(filter.systems)
  const fields = filter.changedFields && new Set(filter.changedFields)
  const { values } = filter
  return (event) =>
    (!types || types.has(event.type)) &&
    (!ops || ops.has(event.op)) &&
    (!systems || systems.has(event.cause.source)) &&
    (!fields || event.changedFields.some((f) => fields.has(f))) &&
    (!values || valuesPass(values, event.after) || valuesPass(values, event.before))
}

/**
 * Whether values pass all tests. Those of a record that leaves what is asked for pass before, so
 * its leaving is told.
 */
export function valuesPass(tests: readonly ValueTest[], values: Record<string, unknown> | null): boolean {
  if (values === null) return false
  return tests.every(({ path, in: wanted }) =>
    reach(values, path).some((v) => wanted.some((w) => isDeepStrictEqual(v, w))),
  )
}

/** What a path leads to, through every element of the lists on it; null where it leads nowhere. */
function reach(value: unknown, path: readonly string[]): unknown[] {
  if (Array.isArray(value)) return value.flatMap((v) => reach(v, path))
  const [name, ...rest] = path
  if (name === undefined) return [value ?? null]
  return reach(value instanceof Object ? (value as Record<string, unknown>)[name] : null, rest)
}

/** Follows golden ids to what they resolve to at the place of the feed that was observed last. */
export class Followed {
  readonly #roots: readonly string[]
  readonly #redirects: Map<string, string>
  #ids = new Set<string>()

  /** `redirects` as they were where the subscription starts. */
  constructor(roots: readonly string[], redirects: Map<string, string>) {
    this.#roots = roots
    this.#redirects = redirects
    this.#resolve()
  }

  get ids(): string[] {
    return [...this.#ids]
  }

  has(id: string): boolean {
    return this.#ids.has(id)
  }

  /**
   * Takes note of a redirect that an event sets or lifts; true when other ids are followed from now
   * on.
   */
  observe(event: ChangeEvent): boolean {
    if (!this.#ids.has(event.goldenId)) return false
    if ((this.#redirects.get(event.goldenId) ?? null) === event.redirect) return false
    if (event.redirect === null) this.#redirects.delete(event.goldenId)
    else this.#redirects.set(event.goldenId, event.redirect)
    this.#resolve()
    return true
  }

  #resolve(): void {
    this.#ids = new Set()
    for (const root of this.#roots)
      for (let id: string | undefined = root; id !== undefined && !this.#ids.has(id); id = this.#redirects.get(id))
        this.#ids.add(id)
  }
}
