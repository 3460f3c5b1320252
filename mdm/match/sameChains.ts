/** Two records of which a steward said that they are one thing. */
export interface Pair {
  a: string
  b: string
}

/**
 * What SAME says of the live records, also over records that are absent: those of one class as a chain, in order of key.
 * A class with one live record has no chain.
 */
export function sameChains(pairs: readonly Pair[], isLive: (key: string) => boolean): Pair[] {
  return classes(pairs).flatMap((keys) => {
    const live = keys.filter(isLive)
    return live.slice(1).map((b, i) => ({ a: live[i] as string, b }))
  })
}

/** Classes of records that are the same by any chain of pairs, each sorted by key. */
export function classes(pairs: readonly Pair[]): string[][] {
  const parent = new Map<string, string>()
  const root = (key: string): string => {
    let at = key
    for (let up = parent.get(at) ?? at; up !== at; up = parent.get(at) ?? at) {
      parent.set(at, parent.get(up) ?? up)
      at = up
    }
    return at
  }
  for (const { a, b } of pairs) {
    if (!parent.has(a)) parent.set(a, a)
    if (!parent.has(b)) parent.set(b, b)
    parent.set(root(a), root(b))
  }
  return [...Map.groupBy(parent.keys(), root).values()].map((keys) => keys.sort())
}
