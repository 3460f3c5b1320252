import { createHash } from 'node:crypto'
import type { Issue } from '../../connectors/contract.ts'
import type { task } from '../../schema/tables/stewardship.ts'
import type { Sql, Transaction } from '../db/database.ts'
import { dueHours, type StewardshipRules } from './rules.ts'

/** Notification channel that wakes followers of the task queue. */
export const taskChannel = 'touchstone_task'

/**
 * POSSIBLE_MATCH: two golden records are alike, below the threshold. CONFLICT: two are alike, but
 * other evidence contradicts a match. VALIDATION: a source record has unusable values, or
 * statements whose order is not known. APPROVAL: a proposal waits for a second person. SPLIT: a
 * golden record split without a person's decision and waits for confirmation. HIERARCHY: source
 * systems state parents in a ring. DUPLICATE: a source system that is written to holds one thing
 * twice. WRITE: a write to a source system was refused, or writes wait for a person. UNKNOWN_GOLDEN_ID:
 * a source record bears a golden id that names nothing, or records of an object another text in its
 * place.
 */
export const TASK_KINDS = [
  'POSSIBLE_MATCH',
  'CONFLICT',
  'VALIDATION',
  'APPROVAL',
  'SPLIT',
  'HIERARCHY',
  'DUPLICATE',
  'WRITE',
  'UNKNOWN_GOLDEN_ID',
] as const
export type TaskKind = (typeof TASK_KINDS)[number]

/** The reason why a task exists. */
export interface TaskReason {
  kind: TaskKind
  type: string
  /** Ids that the task concerns, in any order. */
  subject: string[]
  reason: string
  weight: number | null
  stake: number
  /** The business owner of what has to be put right. */
  owner?: string | undefined
}

/** Derives a task's id from its subject, so a reason that comes back reopens the same task. */
export function taskId(kind: TaskKind, subject: readonly string[]): string {
  const about = kind === 'CONFLICT' ? 'POSSIBLE_MATCH' : kind
  const h = createHash('sha256')
    .update(`${about}\0${subject.toSorted().join('\0')}`)
    .digest('hex')
  return `${h.slice(0, 8)}-${h.slice(8, 12)}-8${h.slice(13, 16)}-a${h.slice(17, 20)}-${h.slice(20, 32)}`
}

/**
 * Added to the priority of an overdue task. It exceeds any value at risk, so overdue tasks come
 * first.
 */
export const escalationPriority = 20

/**
 * Returns a task's priority: the order of magnitude of the value at risk, plus at most one for the
 * evidence. So ten times the value outranks any evidence, and of equals the likelier match comes
 * first.
 */
export function priorityOf(stake: number, weight: number | null): number {
  const evidence = weight === null ? 0.5 : 1 / (1 + 2 ** (-weight / 4))
  return Math.round((Math.log10(1 + Math.max(0, stake)) + evidence) * 1e6) / 1e6
}

/**
 * Kinds of task on which it depends what is created in source systems: whether two golden records are
 * one thing. A proposal may join some.
 */
const DECIDING: readonly TaskKind[] = ['POSSIBLE_MATCH', 'CONFLICT', 'SPLIT', 'APPROVAL']

/**
 * SQL of a CTE over `changed` (tasks): makes their golden records due, so that writes to source
 * systems are planned again (mdm/writeback/). Nothing where none is written to.
 */
function dueOfChanged(tx: Transaction) {
  return tx`
    due as (
      insert into write_due (golden_id)
      select distinct g.id
      from changed c left join action a on c.kind = 'APPROVAL' and a.id = any(c.subject)
        cross join lateral unnest(coalesce(a.subjects, c.subject)) as g (id)
      where c.kind = any(${[...DECIDING]}::text[]) and exists (select from write_target))`
}

