import type { Cause } from '../../schema/events.ts'
import type { TypePolicy } from '../../schema/policy.ts'
import type { Transaction } from '../db/database.ts'
import { type Assigned, assign } from '../golden/assign.ts'
import { type Derived, derive } from '../golden/derive.ts'
import { settleHostRecords } from '../golden/hostRecord.ts'
import { parentField } from '../golden/parentField.ts'
import { loadAssertions, loadGolden, type Stated } from '../golden/stored.ts'
import { type Golden, survive } from '../golden/survive.ts'
import { ASSERTED_NOT_SAME } from '../match/cluster.ts'
import type { SourceRecord } from '../records/records.ts'
import { type Closure, lockClosure } from './closure.ts'
import { clusterRecords } from './clusterRecords.ts'
import {
  engineOf,
  isLive,
  loadKnown,
  type ResolutionContext,
  type ResolutionState,
  survivor,
  targetOf,
} from './context.ts'
import { type Family, familiesOf, isParentOf, loadFamilies } from './families.ts'
import {
  declaredApart,
  entriesOf,
  type Finding,
  fallenApart,
  findPairs,
  findSplits,
  underThreshold,
} from './findings.ts'
import { type Link, type PossibleMatch, savePossible } from './links.ts'

/** Where a resolution starts. */
export interface ComponentStart {
  type: TypePolicy
  /** Ids of records that changed or whose links changed. */
  seeds: number[]
  /** Records that are loaded already, in their present form; the resolution adds those it loads. */
  records: Map<number, SourceRecord>
  /** Links that the transaction removes and adds, and has not written yet. */
  overlay?: { removed: Link[]; added: Link[] }
}

/** The part of a golden type that the seeds can reach, locked. */
interface Component {
  records: SourceRecord[]
  /** Records whose host record changed because they became inactive or active. */
  reanchored: SourceRecord[]
  closure: Closure
  assertions: Stated
}

/**
 * Resolves everything of one golden type that the seeds can reach: locks it, clusters its records,
 * assigns golden ids and derives golden records. Adds moved records and events to `state` and
 * returns what people have to decide.
 */
export async function resolveComponent(
  tx: Transaction,
  context: ResolutionContext,
  state: ResolutionState,
  start: ComponentStart,
): Promise<Finding[]> {
  const { type } = start
  const engine = engineOf(context, type)
  const component = await lockComponent(tx, context, state, start)
  const { records, closure, assertions } = component
  const { clusters, possible } = clusterRecords(engine, records, closure.links, assertions.pairs)
  const assigned = assign(
    clusters,
    records.filter((r) => !isLive(r)),
  )
  const stored = await loadGolden(tx, [
    ...new Set([
      ...assigned.map((a) => a.goldenId),
      ...records.flatMap((r) => (r.goldenId ? [r.goldenId] : [])),
    ]),
  ])
  const derived = derive(assigned, stored, (at) => survivorOf(context, type, assertions, at))
  // A change that a steward or a publication caused is decided already, also in its preview.
  const byPerson = [...state.causes.values()].some(
    (c) => c.source === 'stewardship' || c.source === 'publication',
  )
  const parts = byPerson ? [] : fallenApart(assigned, state.canonicalBefore)
  addToState(context, state, type, component, assigned, derived)

  const findings: Finding[] = []
  const structural = derived.some((d) => d.op !== 'UPDATED' && d.op !== 'CREATED')
  if (structural || byPerson || parts.length > 0)
    findings.push(await findSplits(tx, type.name, derived, assigned, assertions, parts))

  const unjoined = closure.links.filter((l) => !engine.canJoin(l.weight))
  const alike = await possibleMatches(tx, component, assigned, possible, unjoined)
  const pairs = await withoutParents(tx, type, component, assigned, alike)
  const previousCount = await savePossible(
    tx,
    type.name,
    records.map((r) => r.key),
    pairs,
  )
  // Without a possible match before and now there is no task to open or to close.
  if (previousCount + pairs.length > 0)
    findings.push(
      findPairs(type.name, pairs, assigned, closure.boundary, assertions, stored.keys()),
    )
  return findings
}

async function lockComponent(
  tx: Transaction,
  context: ResolutionContext,
  state: ResolutionState,
  { type, seeds, records, overlay = { removed: [], added: [] } }: ComponentStart,
): Promise<Component> {
  const closure = await lockClosure(tx, seeds, overlay, engineOf(context, type).canJoin)
  await loadKnown(tx, context, type, records, closure.placed.keys(), state)
  for (const { id, goldenId, anchor } of closure.placed.values()) {
    const r = records.get(id)
    if (r) Object.assign(r, { goldenId, anchor })
  }
  const reached = [...closure.placed.keys()]
    .map((id) => records.get(id))
    .filter((r) => r !== undefined)
  const reanchored = settleHostRecords(reached, isLive)
  const assertions = await loadAssertions(
    tx,
    reached.map((r) => r.key),
  )
  return { records: reached, reanchored, closure, assertions }
}

