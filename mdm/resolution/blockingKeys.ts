import { hash } from 'node:crypto'
import type { Transaction } from '../db/database.ts'
import { lock } from '../db/locks.ts'
import type { KeyedRecord } from '../match/candidates.ts'
import { hashRecordsMax, withSort } from '../match/keyBound.ts'

/**
 * Returns a blocking key as 51 bits of SHA-1 and its sort, which a JavaScript number holds exactly.
 * Types do not share keys.
 */
export function keyHash(type: string, key: string): number {
  return withSort(Number.parseInt(hash('sha1', `${type}\u0000${key}`).slice(0, 13), 16), key)
}

export interface Block {
  key: number
  /** Stored members, at most one more than the bound. */
  records: number[]
}

/**
 * Returns the stored members of each key, at most one more than `recordsMax`. One bounded index
 * range per key, whatever its size.
 */
export async function loadBlocks(
  tx: Transaction,
  keys: number[],
  recordsMax: number,
): Promise<Map<number, number[]>> {
  if (keys.length === 0) return new Map()
  const rows = await tx<Block[]>`
    select k.key, array(select m.record_id from match_key m where m.key = k.key limit ${recordsMax + 1}) as records
    from unnest(${keys}::bigint[]) as k (key)`
  return new Map(rows.map((r) => [r.key, r.records]))
}

/** Keys that exceeded the bound when last seen. Only a hint. */
const crowded = new Set<number>()
const crowdedMax = 100_000

/**
 * Locks the old and new keys of records and reads their blocks. A key over the bound gives no
 * candidates, so transactions that only add records to it share its lock, and common keys block
 * nobody. A transaction that removes records could bring the key under the bound, so it locks the
 * key exclusively.
 */
export async function lockBlocks(
  tx: Transaction,
  records: readonly KeyedRecord[],
  recordsMax: number,
): Promise<Map<number, number[]>> {
  const left = new Set(records.flatMap((r) => r.oldKeys.filter((k) => !r.newKeys.includes(k))))
  const keys = [...new Set([...left, ...records.flatMap((r) => r.newKeys)])]
  const shared = new Set(keys.filter((k) => crowded.has(k) && !left.has(k)))
  await lock(tx, 'blockingKey', keys, shared)
  const blocks = await loadBlocks(tx, keys, recordsMax)
  if (crowded.size > crowdedMax) crowded.clear()
  const over = (key: number) => (blocks.get(key)?.length ?? 0) > hashRecordsMax(key, recordsMax)
  for (const key of keys) if (over(key)) crowded.add(key)
  // The hint was out of date: these keys give candidates, so they are locked exclusively and read
  // again.
  const count = [...shared].filter((k) => !over(k))
  for (const key of count) crowded.delete(key)
  await lock(tx, 'blockingKey', count)
  for (const [key, ids] of await loadBlocks(tx, count, recordsMax)) blocks.set(key, ids)
  return blocks
}

/** Returns exact sizes of keys that may fall back under the bound. */
export async function countBlocks(tx: Transaction, keys: number[]): Promise<Map<number, number>> {
  if (keys.length === 0) return new Map()
  const rows = await tx<{ key: number; size: number }[]>`
    select key, count(*)::int as size from match_key where key = any(${keys}::bigint[]) group by key`
  return new Map(rows.map((r) => [r.key, r.size]))
}

export async function loadMembers(tx: Transaction, key: number): Promise<number[]> {
  const rows = await tx<{ id: number }[]>`select record_id as id from match_key where key = ${key}`
  return rows.map((r) => r.id)
}

export interface KeyChange {
  recordId: number
  removed: number[]
  added: number[]
}

export async function saveKeys(tx: Transaction, changes: KeyChange[]): Promise<void> {
  const removed = changes.flatMap((c) => c.removed.map((key) => ({ key, id: c.recordId })))
  const added = changes.flatMap((c) => c.added.map((key) => ({ key, id: c.recordId })))
  if (removed.length > 0)
    await tx`delete from match_key m using unnest(${removed.map((r) => r.key)}::bigint[], ${removed.map((r) => r.id)}::bigint[]) as r (key, id)
      where m.key = r.key and m.record_id = r.id`
  if (added.length > 0)
    await tx`insert into match_key (key, record_id)
      select * from unnest(${added.map((r) => r.key)}::bigint[], ${added.map((r) => r.id)}::bigint[]) order by 1, 2 on conflict do nothing`
}
