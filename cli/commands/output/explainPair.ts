import type { BatchResult } from '../../../mdm/match/batch.ts'
import type { Features } from '../../../mdm/match/engine.ts'
import { waterfall } from '../../../mdm/match/waterfall.ts'
import { waterfallText } from '../../../mdm/match/waterfallText.ts'
import { fixed } from '../../../schema/kit/numberText.ts'

/** Explains why two records of a batch, named by key, are in one cluster or not. */
export function explainPair(result: BatchResult, a: string, b: string): string[] {
  const { records, features, clusterOf, engine, possible } = result
  const [i, j] = [a, b].map((key) => records.findIndex((r) => r.key === key))
  const shown = (key: string) => key.replaceAll('\u0001', '/')
  if (i === undefined || j === undefined || i < 0 || j < 0)
    throw new Error(`no record ${shown(i === undefined || i < 0 ? a : b)}; name two as source/id`)
  const [one, other] = [features[Math.min(i, j)], features[Math.max(i, j)]]
  if (!one || !other || i === j) throw new Error('--why takes two different records')
  const comparison = engine.compare(one, other)
  const [from, to] = [Math.min(i, j), Math.max(i, j)]
  const reason = possible.find((pair) => pair.a === from && pair.b === to)?.reason
  const notCompared = whyNotCompared(result, one, other)
  const related = comparison.relatedWeight >= 0 ? ', possibly related' : ''
  return [
    `${shown(a)} and ${shown(b)}: ${clusterOf[i] === clusterOf[j] ? `one thing, cluster c${clusterOf[i]}` : `two things${related}`}`,
    ...waterfallText(waterfall(comparison)).split('\n'),
    `weight ${fixed(comparison.weight, 2)}, probability ${comparison.probability.toFixed(4)} (of two related things ${comparison.relatedProbability.toFixed(4)}); a match from ${engine.matchWeightMin} on`,
    ...(comparison.conflict === undefined ? [] : [`cannot be one: ${comparison.conflict}`]),
    ...(reason === undefined || comparison.conflict !== undefined ? [] : [`apart: ${reason}`]),
    ...(notCompared === undefined ? [] : [notCompared]),
  ]
}

/** Returns why blocking gave no candidate pair of two records; undefined if it did. */
function whyNotCompared(
  { features, engine }: BatchResult,
  one: Features,
  other: Features,
): string | undefined {
  const keys = new Set(engine.keys(one))
  const shared = engine.keys(other).filter((key) => keys.has(key))
  if (shared.length === 0) return 'never compared: the two share no blocking key'
  const counts = new Map(shared.map((key) => [key, 0]))
  for (const record of features)
    for (const key of engine.keys(record)) {
      const count = counts.get(key)
      if (count !== undefined) counts.set(key, count + 1)
    }
  if ([...counts.values()].some((count) => count <= engine.blockRecordsMax)) return undefined
  return `never compared: more than ${engine.blockRecordsMax} records share each blocking key of the two`
}
