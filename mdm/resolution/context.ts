import type { SourceSystem } from '../../connectors/contract.ts'
import type { Cause } from '../../schema/events.ts'
import type { Policy, TypePolicy } from '../../schema/policy.ts'
import type { Transaction } from '../db/database.ts'
import type { NewChange } from '../feed/append.ts'
import { loadPlaces } from '../golden/stored.ts'
import type { Engine, MatchRecord } from '../match/engine.ts'
import { loadById, type SourceRecord } from '../records/records.ts'
import type { StewardshipRules } from '../tasks/rules.ts'
import { keyHash } from './blockingKeys.ts'

/** What resolving needs and does not change: the policy, one engine a golden type, the configured source systems. */
export interface Mastering {
  policy: Policy
  engines: ReadonlyMap<string, Engine>
  systems: ReadonlyMap<string, SourceSystem>
  /** Of stewardship; without them DEFAULT_RULES. */
  rules?: StewardshipRules | undefined
}

/** What one transaction has found so far; the pipeline and the steward's actions write it at their end. */
export interface Work {
  /** Golden ids that records have got in this transaction, by record key. */
  crosswalk: Map<string, string | null>
  /** What references to records are compared by from now on (`targetOf`), where that has changed, by record key. */
  targets: Map<string, string>
  /** Why each record is touched, by record key. */
  causes: Map<string, Cause>
  /** Records whose golden id, features or keys differ from what is stored. */
  changed: Map<number, SourceRecord>
  events: NewChange[]
  /** Last messages of records that are to be resolved anew and that another transaction holds. */
  left: number[]
}

export function newWork(): Work {
  return { crosswalk: new Map(), targets: new Map(), causes: new Map(), changed: new Map(), events: [], left: [] }
}

export function isLive(r: { complete: boolean; deleted: boolean }): boolean {
  return r.complete && !r.deleted
}

export function engineOf(mastering: Mastering, type: TypePolicy): Engine {
  const engine = mastering.engines.get(type.name)
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
  mastering: Mastering,
  type: TypePolicy,
  records: Map<number, SourceRecord>,
  ids: Iterable<number>,
  work: Work,
): Promise<void> {
  const missing = [...new Set(ids)].filter((id) => !records.has(id))
  const found = await loadById(tx, missing)
  for (const r of found) records.set(r.id, r)
  await refresh(tx, engineOf(mastering, type), type, found, work)
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
  work: Work,
): Promise<void> {
  const stale = records.filter((r) => r.featuresVersion !== engine.version)
  if (stale.length === 0) return
  const references = referenceFields(type)
  const named = new Set(
    stale.flatMap((r) => references.map((f) => r.canonical[f])).filter((v) => typeof v === 'string'),
  )
  const unread = [...named].filter((key) => !work.targets.has(key))
  const targets = new Map((await loadPlaces(tx, unread)).map((r) => [r.key, targetOf(r)]))
  for (const [key, target] of work.targets) targets.set(key, target)
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
