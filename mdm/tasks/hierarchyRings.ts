import { ownValue } from '../../schema/kit/dictionary.ts'
import type { Sql, Transaction } from '../db/database.ts'
import { lockName } from '../db/locks.ts'
import { transaction } from '../db/transaction.ts'
import { findRings } from '../golden/findRings.ts'
import { parentField } from '../golden/parentField.ts'
import { valueAtRisk } from '../golden/read/valueAtRisk.ts'
import { loadMemberKeys } from '../golden/stored.ts'
import type { ResolutionState } from '../resolution/context.ts'
import { currencyRates, DEFAULT_RULES, ownerOf, type StewardshipRules } from './rules.ts'
import type { TaskContext } from './syncFindings.ts'
import { closeTasks, openTasks, taskId } from './tasks.ts'

/** Golden ids that a task lists as its subject. A longer ring states its length in words. */
const subjectMax = 100
/** Golden ids that the reason of a task names. */
const namedMax = 6

/** A version that a transaction makes. */
type NewChange = ResolutionState['events'][number]

/** A ring as stored: golden ids from the lowest on, each followed by its parent. */
interface Ring {
  goldenId: string
  members: string[]
}

/**
 * Takes a lock so that hierarchies of a type change in turn: two transactions that each close half
 * of a ring would not see each other.
 */
export async function lockHierarchy(tx: Transaction, type: string): Promise<void> {
  await lockName(tx, `hierarchy ${type}`)
}

/**
 * Brings the stored rings of parents, and their tasks, in line with the changes of this
 * transaction. `recordsSaved`: the source records are written, so `state` says nothing more of
 * them. Ingest calls it then, right before `appendChanges`: the lock is held no longer than that of
 * the feed. The result is a function of the golden records alone, in any order of arrival (I1).
 */
export async function syncHierarchyRings(
  tx: Transaction,
  { policy, rules = DEFAULT_RULES }: TaskContext,
  state: Pick<ResolutionState, 'events' | 'goldenIdByKey'>,
  recordsSaved: boolean,
): Promise<void> {
  const moved = recordsSaved
    ? []
    : [...state.goldenIdByKey].flatMap(([key, id]) => (id === null ? [] : [{ key, id }]))
  for (const type of policy.types) {
    const field = parentField(type)
    if (!field) continue
    const own = state.events.filter((e) => e.type === type.name)
    const touched = touchedIds(own, state, field)
    if (touched.starts.length + touched.known.length === 0) continue
    await lockHierarchy(tx, type.name)
    await syncType(tx, rules, { type: type.name, field, own, moved, ...touched })
  }
}

/**
 * Finds the rings of types that were never examined as a whole: those that a version before this
 * table stored, and those of a type whose policy is new. Returns the types that it examined.
 */
export async function examineHierarchies(
  sql: Sql,
  { policy, rules = DEFAULT_RULES }: TaskContext,
): Promise<string[]> {
  const rows = await sql<{ type: string }[]>`select type from hierarchy_examined`
  const known = new Set(rows.map((r) => r.type))
  const examined: string[] = []
  for (const type of policy.types) {
    const field = parentField(type)
    if (!field || known.has(type.name)) continue
    await transaction(sql, async (tx) => {
      await lockHierarchy(tx, type.name)
      // A member of a ring has a parent and is one.
      const found = await tx<{ id: string }[]>`
        select g.id from golden g where g.type = ${type.name} and g.state = 'ACTIVE' and g.values ? ${field}
          and exists (select 1 from source_record m join golden c on c.values ->> ${field} = m.key::text
            where m.golden_id = g.id and c.type = g.type and c.state = 'ACTIVE' and c.values ? ${field})`
      const starts = found.map((r) => r.id)
      await syncType(tx, rules, { type: type.name, field, own: [], moved: [], starts, known: [] })
      await tx`insert into hierarchy_examined (type) values (${type.name}) on conflict do nothing`
    })
    examined.push(type.name)
  }
  return examined
}

/**
 * Returns where a ring can have closed (`starts`) and which golden records may have been part of
 * one (`known`). Most changes leave both empty.
 */
function touchedIds(
  own: readonly NewChange[],
  { events, goldenIdByKey }: Pick<ResolutionState, 'events' | 'goldenIdByKey'>,
  field: string,
): { starts: string[]; known: string[] } {
  const joined = new Set([...goldenIdByKey.values()].filter((id) => id !== null))
  const moved = own.filter(
    (e) => e.changed.includes(field) || e.op !== 'UPDATED' || joined.has(e.goldenId),
  )
  // A record can join a golden record whose values stay as they are.
  const versioned = new Set(events.map((e) => e.goldenId))
  const unversioned = [...joined].filter((id) => !versioned.has(id))
  return {
    starts: [
      ...moved.filter((e) => statedParent(e, field) !== null).map((e) => e.goldenId),
      ...unversioned,
    ],
    known: [...moved.filter((e) => e.op !== 'CREATED').map((e) => e.goldenId), ...unversioned],
  }
}

function statedParent(e: NewChange, field: string): string | null {
  const value = ownValue(e.values ?? {}, field)
  return typeof value === 'string' ? value : null
}

/** The changes of one golden type in a transaction, as far as its hierarchy goes. */
interface Touched {
  type: string
  field: string
  /** Versions that the transaction makes and has not written yet. */
  own: readonly NewChange[]
  /** Source records that moved to another golden id, and are not written yet. */
  moved: readonly { key: string; id: string }[]
  starts: readonly string[]
  known: readonly string[]
}

