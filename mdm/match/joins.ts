import type { MergeStep } from './cluster.ts'

/** One merge in a cluster's history: two parts became one. */
export interface Join {
  /** First record, by key, and number of records of each part. */
  a: string
  b: string
  sizeA: number
  sizeB: number
  /**
   * Average weight between the records of the two parts, in bits; null if a steward joined them.
   */
  weight: number | null
  because: MergeStep['because']
  /** The strongest stored link between the parts; null if a steward joined parts that have none. */
  link: { a: string; b: string; weight: number } | null
}

/**
 * Returns the merges that made one cluster, in the order of clustering, each with its strongest
 * link. `links` are by key. Each link is examined once for each time its part is the smaller one: n
 * log n in all.
 */
export function joinsOf(
  keys: readonly string[],
  steps: readonly MergeStep[],
  links: readonly { a: string; b: string; weight: number }[],
): Join[] {
  const inside = new Set(keys)
  const partOf = new Map(keys.map((k) => [k, [k]]))
  const linksOf = new Map<string, { a: string; b: string; weight: number }[]>(
    keys.map((k) => [k, []]),
  )
  for (const link of links) {
    if (!inside.has(link.a) || !inside.has(link.b)) continue
    linksOf.get(link.a)?.push(link)
    linksOf.get(link.b)?.push(link)
  }
  const joins: Join[] = []
  for (const step of steps) {
    const [one, other] = [partOf.get(step.a), partOf.get(step.b)]
    if (!one || !other) continue
    const [small, large] = one.length < other.length ? [one, other] : [other, one]
    let link: Join['link'] = null
    for (const key of small)
      for (const found of linksOf.get(key) ?? []) {
        const across = partOf.get(found.a === key ? found.b : found.a) === large
        if (across && (link === null || found.weight > link.weight)) link = found
      }
    const weight = step.because === 'ASSERTION' ? null : step.weight
    joins.push({
      a: step.a,
      b: step.b,
      sizeA: one.length,
      sizeB: other.length,
      weight,
      because: step.because,
      link,
    })
    for (const key of small) {
      large.push(key)
      partOf.set(key, large)
    }
  }
  return joins
}
