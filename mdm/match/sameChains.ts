import { components } from '../../schema/kit/disjointSet.ts'

/** Two records that a steward asserted to be one thing. */
export interface SamePair {
  a: string
  b: string
}

/**
 * Returns the SAME assertions of the live records, also those that hold through absent records:
 * each equivalence class as a chain, in order of key. A class with one live record has no chain.
 */
export function sameChains(
  pairs: readonly SamePair[],
  isLive: (key: string) => boolean,
): SamePair[] {
  return equivalenceClasses(pairs).flatMap((keys) => {
    const live = keys.filter(isLive)
    return live.slice(1).map((b, i) => ({ a: live[i] as string, b }))
  })
}

/** Returns the classes of records connected by pairs, each sorted by key. */
export function equivalenceClasses(pairs: readonly SamePair[]): string[][] {
  const keys = pairs.flatMap(({ a, b }) => [a, b])
  return components(keys, pairs).map((found) => found.sort())
}