/** Opens tasks and reopens closed ones. A reopened task keeps its assignee. */
export async function openTasks(
  tx: Transaction,
  rules: StewardshipRules,
  reasons: readonly TaskReason[],
): Promise<void> {
  if (reasons.length === 0) return
  await tx`
    with changed as (
    insert into task as t (id, kind, type, subject, state, reason, weight, stake, priority, due_at, owner)
    select id, kind, type, subject::uuid[], 'OPEN', reason, weight, stake, priority,
      clock_timestamp() + make_interval(secs => hours * 3600), owner
    from unnest(${reasons.map((r) => taskId(r.kind, r.subject))}::uuid[], ${reasons.map((r) => r.kind)}::text[],
      ${reasons.map((r) => r.type)}::text[], ${reasons.map((r) => `{${r.subject.toSorted().join(',')}}`)}::text[],
      ${reasons.map((r) => r.reason)}::text[], ${reasons.map((r) => r.weight)}::real[],
      ${reasons.map((r) => r.stake)}::float8[], ${reasons.map((r) => priorityOf(r.stake, r.weight))}::float8[],
      ${reasons.map((r) => dueHours(rules, r.stake))}::float8[], ${reasons.map((r) => r.owner ?? null)}::text[])
      as r (id, kind, type, subject, reason, weight, stake, priority, hours, owner)
    -- A row that conflicts is locked, also one that stays as it is.
    where not exists (select from task t where t.id = r.id and t.state = 'OPEN'
      and (t.kind, t.reason, t.weight) is not distinct from (r.kind, r.reason, r.weight))
    on conflict (id) do update set state = 'OPEN', kind = excluded.kind, reason = excluded.reason,
      weight = excluded.weight, stake = excluded.stake, owner = excluded.owner,
      escalated = t.escalated and t.state = 'OPEN',
      priority = excluded.priority + case when t.escalated and t.state = 'OPEN' then ${escalationPriority} else 0 end,
      due_at = case when t.state = 'CLOSED' and t.due_at < clock_timestamp() then excluded.due_at else t.due_at end,
      closed_at = null, closed_because = null, updated_at = clock_timestamp()
    where t.state = 'CLOSED' or (t.kind, t.reason, t.weight) is distinct from (excluded.kind, excluded.reason, excluded.weight)
    returning kind, subject), ${dueOfChanged(tx)}
    select pg_notify(${taskChannel}, '') where exists (select 1 from changed)`
}

export async function closeTasks(
  tx: Transaction,
  ids: readonly string[],
  because: string,
): Promise<void> {
  if (ids.length === 0) return
  await tx`
    with changed as (
      update task set state = 'CLOSED', closed_at = clock_timestamp(), closed_because = ${because},
        updated_at = clock_timestamp()
      where id = any(${ids}::uuid[]) and state = 'OPEN' returning kind, subject), ${dueOfChanged(tx)}
    select pg_notify(${taskChannel}, '') where exists (select 1 from changed)`
}

/** Returns open tasks of these kinds that concern any of these ids. */
export async function openAbout(
  tx: Transaction,
  kinds: readonly TaskKind[],
  ids: readonly string[],
): Promise<{ id: string; subject: string[] }[]> {
  if (ids.length === 0) return []
  return await tx<{ id: string; subject: string[] }[]>`
    select id, subject from task
    where subject && ${ids}::uuid[] and state = 'OPEN' and kind = any(${kinds}::text[])`
}

/**
 * Brings tasks about pairs of golden records in line with what was found. `ids` are the examined
 * golden records; `found` are all pairs that are alike and include at least one of them. `stakes`
 * is called only if pairs were found.
 */
export async function syncPairTasks(
  tx: Transaction,
  rules: StewardshipRules,
  ids: readonly string[],
  found: readonly Omit<TaskReason, 'stake'>[],
  stakes: (ids: string[]) => Promise<Map<string, number>>,
): Promise<void> {
  const open = await openAbout(tx, ['POSSIBLE_MATCH', 'CONFLICT'], ids)
  const wanted = new Set(found.map((f) => taskId(f.kind, f.subject)))
  const gone = open.filter((t) => !wanted.has(t.id)).map((t) => t.id)
  await closeTasks(tx, gone, 'its reason is gone')
  if (found.length === 0) return
  const stakeOf = await stakes(found.flatMap((f) => f.subject))
  await openTasks(
    tx,
    rules,
    found.map((f) => ({
      ...f,
      stake: f.subject.reduce((sum, id) => sum + (stakeOf.get(id) ?? 0), 0),
    })),
  )
}

type Known = Pick<typeof task.$inferSelect, 'id' | 'subject' | 'state' | 'stake' | 'reason'>

/**
 * Brings SPLIT tasks in line with what was found. `ids` were examined; `fresh` are pairs of parts
 * that split just now, with the reason. `judge` returns which pairs still exist and are not declared apart. A task
 * that was closed because the parts merged reopens when they split again.
 */
