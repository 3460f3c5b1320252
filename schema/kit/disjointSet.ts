/** Disjoint sets of the numbers from 0 to size - 1 (union-find with path compression). */
export class DisjointSet {
  readonly #parent: Int32Array

  constructor(size: number) {
    this.#parent = Int32Array.from({ length: size }, (_, i) => i)
  }

  /** Returns the smallest number of the set of `i`. */
  find(i: number): number {
    const parent = this.#parent
    let root = i
    while (parent[root] !== root) root = parent[root]!
    for (let at = i; at !== root; ) {
      const next = parent[at]!
      parent[at] = root
      at = next
    }
    return root
  }

  unite(a: number, b: number): void {
    const [x, y] = [this.find(a), this.find(b)]
    this.#parent[Math.max(x, y)] = Math.min(x, y)
  }
}

/**
 * Returns the connected components of `keys` under `pairs`; a key without a pair is alone. Pairs
 * with a key that is not in `keys` are ignored. Keys keep their order within a component,
 * components the order of their first keys.
 */
export function components<K>(keys: Iterable<K>, pairs: Iterable<{ a: K; b: K }>): K[][] {
  const indexOf = new Map<K, number>()
  for (const key of keys) if (!indexOf.has(key)) indexOf.set(key, indexOf.size)
  const sets = new DisjointSet(indexOf.size)
  for (const { a, b } of pairs) {
    const [x, y] = [indexOf.get(a), indexOf.get(b)]
    if (x !== undefined && y !== undefined) sets.unite(x, y)
  }
  const found = Map.groupBy(indexOf, ([, index]) => sets.find(index))
  return [...found.values()].map((entries) => entries.map(([key]) => key))
}
