import type { Cause } from '../../schema/events.ts'
import type { TypePolicy } from '../../schema/policy.ts'
import type { Transaction } from '../db/database.ts'
import { type Assigned, assign } from '../golden/assign.ts'
import { type Derived, derive } from '../golden/derive.ts'
import { settleAnchors } from '../golden/hostRecord.ts'
import { stakes } from '../golden/read/valueAtRisk.ts'
import {
  loadAssertions,
  loadCrosswalk,
  loadGolden,
  loadMemberKeys,
  type PairAssertion,
  type Stated,
} from '../golden/stored.ts'
import { type Golden, survive } from '../golden/survive.ts'
import { type MergeStep, STEWARD_SAYS_NO, UNDER_THRESHOLD } from '../match/cluster.ts'
import type { Engine, Features } from '../match/engine.ts'
import { sameChains } from '../match/sameChains.ts'
import type { SourceRecord } from '../records/records.ts'
import { DEFAULT_RULES } from '../tasks/rules.ts'
import { syncPairTasks, syncSplitTasks, type TaskReason } from '../tasks/tasks.ts'
import { lockClosure } from './closure.ts'
import { engineOf, isLive, loadKnown, type Mastering, survivor, targetOf, type Work } from './context.ts'
import { components, type Link, type PossibleMatch, savePossible } from './links.ts'

/**
 * From links and stewards' assertions to golden records: everything of one golden type that the seeds can reach is
 * locked, clustered, named and derived anew, and its events are laid into `work`. `records` are those that are at hand,
 * as they are now; `overlay` are links that the transaction takes away and adds and has not written yet.
 */
export async function recluster(
  tx: Transaction,
  mastering: Mastering,
  type: TypePolicy,
  seeds: number[],
  records: Map<number, SourceRecord>,
  work: Work,
  overlay: { removed: Link[]; added: Link[] } = { removed: [], added: [] },
): Promise<void> {
  const engine = engineOf(mastering, type)
  const reach = await lockClosure(tx, seeds, overlay, engine.joins)
  await loadKnown(tx, mastering, type, records, reach.placed.keys(), work)
  for (const { id, goldenId, anchor } of reach.placed.values()) {
    const r = records.get(id)
    if (r) Object.assign(r, { goldenId, anchor })
  }
  const reached = [...reach.placed.keys()].map((id) => records.get(id)).filter((r) => r !== undefined)
  const turned = settleAnchors(reached, isLive)
  for (const r of turned) work.changed.set(r.id, r)
  const said = await loadAssertions(
    tx,
    reached.map((r) => r.key),
  )
  const { clusters, possible } = clusterRecords(engine, reached, reach.links, said.pairs)

  // Golden ids, values, events.
  const assigned = assign(
    clusters,
    reached.filter((r) => !isLive(r)),
  )
  const golden = await loadGolden(tx, [
    ...new Set([...assigned.map((a) => a.goldenId), ...reached.flatMap((r) => (r.goldenId ? [r.goldenId] : []))]),
  ])
  const derived = derive(assigned, golden, (at): Golden | null => {
    if (at.members.length === 0 || said.retired.has(at.goldenId)) return null
    const values = [...at.members, ...at.absent].flatMap((m) => said.values.get(m.key) ?? [])
    return survive(
      mastering.policy,
      type,
      at.members.map((m) => survivor(mastering, m)),
      values,
    )
  })
  const causeOf = causesByGolden(assigned, work)
  for (const d of derived)
    work.events.push({
      ...d,
      type: type.name,
      policyVersion: mastering.policy.version,
      cause: causeOf(d.goldenId),
    })
  for (const at of assigned)
    for (const r of [...at.members, ...at.absent]) {
      if (r.goldenId === at.goldenId) continue
      work.causes.set(r.key, work.causes.get(r.key) ?? causeOf(at.goldenId))
      r.goldenId = at.goldenId
      work.changed.set(r.id, r)
      work.crosswalk.set(r.key, at.goldenId)
      work.targets.set(r.key, targetOf(r))
    }
  for (const r of [...turned, ...reached.filter((r) => !isLive(r) && r.goldenId === null)])
    work.targets.set(r.key, targetOf(r))

  const structural = derived.some((d) => d.op !== 'UPDATED' && d.op !== 'CREATED')
  // What people decided, a policy and its what-if included, waits for nobody to confirm it.
  const byHand = [...work.causes.values()].some((c) => c.source === 'stewardship' || c.source === 'publication')
  if (structural || byHand) await syncSplits(tx, mastering, type, derived, assigned, said, byHand)
  const places = new Map(assigned.flatMap((at) => at.members.map((m) => [m.id, { key: m.key, goldenId: at.goldenId }])))
  for (const [id, r] of reach.beside) if (r.goldenId) places.set(id, { key: r.key, goldenId: r.goldenId })
  const alike = [
    ...possible.filter((p) => p.reason !== STEWARD_SAYS_NO),
    ...underThreshold(
      reach.links.filter((l) => !engine.joins(l.weight)),
      places,
      await saidTwo(tx, said, places.values()),
    ),
  ]
  const had = await savePossible(
    tx,
    type.name,
    reached.map((r) => r.key),
    alike,
  )
  // No possible match before and none now: no task to open or to close.
  if (had + alike.length === 0) return
  const looked = new Set([...golden.keys(), ...assigned.map((a) => a.goldenId)])
  const homes = new Map([...places.values()].map((p) => [p.key, p.goldenId]))
  const retired = new Set(said.retired)
  for (const r of reach.beside.values()) if (r.goldenId && r.retired) retired.add(r.goldenId)
  await syncPairTasks(
    tx,
    mastering.rules ?? DEFAULT_RULES,
    [...looked],
    alikePairs(type, alike, homes, retired),
    async (ids) => {
      const keys = new Map(assigned.map((at) => [at.goldenId, [...at.members, ...at.absent].map((r) => r.key)]))
      const elsewhere = await loadMemberKeys(
        tx,
        ids.filter((id) => !keys.has(id)),
      )
      const of = ids.map((id) => [id, keys.get(id) ?? elsewhere.get(id) ?? []] as const)
      return stakes(tx, new Map(of))
    },
  )
}

