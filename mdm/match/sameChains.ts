import { components } from '../../schema/kit/disjointSet.ts'

/** Two records of which a steward said that they are one thing. */
export interface SamePair {
  a: string
  b: string
}

/**
 * What SAME says of the live records, also over records that are absent: those of one class as a chain, in order of key.
 * A class with one live record has no chain.
 */
export function sameChains(pairs: readonly SamePair[], isLive: (key: string) => boolean): SamePair[] {
  return equivalenceClasses(pairs).flatMap((keys) => {
    const live = keys.filter(isLive)
    return live.slice(1).map((b, i) => ({ a: live[i] as string, b }))
  })
}

/** Classes of records that are the same by any chain of pairs, each sorted by key. */
export function equivalenceClasses(pairs: readonly SamePair[]): string[][] {
  const keys = pairs.flatMap(({ a, b }) => [a, b])
  return components(keys, pairs).map((found) => found.sort())
}
