import { isDeepStrictEqual } from 'node:util'
import type { Op } from '../../schema/events.ts'
import { ownValue } from '../../schema/kit/dictionary.ts'
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

/** A golden id that differs from the store, with the event that describes the change. */
export interface Derived {
  goldenId: string
  version: number
  op: Op
  values: Record<string, unknown> | null
  provenance: Record<string, unknown> | null
  redirect: string | null
  changed: string[]
  /** Keys of its source records, inactive ones included. */
  members: string[]
}

/**
 * Compares the new golden records of a component with the stored ones and returns what was created,
 * changed, merged, split or emptied. A merge gives the survivor's event and a tombstone with
 * redirect for each absorbed id; a split gives an event for each part. `golden` returns the new
 * golden record of an assigned cluster, or null if it has no live member.
 */
export function derive<T extends Assignable>(
  assigned: Assigned<T>[],
  stored: ReadonlyMap<string, StoredGolden>,
  golden: (at: Assigned<T>) => Golden | null,
): Derived[] {
  const derived: Derived[] = []
  const current = new Map(assigned.map((at) => [at.goldenId, at]))
  /** The new golden ids of records that move, by old golden id. */
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
  // A golden id that lost all its records redirects to the golden record of the source record it is
  // named after.
  for (const [id, targets] of movedTo) {
    const old = stored.get(id)
    if (current.has(id) || !old || old.state !== 'ACTIVE') continue
    const home = assigned.find((at) =>
      [...at.members, ...at.inactiveMembers].some((r) => r.key === id),
    )
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
  // An id that was absorbed and got its deleted records back no longer redirects (I7).
  if (!golden)
    return old && old.state !== 'DELETED'
      ? {
          ...tombstone(at.goldenId, old),
          members: [...at.members, ...at.inactiveMembers].map((r) => r.key),
        }
      : null
  const before = old?.state === 'ACTIVE' ? old.values : {}
  const changed = changedFields(before, golden.values)
  const came = new Set(
    at.members.map((r) => r.goldenId).filter((g): g is string => !!g && g !== at.goldenId),
  )
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
  if (
    op === 'UPDATED' &&
    changed.length === 0 &&
    isDeepStrictEqual(old?.provenance, golden.provenance)
  )
    return null
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

export function changedFields(
  before: Record<string, unknown>,
  after: Record<string, unknown>,
): string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)])
  return [...names]
    .filter((n) => !isDeepStrictEqual(ownValue(before, n), ownValue(after, n)))
    .sort()
}
