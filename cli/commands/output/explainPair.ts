import type { BatchResult } from '../../../mdm/match/batch.ts'
import { waterfall } from '../../../mdm/match/waterfall.ts'
import { waterfallText } from '../../../mdm/match/waterfallText.ts'
import { fixed } from '../../../schema/kit/numberText.ts'

/** Explains why two records of a batch, named by key, are in one cluster or not. */
export function explainPair(
  { records, features, clusterOf, engine }: BatchResult,
  a: string,
  b: string,
): string[] {
  const [i, j] = [a, b].map((key) => records.findIndex((r) => r.key === key))
  const shown = (key: string) => key.replaceAll('\u0001', '/')
  if (i === undefined || j === undefined || i < 0 || j < 0)
    throw new Error(`no record ${shown(i === undefined || i < 0 ? a : b)}; name two as source/id`)
  const [one, other] = [features[Math.min(i, j)], features[Math.max(i, j)]]
  if (!one || !other || i === j) throw new Error('--why takes two different records')
  const comparison = engine.compare(one, other)
  const related = comparison.relatedWeight >= 0 ? ', possibly related' : ''
  return [
    `${shown(a)} and ${shown(b)}: ${clusterOf[i] === clusterOf[j] ? `one thing, cluster c${clusterOf[i]}` : `two things${related}`}`,
    ...waterfallText(waterfall(comparison)).split('\n'),
    `weight ${fixed(comparison.weight, 2)}, probability ${comparison.probability.toFixed(4)} (of two related things ${comparison.relatedProbability.toFixed(4)}); a match from ${engine.matchWeightMin} on`,
    ...(comparison.conflict === undefined ? [] : [`cannot be one: ${comparison.conflict}`]),
  ]
}
