import { isDeepStrictEqual } from 'node:util'
import type { Op } from '../../schema/events.ts'
import type { Assignable, Assigned } from './assign.ts'
import type { Golden } from './survive.ts'

/** The stored state of a golden id. */
export interface StoredGolden {
  id: string
  version: number
  state: 'ACTIVE' | 'MERGED' | 'DELETED'
  values: Record<string, unknown>
  provenance: Record<string, unknown>
}

/** One golden id that differs from what is stored, with the event that says how. */
export interface Derived {
  goldenId: string
  version: number
  op: Op
  values: Record<string, unknown> | null
  provenance: Record<string, unknown> | null
  redirect: string | null
  changed: string[]
  /** Keys of the source records it consists of, absent ones included. */
  members: string[]
}

/**
 * Compares the new golden records of a component with the stored ones: what was created, changed, merged, split or
 * emptied. A merge gives the survivor's event and a tombstone with redirect for each id it absorbed; a split an event for
 * each part. `now` is the new golden record of an assigned cluster; null when it has no live member.
 */
export function derive<T extends Assignable>(
  assigned: Assigned<T>[],
  stored: ReadonlyMap<string, StoredGolden>,
  golden: (at: Assigned<T>) => Golden | null,
): Derived[] {
  const derived: Derived[] = []
  const current = new Map(assigned.map((at) => [at.goldenId, at]))
  /** Where each record that changes its golden id goes: old id -> new ids. */
  const movedTo = new Map<string, Set<string>>()
  for (const at of assigned)
    for (const r of [...at.members, ...at.inactiveMembers]) {
      if (!r.goldenId || r.goldenId === at.goldenId) continue
      const to = movedTo.get(r.goldenId) ?? new Set()
      movedTo.set(r.goldenId, to.add(at.goldenId))
    }
  for (const at of assigned) {
    const event = compare(at, stored, golden(at), movedTo, current)
    if (event) derived.push(event)
  }
  // Ids whose records all went elsewhere: they redirect to where the record that they are named after went.
  for (const [id, targets] of movedTo) {
    const old = stored.get(id)
    if (current.has(id) || !old || old.state !== 'ACTIVE') continue
    const home = assigned.find((at) => [...at.members, ...at.inactiveMembers].some((r) => r.key === id))
    const redirect = home?.goldenId ?? [...targets].sort()[0] ?? null
    derived.push({ ...tombstone(id, old), op: 'MERGED', redirect })
  }
  return derived
}

function compare<T extends Assignable>(
  at: Assigned<T>,
  stored: ReadonlyMap<string, StoredGolden>,
  golden: Golden | null,
  movedTo: ReadonlyMap<string, ReadonlySet<string>>,
  current: ReadonlyMap<string, unknown>,
): Derived | null {
  const old = stored.get(at.goldenId)
  // One that was absorbed, and has its deleted records back, redirects no longer (I7).
  if (!golden)
    return old && old.state !== 'DELETED'
      ? { ...tombstone(at.goldenId, old), members: [...at.members, ...at.inactiveMembers].map((r) => r.key) }
      : null
  const before = old?.state === 'ACTIVE' ? old.values : {}
  const changed = changedFields(before, golden.values)
  const came = new Set(at.members.map((r) => r.goldenId).filter((g): g is string => !!g && g !== at.goldenId))
  const op: Op =
    old?.state !== 'ACTIVE'
      ? came.size > 0
        ? 'SPLIT'
        : 'CREATED'
      : [...came].some((g) => stored.get(g)?.state === 'ACTIVE' && !current.has(g))
        ? 'MERGED'
        : movedTo.has(at.goldenId)
          ? 'SPLIT'
          : 'UPDATED'
  if (op === 'UPDATED' && changed.length === 0 && isDeepStrictEqual(old?.provenance, golden.provenance)) return null
  return {
    goldenId: at.goldenId,
    version: (old?.version ?? 0) + 1,
    op,
    values: golden.values,
    provenance: golden.provenance,
    redirect: null,
    changed,
    members: [...at.members, ...at.inactiveMembers].map((r) => r.key),
  }
}

function tombstone(id: string, old: StoredGolden): Derived {
  return {
    goldenId: id,
    version: old.version + 1,
    op: 'DELETED',
    values: null,
    provenance: null,
    redirect: null,
    changed: old.state === 'ACTIVE' ? Object.keys(old.values).sort() : [],
    members: [],
  }
}

export function changedFields(before: Record<string, unknown>, after: Record<string, unknown>): string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)])
  return [...names].filter((n) => !isDeepStrictEqual(before[n], after[n])).sort()
}
