import type { SourceSystem } from '../../connectors/contract.ts'
import type { Cause } from '../../schema/events.ts'
import { ownValue } from '../../schema/kit/dictionary.ts'
import type { Policy, TypePolicy } from '../../schema/policy.ts'
import type { Transaction } from '../db/database.ts'
import type { NewChange } from '../feed/append.ts'
import { loadPlaces } from '../golden/stored.ts'
import type { Engine, MatchRecord } from '../match/engine.ts'
import { type Candidate, loadById, type SourceRecord } from '../records/records.ts'
import { keyHash } from './blockingKeys.ts'
import type { Finding } from './findings.ts'

/** The input of resolution, which it never changes. `engines` has one engine per golden type. */
export interface ResolutionContext {
  policy: Policy
  engines: ReadonlyMap<string, Engine>
  systems: ReadonlyMap<string, SourceSystem>
}

/** The results of one transaction so far. Its owner writes them at the end of the transaction. */
export interface ResolutionState {
  /** Golden ids that records got in this transaction, by record key. */
  goldenIdByKey: Map<string, string | null>
  /** Changed values by which references to records are compared (`targetOf`), by record key. */
  targetByKey: Map<string, string>
  /** Why each record is resolved, by record key. */
  causes: Map<string, Cause>
  /** The fields of records before messages of this transaction changed them, by record key. */
  canonicalBefore: Map<string, SourceRecord['canonical']>
  /** Records whose golden id, features or keys differ from what is stored, by record id. */
  changedRecords: Map<number, SourceRecord>
  /** Records whose blocking keys this transaction writes, and so their features too. */
  keyedIds: Set<number>
  /**
   * Records whose stored features cannot be used; they were computed again from the records'
   * fields.
   */
  brokenIds: Set<number>
  /** Why records cannot be standardised or compared, by record id. */
  notCompared: Map<number, string>
  events: NewChange[]
  /** Decisions for people, in the order in which they were found. */
  findings: Finding[]
  /**
   * Last messages of records that have to be resolved again and that another transaction locks.
   * They go back into the queue.
   */
  deferredInboxIds: number[]
}

export function newResolutionState(): ResolutionState {
  return {
    goldenIdByKey: new Map(),
    targetByKey: new Map(),
    causes: new Map(),
    canonicalBefore: new Map(),
    changedRecords: new Map(),
    keyedIds: new Set(),
    brokenIds: new Set(),
    notCompared: new Map(),
    events: [],
    findings: [],
    deferredInboxIds: [],
  }
}

export function isLive(r: { complete: boolean; deleted: boolean }): boolean {
  return r.complete && !r.deleted
}

export function engineOf(context: ResolutionContext, type: TypePolicy): Engine {
  const engine = context.engines.get(type.name)
  if (!engine) throw new Error(`no matching engine for golden type ${type.name}`)
  return engine
}

/** Returns the fields of a type that are compared by reference. */
export function referenceFields(type: TypePolicy): string[] {
  return type.fields.filter((f) => f.compare?.as === 'REFERENCE').map((f) => f.name)
}

/** Loads those of `ids` that `records` does not hold yet, with features and keys of this engine. */
export async function loadKnown(
  tx: Transaction,
  context: ResolutionContext,
  type: TypePolicy,
  records: Map<number, SourceRecord>,
  ids: Iterable<number>,
  state: ResolutionState,
): Promise<void> {
  const missing = [...new Set(ids)].filter((id) => !records.has(id))
  const found = await loadById(tx, missing)
  for (const r of found) records.set(r.id, r)
  await refresh(tx, engineOf(context, type), type, found, state)
}

/**
 * Returns the value by which a reference to a record is compared: the golden id of a live record.
 * The golden id of an inactive record depends on its companions when it was deleted, and so on the
 * order of arrival (I1). It therefore equals only itself.
 */
export function targetOf(r: {
  key: string
  complete: boolean
  deleted: boolean
  goldenId: string | null
}): string {
  return isLive(r) && r.goldenId ? r.goldenId : `-${r.key}`
}

/**
 * Returns true if the stored features of a record belong to another engine or cannot be used by
 * this one.
 */
export function isStale(engine: Engine, r: Candidate): boolean {
  return r.featuresVersion !== engine.version || (isLive(r) && !engine.fits(r.features))
}

/**
 * Computes features and keys of records that have none of this engine. A reference to a record that
 * never arrived is not compared. A record that cannot be standardised gets features without values
 * and no keys, so it is compared with nothing: a function of the record alone, as in a rebuild
 * (I1).
 */
export async function refresh(
  tx: Transaction,
  engine: Engine,
  type: TypePolicy,
  records: SourceRecord[],
  state: ResolutionState,
): Promise<void> {
  const stale = records.filter((r) => isStale(engine, r))
  if (stale.length === 0) return
  const references = referenceFields(type)
  const named = new Set(
    stale
      .flatMap((r) => references.map((f) => ownValue(r.canonical, f)))
      .filter((v) => typeof v === 'string'),
  )
  const unread = [...named].filter((key) => !state.targetByKey.has(key))
  const targets = new Map((await loadPlaces(tx, unread)).map((r) => [r.key, targetOf(r)]))
  for (const [key, target] of state.targetByKey) targets.set(key, target)
  for (const r of stale) {
    if (r.featuresVersion === engine.version) state.brokenIds.add(r.id)
    r.featuresVersion = engine.version
    if (!isLive(r)) {
      r.features = null
      r.keys = []
      continue
    }
    const failedBefore = engine.failures.count
    const features = engine.standardise(matchRecord(r, references, targets))
    r.features = features
    r.keys = [...new Set(engine.keys(features).map((k) => keyHash(type.name, k)))]
    if (engine.failures.count > failedBefore) state.notCompared.set(r.id, reasonOf(engine))
  }
}

/** Returns the message of the engine's last failure, for people. */
export function reasonOf(engine: Engine): string {
  const { last } = engine.failures
  return last instanceof Error ? last.message : String(last)
}

/**
 * Returns a source record as the matching engine sees it, with references replaced by `targetOf`.
 */
export function matchRecord(
  r: SourceRecord,
  references: string[],
  targets: ReadonlyMap<string, string>,
): MatchRecord {
  const resolved = references.map((f) => [f, targets.get(String(ownValue(r.canonical, f))) ?? null])
  const fields = { ...r.canonical, ...Object.fromEntries(resolved) } as MatchRecord['fields']
  return { key: r.key, source: r.source, fields }
}

/** Returns a source record as survivorship sees it. */
export function survivor(context: ResolutionContext, r: SourceRecord) {
  const system = context.systems.get(r.source)
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