/** A golden record that fell apart by itself is a task, until a steward says that it is two, or it is one again. */
async function syncSplits(
  tx: Transaction,
  mastering: Mastering,
  type: TypePolicy,
  derived: readonly Derived[],
  assigned: readonly Assigned<SourceRecord>[],
  said: Stated,
  byHand: boolean,
): Promise<void> {
  const parts = byHand ? [] : derived.filter((d) => d.op === 'SPLIT')
  const looked = new Set([...assigned, ...derived].map((d) => d.goldenId))
  const there = assigned.filter((a) => a.members.length > 0 && !said.retired.has(a.goldenId))
  const active = new Set(there.map((a) => a.goldenId))
  const two = await saidTwo(
    tx,
    said,
    assigned.flatMap((at) => at.members.map((m) => ({ key: m.key, goldenId: at.goldenId }))),
  )
  await syncSplitTasks(
    tx,
    mastering.rules ?? DEFAULT_RULES,
    type.name,
    looked,
    parts.length < 2 ? [] : parts.slice(1).map((d) => [parts[0]?.goldenId ?? '', d.goldenId]),
    async (pairs) => {
      const elsewhere = pairs.flat().filter((id) => !looked.has(id))
      for (const g of (await loadGolden(tx, elsewhere)).values()) if (g.state === 'ACTIVE') active.add(g.id)
      return (pair) => pair.every((id) => active.has(id)) && !two.has(pair.toSorted().join())
    },
  )
}

interface Home {
  key: string
  goldenId: string
}

/** Golden records of which a steward said that they are two, as sorted pairs of ids. */
async function saidTwo(tx: Transaction, said: Stated, places: Iterable<Home>): Promise<Set<string>> {
  const apart = said.pairs.filter((p) => p.kind === 'NOT_SAME')
  if (apart.length === 0) return new Set()
  const homes = new Map([...places].map((p) => [p.key, p.goldenId]))
  // The other one of two need not be in reach any more.
  const away = apart.flatMap((p) => [p.a, p.b]).filter((key) => !homes.has(key))
  for (const [key, goldenId] of await loadCrosswalk(tx, away)) homes.set(key, goldenId)
  return new Set(apart.map((p) => [homes.get(p.a) ?? '', homes.get(p.b) ?? ''].sort().join()))
}

