import { ownValue } from '../../schema/kit/dictionary.ts'
import type { Policy, TypePolicy } from '../../schema/policy.ts'
import { recordKey } from '../../schema/recordKey.ts'
import type { Transaction } from '../db/database.ts'
import type { Provenance } from '../golden/survive.ts'
import { heldRaw } from './heldRaw.ts'
import type { PlanInput, TargetRecord } from './plan.ts'
import { type PastWrite, pastWritesMax } from './stop.ts'
import { isFieldWritten, type Raw, type Target } from './target.ts'
import { loadWritten } from './writtenValues.ts'

/** What planning depends on beside the database. */
export interface PlanContext {
  policy: Policy
  systems: ReadonlyMap<string, { role: string }>
  /** By name. */
  targets: ReadonlyMap<string, Target>
}

export interface GoldenFacts {
  id: string
  type: string
  version: number
  state: 'ACTIVE' | 'MERGED' | 'DELETED'
  redirect: string | null
  values: Record<string, unknown>
  provenance: Record<string, Provenance>
  policyVersion: string
  position: number
  correlationId: string | null
}

/** The facts of some golden records, for all targets. */
export interface PlanFacts {
  goldens: readonly GoldenFacts[]
  /** Returns what a plan depends on; null where nothing of the golden record can be written there. */
  inputOf(golden: GoldenFacts, target: Target): PlanInput | null
}

interface Member {
  goldenId: string
  key: string
  source: string
  object: string
  sourceId: string
  deleted: boolean
  raw: Raw | null
}

/**
 * Loads everything that the plans of some golden records depend on, with a fixed number of reads.
 * Golden records and their members are read by one statement, so they belong together.
 */
export async function loadPlanFacts(
  tx: Transaction,
  context: PlanContext,
  goldenIds: readonly string[],
): Promise<PlanFacts> {
  const { policy, targets } = context
  const rows = await readGoldens(tx, goldenIds, [...targets.keys()])
  const goldens = rows.map(({ members, ...golden }) => golden)
  const created = await readCreated(tx, goldenIds)
  const members = rows.flatMap((r) => r.members.map((m) => ({ ...m, goldenId: r.id })))
  const known = new Set(await knownKeys(tx, created))
  const bare = created
    .filter((c) => c.sourceId !== null && !known.has(keyOf(c)))
    .map(
      (c): Member => ({ ...c, sourceId: c.sourceId ?? '', key: keyOf(c), deleted: false, raw: {} }),
    )
  const all = [...members, ...bare]
  const byGolden = Map.groupBy(all, (m) => m.goldenId)
  const inTargets = all.filter((m) => m.raw !== null && targets.has(m.source))
  const written = await loadWritten(
    tx,
    inTargets.map((m) => m.key),
  )
  const records = new Map<string, TargetRecord>()
  for (const m of inTargets) {
    const target = targets.get(m.source)
    if (!target || !m.raw) continue
    const { mapping } = target
    const held = heldRaw(m.raw, written.get(m.key) ?? [])
    const ownFields = mapping.map(m.object, m.raw)
    const heldFields = held === m.raw ? ownFields : mapping.map(m.object, held)
    const { key, object, sourceId } = m
    records.set(key, { key, object, sourceId, held, ownFields, heldFields })
  }
  const references = await loadReferences(tx, context, goldens, [...records.values()])
  const history = await loadHistory(tx, goldenIds, inTargets)
  const systemOf = new Map(
    all.flatMap((m) => {
      const role = context.systems.get(m.source)?.role
      return role === undefined ? [] : [[m.key, { source: m.source, role }]]
    }),
  )
  return {
    goldens,
    inputOf(golden, target) {
      const type = policy.types.find((t) => t.name === golden.type)
      const objects = target.types.get(golden.type)?.objects
      if (!type || !objects || golden.state !== 'ACTIVE') return null
      const own = (byGolden.get(golden.id) ?? []).filter(
        (m) => m.source === target.source && objects.includes(m.object),
      )
      const isBeingCreated = created.some(
        (c) => c.goldenId === golden.id && c.source === target.source && c.sourceId === null,
      )
      return {
        golden: { ...golden, type },
        target,
        records: own.flatMap((m) => (m.deleted ? [] : (records.get(m.key) ?? []))),
        isBeingCreated,
        former:
          own[0]?.sourceId ??
          created.find((c) => c.goldenId === golden.id && c.source === target.source)?.sourceId ??
          null,
        systemOf: (key) => systemOf.get(key),
        goldenOf: (key) => references.goldenIds.get(key),
        recordsOf: (id) =>
          (references.records.get(id) ?? []).filter((r) => r.source === target.source),
        historyOf: (object, sourceId) =>
          history.get(historyKey(target.source, object, sourceId ?? golden.id)) ?? [],
      }
    },
  }
}

async function readGoldens(tx: Transaction, ids: readonly string[], targets: readonly string[]) {
  return await tx<(GoldenFacts & { members: Omit<Member, 'goldenId'>[] })[]>`
    select g.id, g.type, g.version, g.state, g.redirect, g.values, g.provenance, g.policy_version as "policyVersion",
      g.position, c.cause->>'correlationId' as "correlationId", m.members
    from golden g left join change c on c.position = g.position
      cross join lateral (
        select coalesce(json_agg(json_build_object('key', s.key, 'source', s.source, 'object', s.object,
          'sourceId', s.source_id, 'deleted', s.deleted,
          'raw', case when s.source = any(${[...targets]}::text[]) and not s.deleted then s.raw end) order by s.id), '[]') as members
        from source_record s where s.golden_id = g.id) m
    where g.id = any(${[...ids]}::uuid[])
    -- A golden record that was merged comes first: what was created for it moves to its survivor.
    order by g.state = 'ACTIVE', g.position`
}

