import type { SourceSystem } from '../../connectors/contract.ts'
import type { Cause } from '../../schema/events.ts'
import type { Policy, TypePolicy } from '../../schema/policy.ts'
import type { Transaction } from '../db/database.ts'
import type { NewChange } from '../feed/append.ts'
import { loadPlaces } from '../golden/stored.ts'
import type { Engine, MatchRecord } from '../match/engine.ts'
import { loadById, type SourceRecord } from '../records/records.ts'
import { keyHash } from './blockingKeys.ts'
import type { Finding } from './findings.ts'

/** What resolution reads and never changes. `engines` holds one engine for each golden type. */
export interface ResolutionContext {
  policy: Policy
  engines: ReadonlyMap<string, Engine>
  systems: ReadonlyMap<string, SourceSystem>
}

/** What one transaction has resolved so far. Its owner writes it at the end of the transaction. */
export interface ResolutionState {
  /** Golden ids that records got in this transaction, by record key. */
  goldenIdByKey: Map<string, string | null>
  /** Changed values by which references to records are compared (`targetOf`), by record key. */
  targetByKey: Map<string, string>
  /** Why each record is resolved, by record key. */
  causes: Map<string, Cause>
  /** Records whose golden id, features or keys differ from what is stored, by record id. */
  changedRecords: Map<number, SourceRecord>
  events: NewChange[]
  /** What people have to decide, in the order in which it was found. */
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
    changedRecords: new Map(),
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

/** Fields of a type that are compared by reference. */
export function referenceFields(type: TypePolicy): string[] {
  return type.fields.filter((f) => f.compare?.as === 'REFERENCE').map((f) => f.name)
}

/** Reads those of `ids` that `records` does not hold yet, with features and keys of this engine. */
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
 * What a reference to a record is compared by: the golden id of a live one. Where one that is not live stands depends on
 * whom it was with when it was deleted, which the order of arrival decides (I1), so it is like itself alone.
 */
export function targetOf(r: { key: string; complete: boolean; deleted: boolean; goldenId: string | null }): string {
  return isLive(r) && r.goldenId ? r.goldenId : `-${r.key}`
}

/**
 * Features and keys of records that have none of this engine's. A reference to a record that never came is not compared.
 */
export async function refresh(
  tx: Transaction,
  engine: Engine,
  type: TypePolicy,
  records: SourceRecord[],
  state: ResolutionState,
): Promise<void> {
  const stale = records.filter((r) => r.featuresVersion !== engine.version)
  if (stale.length === 0) return
  const references = referenceFields(type)
  const named = new Set(
    stale.flatMap((r) => references.map((f) => r.canonical[f])).filter((v) => typeof v === 'string'),
  )
  const unread = [...named].filter((key) => !state.targetByKey.has(key))
  const targets = new Map((await loadPlaces(tx, unread)).map((r) => [r.key, targetOf(r)]))
  for (const [key, target] of state.targetByKey) targets.set(key, target)
  for (const r of stale) {
    r.featuresVersion = engine.version
    if (!isLive(r)) {
      r.features = null
      r.keys = []
      continue
    }
    const features = engine.standardise(matchRecord(r, references, targets))
    r.features = features
    r.keys = [...new Set(engine.keys(features).map((k) => keyHash(type.name, k)))]
  }
}

/** A source record as the matching engine sees it: references as what they are compared by (`targetOf`). */
export function matchRecord(r: SourceRecord, references: string[], targets: ReadonlyMap<string, string>): MatchRecord {
  const resolved = references.map((f) => [f, targets.get(String(r.canonical[f])) ?? null])
  const fields = { ...r.canonical, ...Object.fromEntries(resolved) } as MatchRecord['fields']
  return { key: r.key, source: r.source, fields }
}

/** A source record as survivorship sees it. */
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
