import { isDeepStrictEqual } from 'node:util'
import type { Policy, TypePolicy } from '../../schema/policy.ts'
import type { Transaction } from '../db/database.ts'
import { lock } from '../db/locks.ts'
import { findCandidates } from '../match/candidates.ts'
import { createEngine, type Engine, type Features } from '../match/engine.ts'
import { hashRecordsMax } from '../match/keyBound.ts'
import { type Candidate, loadById, loadFeatures, type SourceRecord } from '../records/records.ts'
import { countBlocks, loadBlocks, loadMembers, lockBlocks, saveKeys } from './blockingKeys.ts'
import { loadStatedBeside } from './closure.ts'
import {
  engineOf,
  isLive,
  isStale,
  loadKnown,
  type ResolutionContext,
  type ResolutionState,
  reasonOf,
  refresh,
} from './context.ts'
import { type Link, loadLinks, saveLinks } from './links.ts'
import { resolveComponent } from './resolveComponent.ts'

/** Creates one engine for each golden type, with shipped parameters. */
export function createEngines(policy: Policy): Map<string, Engine> {
  return new Map(policy.types.map((type) => [type.name, createEngine(type)]))
}

/**
 * Resolves everything of one golden type that a change of some records can reach: keys, candidates,
 * links, clusters, golden ids, survivorship, events. `touched` are the records in their present
 * form, with the keys and the golden id that are still stored. The result is a function of the
 * records and the assertions alone (I1). Locks are taken before anything is read that another
 * writer could change (I8).
 */
export async function resolve(
  tx: Transaction,
  context: ResolutionContext,
  type: TypePolicy,
  touched: SourceRecord[],
  state: ResolutionState,
): Promise<void> {
  const engine = engineOf(context, type)
  const records = new Map<number, SourceRecord>(touched.map((r) => [r.id, r]))
  const known = (ids: number[]) => loadKnown(tx, context, type, records, ids, state)

  // Locks old and new keys. Every transaction that could link to these records waits here.
  const oldKeys = new Map(touched.map((r) => [r.id, r.keys]))
  // Keys of another engine may never have been written, if the record met one of this engine before
  // its own turn.
  const unsure = new Set(touched.filter((r) => isStale(engine, r)).map((r) => r.id))
  for (const r of touched) r.featuresVersion = null
  await refresh(tx, engine, type, touched, state)
  const keyed = touched.map((r) => ({
    id: r.id,
    oldKeys: oldKeys.get(r.id) ?? [],
    newKeys: r.keys,
  }))
  const bound = engine.blockRecordsMax
  const blocks = await lockBlocks(tx, keyed, bound)

  // Candidates, and the links that hold now.
  const found = findCandidates(keyed, blocks, await reopened(tx, keyed, blocks, bound), bound)
  const candidates = await loadCandidates(tx, engine, records, found.pairs.flat(), known)
  const now = new Map<string, Link>()
  const failed: [number, number][] = []
  for (const [a, b] of found.pairs) {
    const failedBefore = engine.failures.count
    const weight = compareTwo(engine, candidates.get(a), candidates.get(b))
    if (weight !== null) now.set(`${a}:${b}`, { a, b, weight })
    if (engine.failures.count > failedBefore) failed.push([a, b])
  }
  if (failed.length > 0)
    for (const link of await compareAgain(tx, engine, type, failed, records, state))
      now.set(`${link.a}:${link.b}`, link)
  const stored = await loadLinks(
    tx,
    touched.map((r) => r.id),
  )
  const lost = await lostLinks(tx, found, records, known, bound)
  const was = new Map([...stored, ...lost].map((l) => [`${l.a}:${l.b}`, l]))
  const removed = [...was].filter(([at]) => !now.has(at)).map(([, l]) => l)
  // Weights are stored in single precision and read back as the shortest text with that value, so
  // both are rounded before the comparison.
  const added = [...now]
    .filter(([at, l]) => Math.fround(l.weight) !== Math.fround(was.get(at)?.weight ?? Number.NaN))
    .map(([, l]) => l)

  // Everything the change can reach: clusters, golden records, events. Keys that exceed the bound,
  // or fall below it, change links between records that are not touched themselves.
  const isTouched = new Set(touched.map((r) => r.id))
  const apart = (l: Link) =>
    !engine.canJoin(l.weight) && !engine.canJoin(was.get(`${l.a}:${l.b}`)?.weight ?? l.weight)
  const reaching = [...removed, ...added].filter(
    (l) => !(apart(l) && (isTouched.has(l.a) || isTouched.has(l.b))),
  )
  const beside = await loadStatedBeside(tx, type.name, touched)
  const seeds = new Set([...isTouched, ...beside, ...reaching.flatMap((l) => [l.a, l.b])])
  const overlay = { removed, added }
  const findings = await resolveComponent(tx, context, state, {
    type,
    seeds: [...seeds],
    records,
    overlay,
  })
  state.findings.push(...findings)
  for (const r of touched) {
    state.changedRecords.set(r.id, r)
    state.keyedIds.add(r.id)
  }

  await Promise.all([
    saveKeys(
      tx,
      keyed.map((k) => ({
        recordId: k.id,
        removed: k.oldKeys.filter((x) => !k.newKeys.includes(x)),
        added: unsure.has(k.id) ? k.newKeys : k.newKeys.filter((x) => !k.oldKeys.includes(x)),
      })),
    ),
    saveLinks(tx, removed, added),
  ])
}