interface Created {
  goldenId: string
  source: string
  object: string
  /** Null while the system has not named it. */
  sourceId: string | null
}

/** Reads records that were created for golden records, or are being created. */
async function readCreated(tx: Transaction, goldenIds: readonly string[]): Promise<Created[]> {
  return await tx<Created[]>`
    select golden_id as "goldenId", source, object, source_id as "sourceId" from write_intent
    where golden_id = any(${[...goldenIds]}::uuid[]) and operation = 'CREATE' and state in ('SENT', 'UNKNOWN', 'DONE')`
}

function keyOf({ source, object, sourceId }: Omit<Created, 'goldenId'>): string {
  return recordKey(source, object, sourceId ?? '')
}

/** Returns the keys of created records that have a source record, which then counts alone. */
async function knownKeys(tx: Transaction, created: readonly Created[]): Promise<string[]> {
  const keys = created.filter((c) => c.sourceId !== null).map(keyOf)
  if (keys.length === 0) return []
  const rows = await tx<
    { key: string }[]
  >`select key from source_record where key = any(${keys}::uuid[])`
  return rows.map((r) => r.key)
}

interface References {
  /** Golden id by record key. */
  goldenIds: Map<string, string>
  /** Records in targets by golden id. */
  records: Map<string, { source: string; key: string; object: string; sourceId: string }[]>
}

async function loadReferences(
  tx: Transaction,
  { policy, targets }: PlanContext,
  goldens: readonly GoldenFacts[],
  records: readonly TargetRecord[],
): Promise<References> {
  const fieldsOf = (type: TypePolicy) =>
    type.fields.filter(
      (f) =>
        f.kind === 'REFERENCE' &&
        !f.list &&
        [...targets.values()].some((t) => isFieldWritten(t, type.name, f.name)),
    )
  const named = new Map(policy.types.map((t) => [t.name, fieldsOf(t).map((f) => f.name)]))
  const fields = new Set([...named.values()].flat())
  const keys = new Set<string>()
  const add = (value: unknown) => {
    if (typeof value === 'string') keys.add(value)
  }
  for (const g of goldens) for (const f of named.get(g.type) ?? []) add(ownValue(g.values, f))
  for (const r of records) for (const f of fields) add(ownValue(r.heldFields, f))
  const found: References = { goldenIds: new Map(), records: new Map() }
  if (keys.size === 0) return found
  const places = await tx<{ key: string; goldenId: string | null }[]>`
    select key, golden_id as "goldenId" from source_record where key = any(${[...keys]}::uuid[])`
  for (const { key, goldenId } of places) if (goldenId) found.goldenIds.set(key, goldenId)
  const ids = [...new Set(found.goldenIds.values())]
  const own = await tx<
    { goldenId: string; source: string; key: string; object: string; sourceId: string }[]
  >`select golden_id as "goldenId", source, key, object, source_id as "sourceId" from source_record
    where golden_id = any(${ids}::uuid[]) and source = any(${[...targets.keys()]}::text[]) and not deleted order by id`
  const created = (await readCreated(tx, ids))
    .filter((c) => c.sourceId !== null)
    .map((c) => ({ ...c, sourceId: c.sourceId ?? '', key: keyOf(c) }))
  const stored = new Set(await knownKeys(tx, created))
  for (const { goldenId, ...record } of [...own, ...created.filter((c) => !stored.has(c.key))]) {
    found.records.set(goldenId, [...(found.records.get(goldenId) ?? []), record])
    found.goldenIds.set(record.key, goldenId)
  }
  return found
}

/** Names a record, or a golden record that has none, in a history. */
function historyKey(source: string, object: string, id: string): string {
  return `${source}\u0000${object}\u0000${id}`
}

/** Loads the latest writes that have ended, by record. */
async function loadHistory(
  tx: Transaction,
  goldenIds: readonly string[],
  records: readonly Member[],
): Promise<Map<string, PastWrite[]>> {
  const rows = await tx<(PastWrite & { source: string; object: string; subject: string })[]>`
    select w.source, w.object, coalesce(w.source_id, w.golden_id::text) as subject, w.state, w.hash, w.changes,
      w.ended_at as "endedAt", w.released_at is not null and w.actor is not null as "isReleased",
      w.released_at is not null as "isClosed"
    from (
      select i.* from unnest(${records.map((r) => r.source)}::text[], ${records.map((r) => r.object)}::text[],
        ${records.map((r) => r.sourceId)}::text[]) as r (source, object, source_id)
      cross join lateral (
        select * from write_intent i where i.source = r.source and i.object = r.object and i.source_id = r.source_id
          and i.state in ('DONE', 'CONFLICT', 'REFUSED') order by i.id desc limit ${pastWritesMax}) i
      union all
      select * from write_intent where golden_id = any(${[...goldenIds]}::uuid[]) and source_id is null
        and state in ('CONFLICT', 'REFUSED')) w
    -- A write that found its values there already says nothing about a target that changes them.
    where w.state <> 'DONE' or w.attempts > 0
    order by w.id`
  return Map.groupBy(rows, (r) => historyKey(r.source, r.object, r.subject))
}