/** Returns the golden record of a cluster; null if it has no live member or was retired. */
function survivorOf(
  context: ResolutionContext,
  type: TypePolicy,
  assertions: Stated,
  at: Assigned<SourceRecord>,
): Golden | null {
  if (at.members.length === 0 || assertions.retired.has(at.goldenId)) return null
  const values = [...at.members, ...at.inactiveMembers].flatMap(
    (m) => assertions.values.get(m.key) ?? [],
  )
  const members = at.members.map((m) => survivor(context, m))
  return survive(context.policy, type, members, values)
}

/** Adds events, new golden ids and changed reference targets of a component to the transaction. */
function addToState(
  context: ResolutionContext,
  state: ResolutionState,
  type: TypePolicy,
  { records, reanchored }: Component,
  assigned: readonly Assigned<SourceRecord>[],
  derived: readonly Derived[],
): void {
  const causeOf = causesByGolden(assigned, state)
  const policyVersion = context.policy.version
  for (const d of derived)
    state.events.push({ ...d, type: type.name, policyVersion, cause: causeOf(d.goldenId) })
  for (const r of reanchored) state.changedRecords.set(r.id, r)
  for (const at of assigned)
    for (const r of [...at.members, ...at.inactiveMembers]) {
      if (r.goldenId === at.goldenId) continue
      state.causes.set(r.key, state.causes.get(r.key) ?? causeOf(at.goldenId))
      r.goldenId = at.goldenId
      state.changedRecords.set(r.id, r)
      state.goldenIdByKey.set(r.key, at.goldenId)
      state.targetByKey.set(r.key, targetOf(r))
    }
  const unhosted = records.filter((r) => !isLive(r) && r.goldenId === null)
  for (const r of [...reanchored, ...unhosted]) state.targetByKey.set(r.key, targetOf(r))
}

/** Possible matches of a component: refused merges, and links under the threshold. */
async function possibleMatches(
  tx: Transaction,
  { closure, assertions }: Component,
  assigned: readonly Assigned<SourceRecord>[],
  refused: readonly PossibleMatch[],
  unjoined: readonly Link[],
): Promise<PossibleMatch[]> {
  const entries = entriesOf(assigned)
  for (const [id, { key, goldenId }] of closure.boundary)
    if (goldenId) entries.set(id, { key, goldenId })
  const apart = await declaredApart(tx, assertions, entries.values())
  return [
    ...refused.filter((p) => p.reason !== ASSERTED_NOT_SAME),
    ...underThreshold(unjoined, entries, apart),
  ]
}

/**
 * Leaves out the pairs in which one golden record is the parent of the other: who states a parent
 * states two things.
 */
async function withoutParents(
  tx: Transaction,
  type: TypePolicy,
  { closure, assertions }: Component,
  assigned: readonly Assigned<SourceRecord>[],
  pairs: readonly PossibleMatch[],
): Promise<PossibleMatch[]> {
  const field = parentField(type)
  if (field === undefined || pairs.length === 0) return [...pairs]
  const goldenIdByKey = new Map([...entriesOf(assigned).values()].map((e) => [e.key, e.goldenId]))
  for (const { key, goldenId } of closure.boundary.values())
    if (goldenId) goldenIdByKey.set(key, goldenId)
  const own = familiesOf(assigned, field, assertions)
  const named = pairs.flatMap((p) => [p.a, p.b]).map((key) => goldenIdByKey.get(key) ?? '')
  const outside = [...new Set(named)].filter((id) => id !== '' && !own.has(id))
  const families = new Map<string, Family>([...own, ...(await loadFamilies(tx, field, outside))])
  return pairs.filter((p) => {
    const a = families.get(goldenIdByKey.get(p.a) ?? '')
    const b = families.get(goldenIdByKey.get(p.b) ?? '')
    return !a || !b || !(isParentOf(a, b) || isParentOf(b, a))
  })
}

/**
 * Finds the cause of each event: the change of a record that is or was in the golden record, else
 * of one that it met.
 */
function causesByGolden(
  assigned: readonly Assigned<SourceRecord>[],
  state: ResolutionState,
): (goldenId: string) => Cause {
  const causes = new Map<string, Cause>()
  for (const at of assigned)
    for (const r of [...at.members, ...at.inactiveMembers]) {
      const cause = state.causes.get(r.key)
      for (const id of [at.goldenId, r.goldenId])
        if (cause && id && !causes.has(id)) causes.set(id, cause)
    }
  const met = new Map(
    assigned.map((at) => [
      at.goldenId,
      at.members.flatMap((r) => (r.goldenId ? [r.goldenId] : [])),
    ]),
  )
  return (goldenId) => {
    const near = (met.get(goldenId) ?? []).map((id) => causes.get(id)).find((c) => !!c)
    const cause = causes.get(goldenId) ?? near ?? state.causes.values().next().value
    if (!cause) throw new Error(`golden record ${goldenId} changed without a cause`)
    return cause
  }
}
