import type { SourceSystem } from '../connectors/contract.ts'
import type { Cause } from '../schema/events.ts'
import type { Policy, TypePolicy } from '../schema/policy.ts'
import { lockClosure } from './cluster/closure.ts'
import { components, type Link, loadLinks, type PossibleMatch, saveLinks, savePossible } from './cluster/links.ts'
import type { Transaction } from './db/database.ts'
import { lock } from './db/locks.ts'
import type { NewChange } from './feed/append.ts'
import { type Assigned, assign } from './golden/assign.ts'
import { derive } from './golden/derive.ts'
import { loadAssertions, loadCrosswalk, loadGolden } from './golden/stored.ts'
import { type Golden, survive } from './golden/survive.ts'
import { loadById, type SourceRecord } from './ingest/records.ts'
import { countBlocks, keyHash, loadBlocks, loadMembers, saveKeys } from './match/blocks.ts'
import { findCandidates } from './match/candidates.ts'
import { createEngine, type Engine, type Features, type MatchRecord } from './match/engine.ts'

/** What resolving needs and does not change: the policy, one engine a golden type, the configured source systems. */
export interface Mastering {
  policy: Policy
  engines: ReadonlyMap<string, Engine>
  systems: ReadonlyMap<string, SourceSystem>
}

/** One engine a golden type, with shipped parameters. */
export function createEngines(policy: Policy): Map<string, Engine> {
  return new Map(policy.types.map((type) => [type.name, createEngine(type)]))
}

/** What one transaction has found so far; the pipeline and the steward's actions write it at their end. */
export interface Work {
  /** Golden ids that records have got in this transaction, by record key: what later types refer to. */
  crosswalk: Map<string, string | null>
  /** Why each record is touched, by record key. */
  causes: Map<string, Cause>
  /** Records whose golden id, features or keys differ from what is stored. */
  changed: Map<number, SourceRecord>
  events: NewChange[]
}

/**
 * Resolves everything of one golden type that a change of some records can reach: keys, candidates, links, clusters,
 * golden ids, survivorship, events. `touched` are the records as they are now, with the keys and the golden id that are
 * still stored. The result is a function of the records and the assertions alone (I1); locks are taken before anything
 * is read that another writer could change (I8).
 */