/**
 * Returns the candidates to compare with. Features of another engine have to be computed again,
 * which needs the whole record.
 */
async function loadCandidates(
  tx: Transaction,
  engine: Engine,
  records: ReadonlyMap<number, SourceRecord>,
  ids: number[],
  known: (ids: number[]) => Promise<void>,
): Promise<ReadonlyMap<number, Candidate>> {
  const found = await loadFeatures(
    tx,
    [...new Set(ids)].filter((id) => !records.has(id)),
  )
  await known(found.filter((c) => isStale(engine, c)).map((c) => c.id))
  return new Map<number, Candidate>([...found.map((c) => [c.id, c] as const), ...records])
}

function compareTwo(
  engine: Engine,
  a: Candidate | undefined,
  b: Candidate | undefined,
): number | null {
  if (!a?.features || !b?.features || !isLive(a) || !isLive(b)) return null
  return engine.link(a.features as Features, b.features as Features)
}

/**
 * Compares pairs again whose comparison failed, with features computed from the records' fields,
 * since the stored ones may be broken. A pair that fails again is not compared. That is a function
 * of the two records alone, so a rebuild and any order of arrival give the same result (I1); locks
 * are those of any comparison (I8).
 */
async function compareAgain(
  tx: Transaction,
  engine: Engine,
  type: TypePolicy,
  failed: readonly [number, number][],
  records: Map<number, SourceRecord>,
  state: ResolutionState,
): Promise<Link[]> {
  const stored = await loadById(
    tx,
    [...new Set(failed.flat())].filter((id) => !records.has(id)),
  )
  const before = new Map(stored.map((r) => [r.id, r.features]))
  for (const r of stored) {
    r.features = null
    records.set(r.id, r)
  }
  await refresh(tx, engine, type, stored, state)
  for (const r of stored)
    if (isDeepStrictEqual(r.features, before.get(r.id))) state.brokenIds.delete(r.id)
  const links: Link[] = []
  for (const [a, b] of failed) {
    const pair = [records.get(a), records.get(b)]
    const failedBefore = engine.failures.count
    const weight = compareTwo(engine, pair[0], pair[1])
    if (weight !== null) links.push({ a, b, weight })
    if (engine.failures.count === failedBefore) continue
    const reason = reasonOf(engine)
    const guilty = [a, b].filter((id) => !isComparable(engine, records.get(id)))
    for (const id of guilty.length > 0 ? guilty : [Math.max(a, b)])
      state.notCompared.set(id, reason)
  }
  return links
}

/**
 * Returns true if a record can be compared with itself. One that cannot is the faulty one of a pair
 * that fails.
 */
function isComparable(engine: Engine, r: Candidate | undefined): boolean {
  const failedBefore = engine.failures.count
  compareTwo(engine, r, r)
  return engine.failures.count === failedBefore
}

/**
 * Returns all members of keys that exceeded the bound and may fall below it because records leave
 * them.
 */
async function reopened(
  tx: Transaction,
  keyed: { oldKeys: number[]; newKeys: number[] }[],
  blocks: ReadonlyMap<number, number[]>,
  bound: number,
): Promise<Map<number, number[]>> {
  const left = new Map<number, number>()
  for (const k of keyed)
    for (const key of k.oldKeys)
      if (!k.newKeys.includes(key) && (blocks.get(key)?.length ?? 0) > hashRecordsMax(key, bound))
        left.set(key, (left.get(key) ?? 0) + 1)
  const sizes = await countBlocks(tx, [...left.keys()])
  const whole = new Map<number, number[]>()
  for (const [key, leaving] of left)
    if ((sizes.get(key) ?? 0) - leaving <= hashRecordsMax(key, bound))
      whole.set(key, await loadMembers(tx, key))
  return whole
}

/**
 * Returns stored links of untouched records that depended on a key which now has too many members,
 * and on no other. The other keys are locked before they are counted: otherwise two transactions
 * that each fill one of the last two keys of a link would each rely on the other's key.
 */
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
  const doubtful = shared.filter((s) => !s.keys.some((k) => found.effective.get(k)))
  const unseen = [
    ...new Set(doubtful.flatMap((s) => s.keys).filter((k) => !found.effective.has(k))),
  ]
  await lock(tx, 'blockingKey', unseen)
  const blocks = await loadBlocks(tx, unseen, bound)
  const holds = (key: number) =>
    blocks.has(key) && (blocks.get(key)?.length ?? 0) <= hashRecordsMax(key, bound)
  return doubtful.filter((s) => !s.keys.some(holds)).map((s) => s.link)
}
