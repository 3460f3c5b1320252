import type { Transaction } from '../db/database.ts'
import type { Assigned } from '../golden/assign.ts'
import { changedFields, type Derived } from '../golden/derive.ts'
import { loadCrosswalk, type Stated } from '../golden/stored.ts'
import { UNDER_THRESHOLD } from '../match/cluster.ts'
import type { SourceRecord } from '../records/records.ts'
import type { Closure } from './closure.ts'
import type { Link, PossibleMatch } from './links.ts'

/**
 * Something that resolution found and that people decide. Resolution itself opens no task:
 * `mdm/tasks/syncFindings.ts` does, in the same transaction.
 */
export type Finding = SplitFinding | PairFinding

/** The state of golden records after a resolution, as far as splits go. */
export interface SplitFinding {
  kind: 'SPLIT'
  type: string
  /**
   * Golden ids that the resolution examined. Open tasks about any of them are brought up to date.
   */
  examinedIds: ReadonlySet<string>
  /** Pairs of golden records whose source records were one golden record before. */
  parts: readonly SplitPart[]
  /** Examined golden ids that are active now. */
  activeIds: ReadonlySet<string>
  /** Pairs that a steward declared not the same (`pairOf`). */
  declaredApart: ReadonlySet<string>
}

/** Two golden records that share what was one. */
export interface SplitPart {
  goldenIds: readonly [string, string]
  /** Which record changed, and in which fields; for people. */
  reason: string
}

/**
 * All possible matches of the examined golden records. Pairs that are not listed exist no longer.
 */
export interface PairFinding {
  kind: 'PAIRS'
  examinedIds: readonly string[]
  pairs: readonly GoldenPair[]
  /** Keys of the source records of examined golden records, by golden id. */
  memberKeys: ReadonlyMap<string, readonly string[]>
}

export interface GoldenPair {
  /** CONFLICT: alike, but other evidence speaks against a match. */
  kind: 'POSSIBLE_MATCH' | 'CONFLICT'
  type: string
  /** Two golden ids, sorted. */
  subject: string[]
  reason: string
  weight: number
}

/** A source record and the golden record that it belongs to. */
export interface CrosswalkEntry {
  key: string
  goldenId: string
}

/** Names an unordered pair of golden ids. */
export function pairOf(a: string, b: string): string {
  return [a, b].sort().join()
}

/**
 * Returns the pairs of golden records that stewards declared not the same, named by `pairOf`. An
 * assertion may name a record outside the component; its golden id is read from the store.
 */
export async function declaredApart(
  tx: Transaction,
  assertions: Stated,
  entries: Iterable<CrosswalkEntry>,
): Promise<Set<string>> {
  const apart = assertions.pairs.filter((p) => p.kind === 'NOT_SAME')
  if (apart.length === 0) return new Set()
  const goldenIdByKey = new Map([...entries].map((e) => [e.key, e.goldenId]))
  const outside = apart.flatMap((p) => [p.a, p.b]).filter((key) => !goldenIdByKey.has(key))
  for (const [key, goldenId] of await loadCrosswalk(tx, outside)) goldenIdByKey.set(key, goldenId)
  return new Set(
    apart.map((p) => pairOf(goldenIdByKey.get(p.a) ?? '', goldenIdByKey.get(p.b) ?? '')),
  )
}

/** Records that a reason names at most. */
const namedMax = 3

/**
 * Returns the golden records that fell apart: their live source records belong to several now. That
 * one of these was there before, and only gained a record, makes no difference: the record has left
 * what it was with. `assigned` must hold the golden ids from before the assignment in its records.
 */
export function fallenApart(
  assigned: readonly Assigned<SourceRecord>[],
  canonicalBefore: ReadonlyMap<string, SourceRecord['canonical']>,
): SplitPart[] {
  const changed = assigned.flatMap((at) => at.members.filter((r) => canonicalBefore.has(r.key)))
  const partsById = new Map<string, Set<string>>()
  for (const at of assigned)
    for (const { goldenId } of at.members)
      if (goldenId) partsById.set(goldenId, (partsById.get(goldenId) ?? new Set()).add(at.goldenId))
  return [...partsById].flatMap(([was, parts]) => {
    const [first = was, ...others] = [...parts].sort((a, b) =>
      a === was ? -1 : b === was ? 1 : a < b ? -1 : 1,
    )
    const causes = changed.filter((r) => r.goldenId === was)
    return others.map((other) => ({ goldenIds: [first, other], reason: splitReason(causes) }))
  })

  function splitReason(causes: readonly SourceRecord[]): string {
    const named = (causes.length > 0 ? causes : changed).slice(0, namedMax).map((r) => {
      const fields = changedFields(canonicalBefore.get(r.key) ?? {}, r.canonical ?? {})
      return `${r.source} ${r.object} ${r.sourceId}${fields.length > 0 ? ` (${fields.join(', ')})` : ''}`
    })
    return named.length === 0
      ? 'fell apart by itself: the records speak against each other now'
      : `split by a changed value: ${named.join('; ')}`
  }
}

