/**
 * Returns the rings of a hierarchy in which each node has at most one parent. Each ring begins with
 * its lowest node and goes on with the parent of the node before, so it does not depend on the
 * order of `parents`. A node that names itself is a ring of one. Rings share no node.
 */
export function findRings(parents: ReadonlyMap<string, string | null>): string[][] {
  const rings: string[][] = []
  const done = new Set<string>()
  for (const start of parents.keys()) {
    const path: string[] = []
    const places = new Map<string, number>()
    let at: string | null = start
    while (at !== null && !done.has(at) && !places.has(at)) {
      places.set(at, path.length)
      path.push(at)
      at = parents.get(at) ?? null
    }
    for (const node of path) done.add(node)
    const first = at === null ? undefined : places.get(at)
    if (first !== undefined) rings.push(fromLowest(path.slice(first)))
  }
  return rings
}

function fromLowest(ring: string[]): string[] {
  const lowest = ring.reduce((low, node, n) => (node < (ring[low] ?? '') ? n : low), 0)
  return [...ring.slice(lowest), ...ring.slice(0, lowest)]
}
