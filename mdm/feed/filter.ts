import { isDeepStrictEqual } from 'node:util'
import type { ChangeEvent, Op } from '../../schema/events.ts'
import { ownValue } from '../../schema/kit/dictionary.ts'
import { normalText } from '../../schema/kit/normalText.ts'
import { isOperational } from '../../schema/operational.ts'
import { isUuid } from '../../schema/uuid.ts'
import { FeedError } from './feedError.ts'

/** Selects the events of a subscriber; null lets all pass, an empty list none (docs/FEED.md, 6). */
export interface FeedFilter {
  types: readonly string[] | null
  /**
   * Whether events of operational objects pass if no types are given. Webhooks of earlier versions
   * lack it.
   */
  operational?: boolean
  ids: readonly string[] | null
  ops: readonly Op[] | null
  /** Source systems that caused the event. */
  systems: readonly string[] | null
  /** At least one of these fields changed. */
  changedFields: readonly string[] | null
  /** All tests must pass, on the values before or on those after; on a snapshot's values too. */
  values: readonly ValueTest[] | null
}

/**
 * Tests whether a field, or a field of a group, has one of some values. A list passes if one of its
 * elements does.
 */
export interface ValueTest {
  path: readonly string[]
  in: readonly unknown[]
}

export const everything: FeedFilter = {
  types: null,
  operational: true,
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
 * Returns the filter with ids in canonical spelling and texts in normal form. Throws FeedError
 * FILTER_INVALID if it is out of bounds.
 */
export function checkFilter(filter: FeedFilter): FeedFilter {
  const { ids, operational, ...lists } = filter
  if (ids && ids.length > filterIdsMax)
    throw new FeedError(
      'FILTER_INVALID',
      `${ids.length} ids in the filter; at most ${filterIdsMax}`,
    )
  for (const [name, list] of Object.entries(lists))
    if (list && list.length > filterItemsMax)
      throw new FeedError(
        'FILTER_INVALID',
        `${list.length} ${name} in the filter; at most ${filterItemsMax}`,
      )
  const spelled = ids?.map((id) => id.toLowerCase()) ?? null
  const bad = spelled?.find((id) => !isUuid(id))
  if (bad !== undefined)
    throw new FeedError(
      'FILTER_INVALID',
      `"${bad.slice(0, 64)}" in ids is no golden id: golden ids are uuids`,
    )
  const values = filter.values?.map(({ path, in: wanted }) => ({
    path,
    in: wanted.map((w) => (typeof w === 'string' ? normalText(w) : w)),
  }))
  return { ...filter, ids: spelled, values: values ?? null }
}

/** Returns a predicate for all parts of a filter except the ids. */
export function createMatcher(filter: FeedFilter): (event: ChangeEvent) => boolean {
  const types = filter.types && new Set(filter.types)
  const ops = filter.ops && new Set<string>(filter.ops)
  const systems = filter.systems && new Set(filter.systems)
  const fields = filter.changedFields && new Set(filter.changedFields)
  const { values, operational } = filter
  return (event) =>
    (types ? types.has(event.type) : operational || !isOperational(event.type)) &&
    (!ops || ops.has(event.op)) &&
    (!systems || systems.has(event.cause.source)) &&
    (!fields || event.changedFields.some((f) => fields.has(f))) &&
    (!values || valuesPass(values, event.after) || valuesPass(values, event.before))
}

/**
 * Returns whether values pass all tests. Callers also test the values before, so that a record that
 * leaves the filter is still reported.
 */
export function valuesPass(
  tests: readonly ValueTest[],
  values: Record<string, unknown> | null,
): boolean {
  if (values === null) return false
  return tests.every(({ path, in: wanted }) =>
    reach(values, path).some((v) => wanted.some((w) => isDeepStrictEqual(v, w))),
  )
}

/**
 * Returns the values at a path, through every element of the lists on it; null for a missing one.
 */
function reach(value: unknown, path: readonly string[]): unknown[] {
  if (Array.isArray(value)) return value.flatMap((v) => reach(v, path))
  const [name, ...rest] = path
  if (name === undefined) return [value ?? null]
  return reach(
    value instanceof Object ? ownValue(value as Record<string, unknown>, name) : null,
    rest,
  )
}

/** Resolves golden ids as of the last observed position of the feed. */
export class Followed {
  readonly #roots: readonly string[]
  readonly #redirects: Map<string, string>
  #ids = new Set<string>()

  /** `redirects` are those at the start of the subscription. */
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
   * Applies a redirect that an event sets or removes. Returns true if the set of followed ids
   * changed.
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
      for (
        let id: string | undefined = root;
        id !== undefined && !this.#ids.has(id);
        id = this.#redirects.get(id)
      )
        this.#ids.add(id)
  }
}
