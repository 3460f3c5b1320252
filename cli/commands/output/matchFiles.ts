import type { BatchResult } from '../../../mdm/match/batch.ts'
import { clusterPairs } from '../../../mdm/match/clusterPairs.ts'
import type { MatchRecord } from '../../../mdm/match/engine.ts'
import { probabilityOf } from '../../../mdm/match/probability.ts'
import { fixed } from '../../../schema/kit/numberText.ts'
import { type CsvCell, type CsvOptions, writeCsv } from './csvFile.ts'

/** Writes the cluster of each record. */
export async function writeClusters(
  file: string,
  { records, clusterOf }: BatchResult,
  options: CsvOptions,
): Promise<void> {
  await writeCsv(
    file,
    ['source', 'id', 'cluster'],
    records.values().map((record, i) => [...nameOf(record), `c${clusterOf[i]}`]),
    options,
  )
}

/** Writes the pairs of records that share a cluster. */
export async function writePairs(
  file: string,
  result: BatchResult,
  options: CsvOptions,
): Promise<void> {
  await writeCsv(
    file,
    ['source_a', 'id_a', 'source_b', 'id_b', 'probability', 'weight'],
    clusterPairs(result)
      .values()
      .map(({ a, b, weight }) => [
        ...nameOf(result.records[a]!),
        ...nameOf(result.records[b]!),
        decimal(probabilityOf(weight), 6),
        decimal(weight, 3),
      ]),
    options,
  )
}

/**
 * Writes possible matches, the most probable first, and after them related pairs. Two records that
 * must not share a cluster (a conflict) can only be related.
 */
export async function writePossible(
  file: string,
  { records, features, possible, related, engine }: BatchResult,
  options: CsvOptions,
): Promise<void> {
  const listed = [
    ...possible.toSorted((x, y) => y.weight - x.weight || x.a - y.a || x.b - y.b),
    ...related
      .toSorted((x, y) => y.weight - x.weight || x.a - y.a || x.b - y.b)
      .map((pair) => ({ ...pair, reason: 'similar in the way of two related records' })),
  ]
  await writeCsv(
    file,
    ['source_a', 'id_a', 'source_b', 'id_b', 'outcome', 'probability', 'related', 'reason'],
    listed.values().map(({ a, b, reason }, i) => {
      const c = engine.compare(features.at(a), features.at(b))
      const onlyRelated = i >= possible.length || (c.conflict !== undefined && c.relatedWeight >= 0)
      return [
        ...nameOf(records[a]!),
        ...nameOf(records[b]!),
        onlyRelated ? 'POSSIBLY_RELATED' : 'POSSIBLE_MATCH',
        decimal(c.probability, 6),
        decimal(c.relatedProbability, 6),
        reason,
      ]
    }),
    options,
  )
}

function decimal(value: number, digits: number): CsvCell {
  return { number: fixed(value, digits) }
}

/** Returns source and id of a record as its file states them. */
function nameOf(record: MatchRecord): [source: string, id: string] {
  return [record.source, record.key.slice(record.source.length + 1).split('\u0000')[0]!]
}
