import { recordKey } from '../../schema/recordKey.ts'
import type { Transaction } from '../db/database.ts'
import { loadPlaces } from '../golden/stored.ts'

/** A record that was created for a golden record, or is being created. */
export interface Created {
  goldenId: string
  source: string
  object: string
  /** Null while the system has not named it. */
  sourceId: string | null
}

export interface RecordOfGolden {
  goldenId: string
  key: string
  source: string
  object: string
  sourceId: string
}

/**
 * Returns created records that are not among the source records just read: those without a message
 * yet. One whose message was applied since that read counts too. One that was deleted, or that is of
 * another golden record, does not.
 */
export async function bareRecords(
  tx: Transaction,
  created: readonly Created[],
  known: readonly { key: string }[],
): Promise<RecordOfGolden[]> {
  const knownKeys = new Set(known.map((k) => k.key))
  const named = new Map<string, RecordOfGolden>()
  for (const { goldenId, source, object, sourceId } of created) {
    const key = sourceId === null ? null : recordKey(source, object, sourceId)
    if (sourceId !== null && key !== null && !knownKeys.has(key))
      named.set(`${goldenId} ${key}`, { goldenId, key, source, object, sourceId })
  }
  const records = [...named.values()]
  const rows = await loadPlaces(
    tx,
    records.map((r) => r.key),
  )
  const places = new Map(rows.map((r) => [r.key, r]))
  return records.filter(({ key, goldenId }) => {
    const place = places.get(key)
    return !place || (!place.deleted && (place.goldenId ?? goldenId) === goldenId)
  })
}