export async function syncSplitTasks(
  tx: Transaction,
  rules: StewardshipRules,
  type: string,
  ids: ReadonlySet<string>,
  fresh: readonly { subject: readonly string[]; reason: string }[],
  judge: (pairs: readonly (readonly string[])[]) => Promise<(pair: readonly string[]) => boolean>,
): Promise<void> {
  const known = await tx<Known[]>`
    select id, subject, state, stake, reason from task where kind = 'SPLIT' and subject && ${[...ids]}::uuid[]`
  if (known.length + fresh.length === 0) return
  const waits = await judge([...known, ...fresh].map((t) => t.subject))
  await closeTasks(
    tx,
    known.filter((t) => t.state === 'OPEN' && !waits(t.subject)).map((t) => t.id),
    'its reason is gone',
  )
  const open = [
    ...known.filter((t) => t.state === 'CLOSED' && waits(t.subject)),
    ...fresh.filter((t) => waits(t.subject)).map((t) => ({ ...t, stake: 0 })),
  ]
  const byId = new Map(open.map((t) => [taskId('SPLIT', t.subject), t]))
  await openTasks(
    tx,
    rules,
    [...byId.values()].map(({ subject, stake, reason }) => ({
      kind: 'SPLIT',
      type,
      subject: [...subject],
      reason: reason.slice(0, reasonCharsMax),
      weight: null,
      stake,
    })),
  )
}

const reasonCharsMax = 500

/** Returns the reason of a VALIDATION task. */
export function validationReason(issues: readonly Pick<Issue, 'field' | 'detail'>[]): string {
  return issues
    .map((i) => `${i.field}: ${i.detail}`)
    .join('; ')
    .slice(0, reasonCharsMax)
}

/**
 * Brings VALIDATION tasks in line with the issues of these records. Details quote values, so for
 * fields that `hides` names the task states only the code.
 */
export async function syncValidationTasks(
  tx: Transaction,
  rules: StewardshipRules,
  hides: (type: string, field: string) => boolean,
  records: readonly { key: string; type: string; issues: readonly Issue[] }[],
): Promise<void> {
  if (records.length === 0) return
  const faulty = records.filter((r) => r.issues.length > 0)
  await closeTasks(
    tx,
    records.filter((r) => r.issues.length === 0).map((r) => taskId('VALIDATION', [r.key])),
    'the source system has corrected it',
  )
  await openTasks(
    tx,
    rules,
    faulty.map((r) => ({
      kind: 'VALIDATION',
      type: r.type,
      subject: [r.key],
      reason: validationReason(
        r.issues.map((i) => ({ ...i, detail: hides(r.type, i.field) ? i.code : i.detail })),
      ),
      weight: null,
      stake: 0,
    })),
  )
}

const escalatedPerSweep = 1_000

/** Raises the priority of overdue tasks, once each. Returns how many. */
export async function escalateTasks(sql: Sql): Promise<number> {
  const rows = await sql`
    update task set escalated = true, priority = priority + ${escalationPriority}, updated_at = clock_timestamp()
    where id in (select id from task where state = 'OPEN' and not escalated and due_at < now()
      order by due_at limit ${escalatedPerSweep} for update skip locked)
    returning id`
  return rows.length
}

export type Weighed = Pick<typeof task.$inferSelect, 'id' | 'subject' | 'weight' | 'escalated'>

/**
 * Returns open tasks about golden records whose value at risk was computed longest ago, at least an
 * hour; locks them.
 */
export async function tasksToWeigh(tx: Transaction, limit: number): Promise<Weighed[]> {
  return await tx<Weighed[]>`
    select id, subject, weight, escalated from task
    where state = 'OPEN' and weighed_at < now() - interval '1 hour' and kind in ('POSSIBLE_MATCH', 'CONFLICT')
    order by weighed_at limit ${limit} for update skip locked`
}

export async function reweighTasks(
  tx: Transaction,
  tasks: readonly (Weighed & { stake: number })[],
): Promise<void> {
  const priority = tasks.map(
    (t) => priorityOf(t.stake, t.weight) + (t.escalated ? escalationPriority : 0),
  )
  await tx`
    update task t set stake = w.stake, priority = w.priority, weighed_at = clock_timestamp()
    from unnest(${tasks.map((t) => t.id)}::uuid[], ${tasks.map((t) => t.stake)}::float8[], ${priority}::float8[])
      as w (id, stake, priority)
    where t.id = w.id`
}
