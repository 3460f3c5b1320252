/** Pairwise agreement of a clustering with the truth. */
export interface Score {
  records: number
  truePairs: number
  precision: number
  recall: number
}

/**
 * Returns pairwise precision and recall over records that both sides know. Precision is the share
 * of clustered pairs that are true; recall is the share of true pairs that are clustered. Records
 * without truth or without a cluster are left out.
 */
export function pairwiseScore(
  clusters: ReadonlyMap<string, string>,
  truth: ReadonlyMap<string, string>,
): Score {
  const found = new Map<string, number>()
  const real = new Map<string, number>()
  const both = new Map<string, number>()
  let records = 0
  const count = (map: Map<string, number>, key: string) => map.set(key, (map.get(key) ?? 0) + 1)
  for (const [record, cluster] of clusters) {
    const entity = truth.get(record)
    if (entity === undefined) continue
    records++
    count(found, cluster)
    count(real, entity)
    count(both, `${cluster} ${entity}`)
  }
  const pairs = (map: Map<string, number>) =>
    [...map.values()].reduce((sum, n) => sum + (n * (n - 1)) / 2, 0)
  return {
    records,
    truePairs: pairs(real),
    precision: pairs(both) / pairs(found),
    recall: pairs(both) / pairs(real),
  }
}