/**
 * Describes the state of splits after a resolution. `parts` are those that nobody decided: a change
 * that a steward or a publication caused needs no confirmation.
 */
export async function findSplits(
  tx: Transaction,
  type: string,
  derived: readonly Derived[],
  assigned: readonly Assigned<SourceRecord>[],
  assertions: Stated,
  parts: readonly SplitPart[],
): Promise<SplitFinding> {
  const active = assigned.filter((a) => a.members.length > 0 && !assertions.retired.has(a.goldenId))
  return {
    kind: 'SPLIT',
    type,
    examinedIds: new Set([...assigned, ...derived].map((d) => d.goldenId)),
    parts,
    activeIds: new Set(active.map((a) => a.goldenId)),
    declaredApart: await declaredApart(tx, assertions, entriesOf(assigned).values()),
  }
}

/** Crosswalk entries of live records after the assignment, by record id. */
export function entriesOf(
  assigned: readonly Assigned<SourceRecord>[],
): Map<number, CrosswalkEntry> {
  return new Map(
    assigned.flatMap((at) => at.members.map((m) => [m.id, { key: m.key, goldenId: at.goldenId }])),
  )
}

/**
 * Returns links that join nothing as possible matches, where their records belong to two golden
 * records that nobody declared apart.
 */
export function underThreshold(
  links: readonly Link[],
  entries: ReadonlyMap<number, CrosswalkEntry>,
  apart: ReadonlySet<string>,
): PossibleMatch[] {
  return links.flatMap(({ a, b, weight }) => {
    const [x, y] = [entries.get(a), entries.get(b)]
    if (!x || !y || x.goldenId === y.goldenId || apart.has(pairOf(x.goldenId, y.goldenId)))
      return []
    const [one, other] = x.key < y.key ? [x, y] : [y, x]
    return [{ a: one.key, b: other.key, weight, reason: UNDER_THRESHOLD }]
  })
}

/** Turns possible matches of records into pairs of golden records: the best pair of each two. */
export function findPairs(
  type: string,
  possible: readonly PossibleMatch[],
  assigned: readonly Assigned<SourceRecord>[],
  boundary: Closure['boundary'],
  assertions: Stated,
  previousIds: Iterable<string>,
): PairFinding {
  const goldenIdByKey = new Map([...entriesOf(assigned).values()].map((e) => [e.key, e.goldenId]))
  const retired = new Set(assertions.retired)
  for (const r of boundary.values()) {
    if (!r.goldenId) continue
    goldenIdByKey.set(r.key, r.goldenId)
    if (r.retired) retired.add(r.goldenId)
  }
  const best = new Map<string, GoldenPair>()
  for (const p of possible) {
    const [x, y] = [goldenIdByKey.get(p.a) ?? '', goldenIdByKey.get(p.b) ?? '']
    if (x === y || retired.has(x) || retired.has(y)) continue
    const known = best.get(pairOf(x, y))
    if (known && known.weight >= p.weight) continue
    const kind = p.reason === UNDER_THRESHOLD ? 'POSSIBLE_MATCH' : 'CONFLICT'
    const weight = Math.fround(p.weight)
    best.set(pairOf(x, y), { kind, type, subject: [x, y].sort(), reason: p.reason, weight })
  }
  return {
    kind: 'PAIRS',
    examinedIds: [...new Set([...previousIds, ...assigned.map((a) => a.goldenId)])],
    pairs: [...best.values()],
    memberKeys: new Map(
      assigned.map((at) => [at.goldenId, [...at.members, ...at.inactiveMembers].map((r) => r.key)]),
    ),
  }
}
