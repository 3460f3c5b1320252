import { ownValue } from '../../schema/kit/dictionary.ts'
import type { Policy, TypePolicy } from '../../schema/policy.ts'
import type { Transaction } from '../db/database.ts'
import { heldRaw } from '../echo/heldRaw.ts'
import { loadWritten } from '../echo/writtenValues.ts'
import { loadCrosswalk } from '../golden/stored.ts'
import type { Provenance } from '../golden/survive.ts'
import { bareRecords, type Created, type RecordOfGolden } from './created.ts'
import { objectName, readLoaded } from './loaded.ts'
import { meetsWhen } from './plan.ts'
import type { MayBe, PlanInput, TargetRecord } from './planInput.ts'
import { type PastWrite, pastWritesMax } from './stop.ts'
import { isFieldWritten, type Raw, type Target } from './target.ts'
import { loadUndecided } from './undecided.ts'

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

interface Member extends RecordOfGolden {
  deleted: boolean
  raw: Raw | null
}

/**
 * Loads everything that the plans of some golden records depend on, with a fixed number of reads.
 * Golden records, their members and what was created for them are read by one statement, so they
 * belong together. What changes after it makes the golden record due again.
 */
export async function loadPlanFacts(
  tx: Transaction,
  context: PlanContext,
  goldenIds: readonly string[],
): Promise<PlanFacts> {
  const { policy, targets } = context
  // Before the records: those of a load that is complete are among them then.
  const loaded = await readLoaded(tx, targets.values())
  const undecided = await loadUndecided(tx, goldenIds)
  const rows = await readGoldens(tx, [...undecided.ids], goldenIds, [...targets.keys()])
  const byId = new Map(rows.map(({ members, created, ...golden }) => [golden.id, golden]))
  const asked = new Set(goldenIds)
  const goldens = [...byId.values()].filter((g) => asked.has(g.id))
  const members = rows.flatMap((r) => r.members.map((m) => ({ ...m, goldenId: r.id })))
  const created = rows.flatMap((r) => r.created.map((c) => ({ ...c, goldenId: r.id })))
  const all: Member[] = [
    ...members,
    ...(await bareRecords(tx, created, members)).map((c) => ({ ...c, deleted: false, raw: {} })),
  ]
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
  const isBeingCreated = (goldenId: string, { source }: Target) =>
    created.some((c) => c.goldenId === goldenId && c.source === source && c.sourceId === null)
  const recordsIn = (goldenId: string, { source }: Target, objects: readonly string[]) =>
    (byGolden.get(goldenId) ?? []).filter((m) => m.source === source && objects.includes(m.object))
  /** Of golden records that may be one thing and all want a record, the one with the least id gets it. */
  const comesFirst = (other: GoldenFacts | undefined, golden: GoldenFacts, target: Target) =>
    other?.state === 'ACTIVE' &&
    other.type === golden.type &&
    other.id < golden.id &&
    meetsWhen(target.types.get(other.type)?.createWhen ?? null, other.values)
  const mayBe = (golden: GoldenFacts, target: Target, objects: readonly string[]): MayBe | null => {
    const { others, isAll } = undecided.of(golden.id)
    for (const { goldenId, taskId } of others) {
      const record = recordsIn(goldenId, target, objects).find((m) => !m.deleted)
      if (record) return { goldenId, taskId, record }
      if (isBeingCreated(goldenId, target) || comesFirst(byId.get(goldenId), golden, target))
        return { goldenId, taskId, record: null }
    }
    const [first] = others
    return isAll || !first ? null : { ...first, record: null }
  }
  return {
    goldens,
    inputOf(golden, target) {
      const type = policy.types.find((t) => t.name === golden.type)
      const objects = target.types.get(golden.type)?.objects
      if (!type || !objects || golden.state !== 'ACTIVE') return null
      const own = recordsIn(golden.id, target, objects)
      return {
        golden: { ...golden, type },
        target,
        records: own.flatMap((m) => (m.deleted ? [] : (records.get(m.key) ?? []))),
        isBeingCreated: isBeingCreated(golden.id, target),
        mayBe: mayBe(golden, target, objects),
        isLoaded: (object) => loaded.has(objectName(target.source, object)),
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

/** Reads golden records; the records of `rawOf` in the targets with their raw form. */
async function readGoldens(
  tx: Transaction,
  ids: readonly string[],
  rawOf: readonly string[],
  targets: readonly string[],
) {
  return await tx<
    (GoldenFacts & {
      members: Omit<Member, 'goldenId'>[]
      created: Omit<Created, 'goldenId'>[]
    })[]
  >`
    select g.id, g.type, g.version, g.state, g.values, g.provenance, g.policy_version as "policyVersion",
      g.position, c.cause->>'correlationId' as "correlationId", m.members, n.created
    from golden g left join change c on c.position = g.position
      cross join lateral (
        select coalesce(json_agg(json_build_object('key', s.key, 'source', s.source, 'object', s.object,
          'sourceId', s.source_id, 'deleted', s.deleted,
          'raw', case when g.id = any(${[...rawOf]}::uuid[]) and s.source = any(${[...targets]}::text[]) and not s.deleted
            then s.raw end) order by s.id), '[]') as members
        from source_record s where s.golden_id = g.id) m
      -- What was created for a golden id belongs to the golden record of the record that it is named
      -- after, as the created record itself does. So it follows merges, splits and undo.
      cross join lateral (
        select coalesce(json_agg(json_build_object('source', i.source, 'object', i.object, 'sourceId', i.source_id)), '[]') as created
        from source_record k join write_intent i on i.golden_id = k.key
        where k.golden_id = g.id and i.operation = 'CREATE' and i.state in ('SENT', 'UNKNOWN', 'DONE')) n
    where g.id = any(${[...ids]}::uuid[])
    order by g.position`
}

interface References {
  /** Golden id by record key. */
  goldenIds: Map<string, string>
  /** Records in targets by golden id. */
  records: Map<string, RecordOfGolden[]>
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
  for (const [key, goldenId] of await loadCrosswalk(tx, [...keys]))
    found.goldenIds.set(key, goldenId)
  const ids = [...new Set(found.goldenIds.values())]
  // One statement, so that a record whose first message is applied meanwhile is in one of the two.
  const stored = await tx<(Created & { key: string | null })[]>`
    (select golden_id as "goldenId", source, key, object, source_id as "sourceId" from source_record
      where golden_id = any(${ids}::uuid[]) and source = any(${[...targets.keys()]}::text[]) and not deleted order by id)
    union all
    (select k.golden_id, i.source, null, i.object, i.source_id from source_record k join write_intent i on i.golden_id = k.key
      where k.golden_id = any(${ids}::uuid[]) and i.operation = 'CREATE' and i.state = 'DONE')`
  const own = stored.flatMap(({ key, sourceId, ...r }) =>
    key !== null && sourceId !== null ? [{ ...r, key, sourceId }] : [],
  )
  const created = stored.filter((r) => r.key === null)
  for (const record of [...own, ...(await bareRecords(tx, created, own))]) {
    const { goldenId, key } = record
    found.records.set(goldenId, [...(found.records.get(goldenId) ?? []), record])
    found.goldenIds.set(key, goldenId)
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
