import { components } from '../../schema/kit/disjointSet.ts'
import type { PairAssertion } from '../golden/stored.ts'
import type { MergeStep } from '../match/cluster.ts'
import type { Engine, Features } from '../match/engine.ts'
import { sameChains } from '../match/sameChains.ts'
import type { SourceRecord } from '../records/records.ts'
import { isLive } from './context.ts'
import type { Link, PossibleMatch } from './links.ts'

/**
 * Clusters the live records, component by component. Joining links and SAME assertions make the
 * components. `steps` are the merges in their order; `possible` are links that could have joined.
 */
export function clusterRecords(
  engine: Engine,
  records: SourceRecord[],
  links: readonly Link[],
  assertions: readonly PairAssertion[],
): { clusters: SourceRecord[][]; possible: PossibleMatch[]; steps: MergeStep[] } {
  const live = records.filter(isLive)
  const byKey = new Map(live.map((r) => [r.key, r]))
  const byId = new Map(live.map((r) => [r.id, r]))
  const stated = statedPairs(engine, live, hostFinder(records), assertions)
  const keyOf = (id: number) => byId.get(id)?.key ?? ''
  const same = sameChains(
    [...assertions.filter((p) => p.kind === 'SAME'), ...stated.pairs],
    (key) => byKey.has(key),
  )
  const joining = links.filter((l) => engine.canJoin(l.weight))
  const groups = components(byId.keys(), [
    ...joining,
    ...same.map(({ a, b }) => ({ a: byKey.get(a)?.id ?? 0, b: byKey.get(b)?.id ?? 0 })),
  ])
  const groupOf = new Map(groups.flatMap((ids, i) => ids.map((id) => [keyOf(id), i] as const)))
  const linksOf = Map.groupBy(joining, (l) => groupOf.get(keyOf(l.a)))
  const pairs: PairAssertion[] = [
    ...same.map((p) => ({ kind: 'SAME' as const, ...p })),
    ...assertions.filter((p) => p.kind === 'NOT_SAME'),
  ]
  const pairsOf = Map.groupBy(pairs, (p) =>
    groupOf.get(p.a) === groupOf.get(p.b) ? groupOf.get(p.a) : undefined,
  )
  const clusters: SourceRecord[][] = []
  const possible: PossibleMatch[] = [...stated.contradicted]
  const steps: MergeStep[] = []
  for (const [i, ids] of groups.entries()) {
    const members = ids.map((id) => byId.get(id)).filter((r) => r !== undefined)
    if (members.length === 1) {
      clusters.push(members)
      continue
    }
    const result = engine.cluster(
      members.map((m) => ({ key: m.key, source: m.source, features: m.features as Features })),
      (linksOf.get(i) ?? [])
        .filter((l) => byId.has(l.b))
        .map((l) => ({ a: keyOf(l.a), b: keyOf(l.b), weight: l.weight })),
      pairsOf.get(i) ?? [],
    )
    for (const c of result.clusters)
      clusters.push(c.map((key) => byKey.get(key)).filter((r) => r !== undefined))
    for (const p of result.possible) possible.push(p.a < p.b ? p : { ...p, a: p.b, b: p.a })
    for (const s of result.steps) steps.push(s)
  }
  return { clusters, possible, steps }
}

/** Reason of the task for a record whose values speak against the golden id that it bears. */
export const CONTRADICTS_GOLDEN_ID = 'it bears the golden id, but its values speak against it'

/** Returns a function that finds the live record of a key: of a deleted record, that of its host. */
function hostFinder(records: readonly SourceRecord[]): (key: string) => SourceRecord | null {
  const byKey = new Map(records.map((r) => [r.key, r]))
  return (key) => {
    const passed = new Set<SourceRecord>()
    for (let r = byKey.get(key); r && !passed.has(r); r = byKey.get(r.anchor ?? '')) {
      if (isLive(r)) return r
      passed.add(r)
    }
    return null
  }
}

/**
 * Returns the pairs of records that are the same because one bears the golden id that the other
 * names, or which holds the place of that one since it was deleted. A record whose values speak against that is a decision for people. What a steward declared
 * about a record counts more (I3).
 */
function statedPairs(
  engine: Engine,
  live: readonly SourceRecord[],
  hostOf: (key: string) => SourceRecord | null,
  assertions: readonly PairAssertion[],
): { pairs: PairAssertion[]; contradicted: PossibleMatch[] } {
  const apart = new Set(assertions.filter((p) => p.kind === 'NOT_SAME').flatMap((p) => [p.a, p.b]))
  const pairs: PairAssertion[] = []
  const contradicted: PossibleMatch[] = []
  for (const r of live) {
    const named = r.statedGolden === null ? null : hostOf(r.statedGolden)
    if (!named || named === r || apart.has(r.key)) continue
    const [a, b] = r.key < named.key ? [r, named] : [named, r]
    if (engine.link(a.features as Features, b.features as Features) !== null)
      pairs.push({ kind: 'SAME', a: a.key, b: b.key })
    else contradicted.push({ a: a.key, b: b.key, weight: 0, reason: CONTRADICTS_GOLDEN_ID })
  }
  return { pairs, contradicted }
}
