import type { BatchResult } from './batch.ts'
import type { ScoredPair } from './scoredPair.ts'

/** Every pair of a cluster up to this size counts; of larger clusters only linked pairs. */
const CLUSTER_RECORDS_WHOLE = 64

/** Returns the pairs of records that share a cluster, linked or joined through others. */
export function clusterPairs({
  features,
  pairs,
  clusterOf,
  clusters,
  engine,
}: BatchResult): ScoredPair[] {
  const members: number[][] = Array.from({ length: clusters }, () => [])
  for (const [i, cluster] of clusterOf.entries()) members[cluster]!.push(i)
  const inside = pairs.filter(
    (p) =>
      clusterOf[p.a] === clusterOf[p.b] && members[clusterOf[p.a]!]!.length > CLUSTER_RECORDS_WHOLE,
  )
  for (const list of members) {
    if (list.length > CLUSTER_RECORDS_WHOLE) continue
    for (const [at, a] of list.entries())
      for (const b of list.slice(at + 1))
        inside.push({ a, b, weight: engine.weight(features.at(a), features.at(b)) })
  }
  return inside
}
