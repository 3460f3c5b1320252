import type { BatchResult } from './batch.ts'
import type { MatchRecord, PairScore } from './engine.ts'
import { levelShares } from './parameters.ts'
import { recordName } from './recordName.ts'

/** Report of a run, for people: as JSON, and the source of the page. */
export interface MatchReport {
  title: string
  type: string
  version: string
  stats: BatchResult['stats']
  clusters: number
  /** Number of similar pairs of records in two clusters. */
  possibleMatches: number
  clusterSizes: { size: number; clusters: number }[]
  priorWeight: number
  relatedWeight: number
  matchWeightMin: number
  dimensions: ReportColumn[]
  /** Candidate pairs over the link threshold, by weight in steps of one bit. */
  histogram: { weight: number; pairs: number }[]
  examples: ReportExample[]
}
export interface ReportColumn {
  field: string
  name: string
  levels: { name: string; weight: number; m: number; r: number; u: number }[]
}
export interface ReportExample {
  title: string
  a: { key: string; fields: MatchRecord['fields'] }
  b: { key: string; fields: MatchRecord['fields'] }
  comparison: PairScore
}

/** Upper bound of the examples of each sort. */
const EXAMPLES_MAX = 3

/**
 * Creates the report of a batch. Examples are the pairs nearest to typical weights, ties by key, so
 * two runs report the same examples.
 */
export function createReport(result: BatchResult, title: string): MatchReport {
  const { engine, pairs, possible, stats, clusters, clusterOf } = result
  const sizes = new Int32Array(clusters)
  for (const cluster of clusterOf) sizes[cluster]!++
  const bySize = new Map<number, number>()
  for (const size of sizes) bySize.set(size, (bySize.get(size) ?? 0) + 1)
  const byWeight = new Map<number, number>()
  for (const { weight } of pairs) {
    const step = Math.floor(weight)
    byWeight.set(step, (byWeight.get(step) ?? 0) + 1)
  }
  const dimensions = engine.scorer.columns.map((column): ReportColumn => {
    const trained = levelShares(engine.parameters, column.comparison, column)
    return {
      field: column.comparison.name,
      name: column.name,
      levels: column.levels.map((level, i) => ({
        name: level.name,
        weight: column.weights[i]!,
        m: trained?.m[i] ?? level.m,
        r: trained?.r[i] ?? level.r,
        u: trained?.u[i] ?? level.u,
      })),
    }
  })
  return {
    title,
    type: engine.parameters.type,
    version: engine.version,
    stats,
    clusters,
    possibleMatches: possible.length,
    clusterSizes: [...bySize]
      .sort((x, y) => x[0] - y[0])
      .map(([size, count]) => ({ size, clusters: count })),
    priorWeight: engine.parameters.priorWeight,
    relatedWeight: engine.parameters.relatedWeight,
    matchWeightMin: engine.matchWeightMin,
    dimensions,
    histogram: [...byWeight]
      .sort((x, y) => x[0] - y[0])
      .map(([weight, count]) => ({ weight, pairs: count })),
    examples: examplesOf(result),
  }
}

function examplesOf({
  engine,
  pairs,
  related,
  records,
  features,
  clusterOf,
}: BatchResult): ReportExample[] {
  const sorted = [...pairs].sort((x, y) => x.weight - y.weight || x.a - y.a || x.b - y.b)
  const example = (title: string, a: number, b: number): ReportExample => ({
    title,
    a: { key: recordName(records[a]!.key), fields: records[a]!.fields },
    b: { key: recordName(records[b]!.key), fields: records[b]!.fields },
    comparison: engine.compare(features.at(a), features.at(b)),
  })
  const over = sorted.filter(
    (pair) => pair.weight >= engine.matchWeightMin && clusterOf[pair.a] === clusterOf[pair.b],
  )
  const refused = sorted.filter(
    (pair) => pair.weight >= engine.matchWeightMin && clusterOf[pair.a] !== clusterOf[pair.b],
  )
  const under = sorted.filter((pair) => pair.weight < engine.matchWeightMin)
  const at = (list: typeof sorted, share: number) =>
    list[Math.min(list.length - 1, Math.floor(list.length * share))]
  const found: ReportExample[] = []
  const add = (title: string, list: typeof sorted, picks: number[]) => {
    const taken = new Set<(typeof sorted)[number]>()
    for (const share of picks.slice(0, EXAMPLES_MAX)) {
      const pair = at(list, share)
      if (pair && !taken.has(pair)) found.push(example(title, pair.a, pair.b))
      if (pair) taken.add(pair)
    }
  }
  add('Match', over, [0.5, 0.1, 0])
  add('Alike, but in two clusters', refused, [0.99, 0.5])
  add('Just under the threshold', under, [0.99, 0.5])
  add(
    'Possibly related',
    related.toSorted((x, y) => x.weight - y.weight || x.a - y.a || x.b - y.b),
    [0.99, 0.5],
  )
  return found
}
