import type { BatchResult } from '../../../mdm/match/batch.ts'
import type { Engine, Features, MatchRecord } from '../../../mdm/match/engine.ts'
import { keyRecordsMax } from '../../../mdm/match/keyBound.ts'
import { recordName } from '../../../mdm/match/recordName.ts'
import { waterfall } from '../../../mdm/match/waterfall.ts'
import { waterfallText } from '../../../mdm/match/waterfallText.ts'
import { fixed } from '../../../schema/kit/numberText.ts'

/** Explains why two records of a batch, named as source/id, are in one cluster or not. */
export function explainPair(result: BatchResult, a: string, b: string): string[] {
  const { records, features, clusterOf, engine, possible } = result
  const [i, j] = [findRecord(records, a), findRecord(records, b)]
  if (i === j) throw new Error('--why takes two different records')
  const [one, other] = [features.at(Math.min(i, j)), features.at(Math.max(i, j))]
  const comparison = engine.compare(one, other)
  const [from, to] = [Math.min(i, j), Math.max(i, j)]
  const reason = possible.find((pair) => pair.a === from && pair.b === to)?.reason
  const notCompared = whyNotCompared(result, one, other)
  const related = comparison.relatedWeight >= 0 ? ', possibly related' : ''
  return [
    `${a} and ${b}: ${clusterOf[i] === clusterOf[j] ? `one thing, cluster c${clusterOf[i]}` : `two things${related}`}`,
    ...waterfallText(waterfall(comparison)).split('\n'),
    `weight ${fixed(comparison.weight, 2)}, probability ${comparison.probability.toFixed(4)} (of two related things ${comparison.relatedProbability.toFixed(4)}); a match from ${fixed(engine.matchWeightMin, 1)} on`,
    ...oneToOneLines(engine, one, other),
    ...(comparison.conflict === undefined ? [] : [`cannot be one: ${comparison.conflict}`]),
    ...(reason === undefined || comparison.conflict !== undefined ? [] : [`apart: ${reason}`]),
    ...(notCompared === undefined ? [] : [notCompared]),
  ]
}

/** States the bits that a pair of two unique sources gains: no column of it has them. */
function oneToOneLines(engine: Engine, one: Features, other: Features): string[] {
  if (one.s === other.s || !engine.isUniqueSource(one.s) || !engine.isUniqueSource(other.s))
    return []
  return [
    `both sources hold each thing once: the pair gains ${fixed(engine.oneToOneWeight, 2)} bits, and loses what other counterparts of the two have`,
  ]
}

/** Returns the index of a record. Throws if none or several have the name. */
function findRecord(records: readonly MatchRecord[], name: string): number {
  let found = -1
  for (const [i, { key }] of records.entries()) {
    if (recordName(key) !== name) continue
    if (found >= 0)
      throw new Error(`${name} names several records: a "#" or "/" is in an id or a source`)
    found = i
  }
  if (found < 0) throw new Error(`no record ${name}; name two as source/id`)
  return found
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
  for (let record = 0; record < features.length; record++)
    for (const key of engine.keys(features.at(record))) {
      const count = counts.get(key)
      if (count !== undefined) counts.set(key, count + 1)
    }
  if ([...counts].some(([key, count]) => count <= keyRecordsMax(key, engine.blockRecordsMax)))
    return undefined
  return `never compared: too many records share each blocking key of the two`
}