/** Links that join nothing as possible matches: of records in two golden records that nobody has said to be two. */
function underThreshold(
  links: readonly Link[],
  places: ReadonlyMap<number, Home>,
  two: ReadonlySet<string>,
): PossibleMatch[] {
  return links.flatMap(({ a, b, weight }) => {
    const [x, y] = [places.get(a), places.get(b)]
    if (!x || !y || x.goldenId === y.goldenId || two.has([x.goldenId, y.goldenId].sort().join())) return []
    const [one, other] = x.key < y.key ? [x, y] : [y, x]
    return [{ a: one.key, b: other.key, weight, reason: UNDER_THRESHOLD }]
  })
}

/** Possible matches of records as tasks about their golden records, the best pair of each two. */
function alikePairs(
  type: TypePolicy,
  possible: readonly PossibleMatch[],
  homes: ReadonlyMap<string, string>,
  retired: ReadonlySet<string>,
): Omit<TaskReason, 'stake'>[] {
  const best = new Map<string, Omit<TaskReason, 'stake'>>()
  for (const p of possible) {
    const [x, y] = [homes.get(p.a) ?? '', homes.get(p.b) ?? '']
    if (x === y || retired.has(x) || retired.has(y)) continue
    const subject = [x, y].sort()
    const known = best.get(subject.join())
    if (known && (known.weight ?? 0) >= p.weight) continue
    const kind = p.reason === UNDER_THRESHOLD ? 'POSSIBLE_MATCH' : 'CONFLICT'
    best.set(subject.join(), { kind, type: type.name, subject, reason: p.reason, weight: Math.fround(p.weight) })
  }
  return [...best.values()]
}

/**
 * Clusters of the live ones among `records`, component by component; links that join and SAME make the components. `steps`
 * are the merges that led to them, in their order; `possible` are links that could have joined.
 */
export function clusterRecords(
  engine: Engine,
  records: SourceRecord[],
  links: readonly Link[],
  said: readonly PairAssertion[],
): { clusters: SourceRecord[][]; possible: PossibleMatch[]; steps: MergeStep[] } {
  const live = records.filter(isLive)
  const byKey = new Map(live.map((r) => [r.key, r]))
  const byId = new Map(live.map((r) => [r.id, r]))
  const keyOf = (id: number) => byId.get(id)?.key ?? ''
  const same = sameChains(
    said.filter((p) => p.kind === 'SAME'),
    (key) => byKey.has(key),
  )
  const joining = links.filter((l) => engine.joins(l.weight))
  const groups = components(byId.keys(), [
    ...joining,
    ...same.map(({ a, b }) => ({ a: byKey.get(a)?.id ?? 0, b: byKey.get(b)?.id ?? 0 })),
  ])
  const groupOf = new Map(groups.flatMap((ids, i) => ids.map((id) => [keyOf(id), i] as const)))
  const linksOf = Map.groupBy(joining, (l) => groupOf.get(keyOf(l.a)))
  const pairs: PairAssertion[] = [
    ...same.map((p) => ({ kind: 'SAME' as const, ...p })),
    ...said.filter((p) => p.kind === 'NOT_SAME'),
  ]
  const pairsOf = Map.groupBy(pairs, (p) => (groupOf.get(p.a) === groupOf.get(p.b) ? groupOf.get(p.a) : undefined))
  const clusters: SourceRecord[][] = []
  const possible: PossibleMatch[] = []
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
    for (const c of result.clusters) clusters.push(c.map((key) => byKey.get(key)).filter((r) => r !== undefined))
    for (const p of result.possible) possible.push(p.a < p.b ? p : { ...p, a: p.b, b: p.a })
    for (const s of result.steps) steps.push(s)
  }
  return { clusters, possible, steps }
}

/** The change that led to an event: of a record that is in the golden record or was, else of one it met. */
function causesByGolden(assigned: Assigned<SourceRecord>[], work: Work): (goldenId: string) => Cause {
  const causes = new Map<string, Cause>()
  for (const at of assigned)
    for (const r of [...at.members, ...at.absent]) {
      const cause = work.causes.get(r.key)
      for (const id of [at.goldenId, r.goldenId]) if (cause && id && !causes.has(id)) causes.set(id, cause)
    }
  const met = new Map(assigned.map((at) => [at.goldenId, at.members.flatMap((r) => (r.goldenId ? [r.goldenId] : []))]))
  return (goldenId) => {
    const near = (met.get(goldenId) ?? []).map((id) => causes.get(id)).find((c) => !!c)
    const cause = causes.get(goldenId) ?? near ?? work.causes.values().next().value
    if (!cause) throw new Error(`golden record ${goldenId} changed without a cause`)
    return cause
  }
}