export async function resolve(
  tx: Transaction,
  mastering: Mastering,
  type: TypePolicy,
  touched: SourceRecord[],
  work: Work,
): Promise<void> {
  const engine = engineOf(mastering, type)
  const records = new Map(touched.map((r) => [r.id, r]))
  const known = async (ids: number[]) => {
    const missing = [...new Set(ids)].filter((id) => !records.has(id))
    for (const r of await loadById(tx, missing)) records.set(r.id, r)
    await refresh(
      tx,
      engine,
      type,
      missing.map((id) => records.get(id)).filter((r) => !!r),
      work,
    )
  }

  // Keys, old and new, under their locks: whoever could link to these records waits here.
  const oldKeys = new Map(touched.map((r) => [r.id, r.keys]))
  for (const r of touched) r.featuresVersion = null
  await refresh(tx, engine, type, touched, work)
  const keyed = touched.map((r) => ({ id: r.id, oldKeys: oldKeys.get(r.id) ?? [], newKeys: r.keys }))
  await lock(
    tx,
    'blockingKey',
    keyed.flatMap((k) => [...k.oldKeys, ...k.newKeys]),
  )

  // Candidates, and the links that hold now.
  const bound = engine.blockRecordsMax
  const blocks = await loadBlocks(tx, [...new Set(keyed.flatMap((k) => [...k.oldKeys, ...k.newKeys]))], bound)
  const found = findCandidates(keyed, blocks, await reopened(tx, keyed, blocks, bound), bound)
  await known(found.pairs.flat())
  const now = new Map<string, Link>()
  for (const [a, b] of found.pairs) {
    const weight = compareTwo(engine, records.get(a), records.get(b))
    if (weight !== null) now.set(`${a}:${b}`, { a, b, weight })
  }
  const stored = await loadLinks(
    tx,
    touched.map((r) => r.id),
  )
  const lost = await lostLinks(tx, found, records, known, bound)
  const was = new Map([...stored, ...lost].map((l) => [`${l.a}:${l.b}`, l]))
  const removed = [...was].filter(([at]) => !now.has(at)).map(([, l]) => l)
  const added = [...now].filter(([at, l]) => Math.fround(l.weight) !== was.get(at)?.weight).map(([, l]) => l)

  // Everything the change can reach, locked; then clusters.
  // Keys that pass the bound, or fall under it, change links between records that are not touched themselves.
  const seeds = new Set([...touched.map((r) => r.id), ...[...removed, ...added].flatMap((l) => [l.a, l.b])])
  const reach = await lockClosure(tx, [...seeds], { removed, added })
  await known([...reach.placed.keys()])
  for (const [id, goldenId] of reach.placed) {
    const r = records.get(id)
    if (r) r.goldenId = goldenId
  }
  const reached = [...reach.placed.keys()].map((id) => records.get(id)).filter((r) => r !== undefined)
  const live = reached.filter(isLive)
  const assertions = await loadAssertions(
    tx,
    reached.map((r) => r.key),
  )
  const byKey = new Map(live.map((r) => [r.key, r]))
  const clusters: SourceRecord[][] = []
  const possible: PossibleMatch[] = []
  const groups = components(
    live.map((r) => r.id),
    reach.links,
  )
  for (const ids of groups) {
    const members = ids.map((id) => records.get(id)).filter((r) => r !== undefined)
    if (members.length === 1) {
      clusters.push(members)
      continue
    }
    const keys = new Set(members.map((m) => m.key))
    const inside = new Set(ids)
    const result = engine.cluster(
      members.map((m) => ({ key: m.key, source: m.source, features: m.features as Features })),
      reach.links
        .filter((l) => inside.has(l.a) && inside.has(l.b))
        .map((l) => ({ a: records.get(l.a)?.key ?? '', b: records.get(l.b)?.key ?? '', weight: l.weight })),
      assertions.pairs.filter((p) => keys.has(p.a) && keys.has(p.b)),
    )
    for (const c of result.clusters) clusters.push(c.map((key) => byKey.get(key)).filter((r) => r !== undefined))
    for (const p of result.possible) possible.push(p.a < p.b ? p : { ...p, a: p.b, b: p.a })
  }

  // Golden ids, values, events.
  const assigned = assign(
    clusters,
    reached.filter((r) => !isLive(r)),
  )
  const golden = await loadGolden(tx, [
    ...new Set([...assigned.map((a) => a.goldenId), ...reached.flatMap((r) => (r.goldenId ? [r.goldenId] : []))]),
  ])
  const derived = derive(assigned, golden, (at): Golden | null => {
    if (at.members.length === 0) return null
    const values = [...at.members, ...at.absent].flatMap((m) => assertions.values.get(m.key) ?? [])
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
    }
  for (const r of touched) work.changed.set(r.id, r)

  await Promise.all([
    saveKeys(
      tx,
      keyed.map((k) => ({
        recordId: k.id,
        removed: k.oldKeys.filter((x) => !k.newKeys.includes(x)),
        added: k.newKeys.filter((x) => !k.oldKeys.includes(x)),
      })),
    ),
    saveLinks(tx, removed, added),
    savePossible(
      tx,
      type.name,
      reached.map((r) => r.key),
      possible,
    ),
  ])
}

export function isLive(r: { complete: boolean; deleted: boolean }): boolean {
  return r.complete && !r.deleted
}

function engineOf(mastering: Mastering, type: TypePolicy): Engine {
  const engine = mastering.engines.get(type.name)
  if (!engine) throw new Error(`no matching engine for golden type ${type.name}`)
  return engine
}

/** Fields of a type that are compared by reference. */
export function referenceFields(type: TypePolicy): string[] {
  return type.fields.filter((f) => f.compare?.as === 'REFERENCE').map((f) => f.name)
}

/** Features and keys of records that have none of this engine's; references are compared by what they resolve to now. */
async function refresh(
  tx: Transaction,
  engine: Engine,
  type: TypePolicy,
  records: SourceRecord[],
  work: Work,
): Promise<void> {
  const stale = records.filter((r) => r.featuresVersion !== engine.version)
  if (stale.length === 0) return
  const references = referenceFields(type)
  const targets = new Set(
    stale.flatMap((r) => references.map((f) => r.canonical[f])).filter((v) => typeof v === 'string'),
  )
  const crosswalk: Map<string, string | null> = new Map(
    await loadCrosswalk(
      tx,
      [...targets].filter((t) => !work.crosswalk.has(t)),
    ),
  )
  for (const [key, goldenId] of work.crosswalk) crosswalk.set(key, goldenId)
  for (const r of stale) {
    r.featuresVersion = engine.version
    if (!isLive(r)) {
      r.features = null
      r.keys = []
      continue
    }
    const features = engine.standardise(matchRecord(r, references, crosswalk))
    r.features = features
    r.keys = [...new Set(engine.keys(features).map((k) => keyHash(type.name, k)))]
  }
}

function compareTwo(engine: Engine, a: SourceRecord | undefined, b: SourceRecord | undefined): number | null {
  if (!a?.features || !b?.features || !isLive(a) || !isLive(b)) return null
  const { weight } = engine.compare(a.features as Features, b.features as Features)
  return weight >= engine.linkWeightMin ? weight : null
}

/** All members of keys that were over the bound and may fall under it, because records leave them. */
async function reopened(
  tx: Transaction,
  keyed: { oldKeys: number[]; newKeys: number[] }[],
  blocks: ReadonlyMap<number, number[]>,
  bound: number,
): Promise<Map<number, number[]>> {
  const left = new Map<number, number>()
  for (const k of keyed)
    for (const key of k.oldKeys)
      if (!k.newKeys.includes(key) && (blocks.get(key)?.length ?? 0) > bound) left.set(key, (left.get(key) ?? 0) + 1)
  const sizes = await countBlocks(tx, [...left.keys()])
  const whole = new Map<number, number[]>()
  for (const [key, leaving] of left)
    if ((sizes.get(key) ?? 0) - leaving <= bound) whole.set(key, await loadMembers(tx, key))
  return whole
}

/** Stored links of untouched records that rested on a key which now has too many members, and on no other. */
async function lostLinks(
  tx: Transaction,
  found: ReturnType<typeof findCandidates>,
  records: Map<number, SourceRecord>,
  known: (ids: number[]) => Promise<void>,
  bound: number,
): Promise<Link[]> {
  if (found.closed.length === 0) return []
  const inside = new Set(found.closed.flatMap((c) => c.records))
  const links = (await loadLinks(tx, [...inside])).filter((l) => inside.has(l.a) && inside.has(l.b))
  await known(links.flatMap((l) => [l.a, l.b]))
  const shared = links.map((link) => {
    const keys = records.get(link.a)?.keys ?? []
    const others = new Set(records.get(link.b)?.keys)
    return { link, keys: keys.filter((k) => others.has(k)) }
  })
  const unknown = new Set(shared.flatMap((s) => s.keys).filter((k) => !found.effective.has(k)))
  const more = await loadBlocks(tx, [...unknown], bound)
  const holds = (key: number) => found.effective.get(key) ?? (more.get(key)?.length ?? 0) <= bound
  return shared.filter((s) => !s.keys.some(holds)).map((s) => s.link)
}

/** A source record as the matching engine sees it: references are the golden ids that they resolve to. */
export function matchRecord(
  r: SourceRecord,
  references: string[],
  crosswalk: ReadonlyMap<string, string | null>,
): MatchRecord {
  const resolved = references.map((f) => [f, crosswalk.get(String(r.canonical[f])) ?? null])
  const fields = { ...r.canonical, ...Object.fromEntries(resolved) } as MatchRecord['fields']
  return { key: r.key, source: r.source, fields }
}

/** A source record as survivorship sees it. */
export function survivor(mastering: Mastering, r: SourceRecord) {
  const system = mastering.systems.get(r.source)
  return {
    key: r.key,
    source: r.source,
    role: system?.role ?? '',
    trust: system?.trust ?? 0,
    trustHalfLifeDays: system?.trustHalfLifeDays,
    version: r.version,
    fields: r.canonical,
  }
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
