import { hashRecordsMax } from './keyBound.ts'

/** A record whose blocking keys may have changed. */
export interface KeyedRecord {
  id: number
  oldKeys: readonly number[]
  newKeys: readonly number[]
}

export interface Candidates {
  /** Pairs to compare, lower id first, as `a` and `b` of equal length. */
  pairs: [number, number][]
  /**
   * Members of keys that gave candidates before and are now over the bound; their links may have
   * lost the key that justified them.
   */
  closed: { key: number; records: number[] }[]
  /** Whether a key gives candidates after this change; undefined for keys not examined. */
  effective: Map<number, boolean>
}

/**
 * Returns the pairs to compare when some records' keys change. Two records are candidates exactly
 * when they share a key that at most `recordsMax` records have (fewer if it is narrow): a property
 * of the set of records, not of their order (I1). So a key that passes the bound withdraws its
 * candidates, and one that falls under it restores them. `blocks` holds the stored members of every
 * old and new key, cut off one over `recordsMax`; `whole` has all members of those cut-off keys
 * that fall back under it.
 */
export function findCandidates(
  records: readonly KeyedRecord[],
  blocks: ReadonlyMap<number, readonly number[]>,
  whole: ReadonlyMap<number, readonly number[]>,
  recordsMax: number,
): Candidates {
  const leaving = new Map<number, Set<number>>()
  const joining = new Map<number, number[]>()
  for (const r of records) {
    for (const key of r.oldKeys)
      if (!r.newKeys.includes(key)) getOrCreate(leaving, key, () => new Set<number>()).add(r.id)
    for (const key of r.newKeys)
      if (!r.oldKeys.includes(key)) getOrCreate(joining, key, () => []).push(r.id)
  }
  const effective = new Map<number, boolean>()
  const members = new Map<number, number[]>()
  const closed: Candidates['closed'] = []
  const seen = new Set<string>()
  const pairs: [number, number][] = []
  const pair = (x: number, y: number) => {
    const a = Math.min(x, y)
    const b = Math.max(x, y)
    const at = `${a}:${b}`
    if (a === b || seen.has(at)) return
    seen.add(at)
    pairs.push([a, b])
  }

  for (const [key, stored] of blocks) {
    const most = hashRecordsMax(key, recordsMax)
    const cut = stored.length > most
    const before = cut ? whole.get(key) : stored
    if (!before) {
      effective.set(key, false)
      continue
    }
    const gone = leaving.get(key)
    const after = [
      ...(gone ? before.filter((id) => !gone.has(id)) : before),
      ...(joining.get(key) ?? []),
    ]
    const holds = after.length <= most
    effective.set(key, holds)
    if (holds) members.set(key, after)
    if (holds && cut) for (const x of after) for (const y of after) if (x < y) pair(x, y)
    if (!holds && !cut) closed.push({ key, records: [...before] })
  }
  for (const r of records)
    for (const key of r.newKeys) for (const other of members.get(key) ?? []) pair(r.id, other)
  return { pairs, closed, effective }
}

function getOrCreate<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key)
  if (known) return known
  const made = make()
  map.set(key, made)
  return made
}
