import type { Sql } from '../db/database.ts'
import type { Features } from '../match/engine.ts'
import { hashRecordsMax } from '../match/keyBound.ts'
import type { SourceRecord } from '../records/records.ts'
import { loadBlocks } from '../resolution/blockingKeys.ts'
import { engineOf, isLive, type ResolutionContext } from '../resolution/context.ts'
import { loadEvidence, type Scopes } from './evidence.ts'
import { snapshot } from './explain.ts'

/**
 * Two golden records that are possibly related, with the pair of source records that supports it
 * most.
 */
export interface Related {
  own: string
  other: string
  otherGoldenId: string
  /** Log2 of the odds that the pair is two related things. */
  relatedWeight: number
}

/** Largest number of source records of a golden record that are compared; the oldest ones. */
const membersMax = 20
/**
 * Largest number of records compared with them. Each member has at most 24 blocking keys of 50
 * records.
 */
const candidatesMax = 5_000

/**
 * Returns golden records that are possibly related to one: their records share a usable blocking
 * key with one of its own, and are rather two related things than one thing or strangers. Nothing
 * of this is stored, because it decides nothing. It is computed on request with the active engine,
 * the most probable first. With `scopes`, only from the values that they cover.
 */
export async function relatedTo(
  sql: Sql,
  mastering: ResolutionContext,
  goldenId: string,
  scopes: Scopes = null,
): Promise<Related[]> {
  return await snapshot(sql, async (tx) => {
    const places = await tx<{ id: number; type: string }[]>`
      select id, type from source_record where golden_id = ${goldenId} order by id limit ${membersMax}`
    const [first] = places
    if (!first || !mastering.engines.has(first.type)) return []
    const type = mastering.policy.type(first.type)
    const engine = engineOf(mastering, type)
    const records = new Map<number, SourceRecord>()
    const own = places.map((p) => p.id)
    await loadEvidence(tx, mastering, type, records, own, scopes)
    const members = [...records.values()].filter(isLive).sort((a, b) => a.id - b.id)
    const blocks = await loadBlocks(
      tx,
      [...new Set(members.flatMap((m) => m.keys))],
      engine.blockRecordsMax,
    )
    const usable = [...blocks].flatMap(([key, ids]) =>
      ids.length <= hashRecordsMax(key, engine.blockRecordsMax) ? [ids] : [],
    )
    const candidates = [...new Set(usable.flat())].sort((a, b) => a - b).slice(0, candidatesMax)
    await loadEvidence(tx, mastering, type, records, candidates, scopes)
    const best = new Map<string, Related>()
    for (const id of candidates) {
      const other = records.get(id)
      if (!other?.goldenId || other.goldenId === goldenId || !isLive(other)) continue
      for (const m of members) {
        const [a, b] = m.id < id ? [m, other] : [other, m]
        const [x, y] = [a.features as Features, b.features as Features]
        const relatedWeight = engine.relatedWeight(x, y)
        const known = best.get(other.goldenId)
        if (relatedWeight < 0 || (known && known.relatedWeight >= relatedWeight)) continue
        if (engine.link(x, y) !== null && engine.compare(x, y).conflict === undefined) continue
        best.set(other.goldenId, {
          own: m.key,
          other: other.key,
          otherGoldenId: other.goldenId,
          relatedWeight,
        })
      }
    }
    return [...best.values()].sort(
      (x, y) => y.relatedWeight - x.relatedWeight || (x.otherGoldenId < y.otherGoldenId ? -1 : 1),
    )
  })
}
