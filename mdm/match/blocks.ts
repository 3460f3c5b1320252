import { hash } from 'node:crypto'
import type { Transaction } from '../db/database.ts'

/** A blocking key as 52 bits of SHA-1, so that it is exact as a JavaScript number; types do not share keys. */
export function keyHash(type: string, key: string): number {
  return Number.parseInt(hash('sha1', `${type}\u0000${key}`).slice(0, 13), 16)
}

export interface Block {
  key: number
  /** Stored members, at most one more than the bound. */
  records: number[]
}

/** The stored members of each key, at most one more than `recordsMax`: a bounded index range a key, whatever its size. */
export async function loadBlocks(tx: Transaction, keys: number[], recordsMax: number): Promise<Map<number, number[]>> {
  if (keys.length === 0) return new Map()
  const rows = await tx<Block[]>`
    select k.key, array(select m.record_id from match_key m where m.key = k.key limit ${recordsMax + 1}) as records
    from unnest(${keys}::bigint[]) as k (key)`
  return new Map(rows.map((r) => [r.key, r.records]))
}

/** Exact sizes, for keys that may fall back under the bound. */
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