async function syncType(tx: Transaction, rules: StewardshipRules, touched: Touched): Promise<void> {
  const { type, starts, known } = touched
  const stored = await tx<Ring[]>`
    select golden_id as "goldenId", members from hierarchy_ring
    where type = ${type} and members && ${[...known, ...starts]}::uuid[]`
  const from = [...new Set([...starts, ...stored.flatMap((r) => r.members)])]
  if (from.length === 0) return
  const rings = findRings(await loadParents(tx, touched, from))
  const nameOf = (members: readonly string[]) => members.join()
  const present = new Set(rings.map(nameOf))
  const gone = stored.filter((r) => !present.has(nameOf(r.members)))
  const before = new Set(stored.map((r) => nameOf(r.members)))
  const fresh = rings.filter((members) => !before.has(nameOf(members)))
  if (gone.length > 0) {
    await tx`delete from hierarchy_ring where golden_id = any(${gone.map((r) => r.goldenId)}::uuid[])`
    await closeTasks(
      tx,
      gone.map((r) => taskId('HIERARCHY', r.members.slice(0, subjectMax))),
      'its reason is gone',
    )
  }
  if (fresh.length > 0) await openRings(tx, rules, touched, fresh)
}

/**
 * Returns the parent of each golden record on the way up from some of them. Reads the versions that
 * the transaction makes before the stored ones. The union of a recursive query drops what it has
 * seen, so it ends in a ring too and reads each golden record once, however long the chains are.
 */
async function loadParents(
  tx: Transaction,
  { type, field, own, moved }: Touched,
  from: readonly string[],
): Promise<Map<string, string | null>> {
  const stepsFrom = (from: string, id: string) => `select ${id}, coalesce(m.id, r.golden_id)
    from ${from} left join own o on o.id = ${id}
      left join golden g on g.id = ${id} and g.type = $3 and g.state = 'ACTIVE'
      cross join lateral (select case when o.id is null then (g.values ->> $2)::uuid else o.parent end as key) s
      left join moved m on m.key = s.key left join source_record r on r.key = s.key`
  const rows = await tx.unsafe<{ id: string; parent: string | null }[]>(
    `with recursive own (id, parent) as materialized (
      select * from unnest($4::uuid[], $5::uuid[])
    ), moved (key, id) as materialized (
      select * from unnest($6::uuid[], $7::uuid[])
    ), up (id, parent) as (
      ${stepsFrom('unnest($1::uuid[]) f (id)', 'f.id')}
      union
      ${stepsFrom('up', 'up.parent')} where up.parent is not null
    )
    select id, parent from up`,
    [
      [...from],
      field,
      type,
      own.map((e) => e.goldenId),
      own.map((e) => statedParent(e, field)),
      moved.map((m) => m.key),
      moved.map((m) => m.id),
    ],
  )
  return new Map(rows.map((r) => [r.id, r.parent]))
}

async function openRings(
  tx: Transaction,
  rules: StewardshipRules,
  touched: Touched,
  rings: readonly string[][],
): Promise<void> {
  const { type, field } = touched
  await tx`
    insert into hierarchy_ring (golden_id, type, members)
    select r.id, ${type}, r.members::uuid[]
    from unnest(${rings.map((r) => r[0] ?? '')}::uuid[], ${rings.map((r) => `{${r.join(',')}}`)}::text[]) as r (id, members)
    on conflict (golden_id) do update set members = excluded.members, found_at = clock_timestamp()`
  const subjects = rings.map((ring) => ring.slice(0, subjectMax))
  const keys = await loadMemberKeys(tx, subjects.flat())
  const stakes = await valueAtRisk(tx, keys, currencyRates(rules))
  const owners = await loadOwners(tx, rules, touched, subjects)
  await openTasks(
    tx,
    rules,
    rings.map((ring, n) => {
      const subject = subjects[n] ?? []
      return {
        kind: 'HIERARCHY',
        type,
        subject,
        reason: reasonOf(ring, field),
        weight: null,
        stake: subject.reduce((sum, id) => sum + (stakes.get(id) ?? 0), 0),
        owner: owners[n],
      }
    }),
  )
}

function reasonOf(ring: readonly string[], field: string): string {
  const [first = ''] = ring
  const way = [...ring.slice(0, namedMax), ...(ring.length > namedMax ? ['…'] : []), first]
  return ring.length === 1
    ? `golden record ${first} names itself in ${field}; the graph leaves that out until a source or a steward changes it`
    : `${ring.length} golden records stand above each other by their ${field}: ${way.join(' -> ')}; the graph leaves out the ${field} of ${first} until a source or a steward changes one`
}

/** Returns the owner of each ring: that of the source record which states the first of its links. */
async function loadOwners(
  tx: Transaction,
  rules: StewardshipRules,
  { type, field, own }: Touched,
  rings: readonly string[][],
): Promise<string[]> {
  const rows = await tx<{ id: string; key: string | null }[]>`
    select id, provenance -> ${field} -> 'r' ->> 0 as key from golden where id = any(${rings.flat()}::uuid[])`
  const keyOf = new Map(rows.map((r) => [r.id, r.key]))
  for (const e of own) {
    const origin = ownValue(e.provenance ?? {}, field) as { r?: string[] } | undefined
    if (e.values) keyOf.set(e.goldenId, origin?.r?.[0] ?? null)
  }
  const stating = rings.map(
    (ring) => ring.map((id) => keyOf.get(id) ?? null).find((key) => key !== null) ?? null,
  )
  const records = await tx<{ key: string; system: string; object: string }[]>`
    select key, source as system, object from source_record
    where key = any(${stating.filter((key) => key !== null)}::uuid[])`
  const recordOf = new Map(records.map((r) => [r.key, r]))
  return stating.map((key) => {
    const record = key === null ? undefined : recordOf.get(key)
    return ownerOf(rules, { system: record?.system ?? '', object: record?.object ?? null, type })
  })
}
