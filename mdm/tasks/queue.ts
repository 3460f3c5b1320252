import type { task } from '../../schema/tables/stewardship.ts'
import type { Sql, Transaction } from '../db/database.ts'
import type { SortTerm } from '../db/keyset.ts'
import type { Listing, Relation } from '../db/page.ts'
import { type Condition, Parameters, read } from '../db/statement.ts'
import type { TaskKind } from './tasks.ts'

export interface TaskRow extends Omit<typeof task.$inferSelect, 'kind' | 'weighedAt'> {
  kind: TaskKind
}

const columns = `t.id, t.kind, t.type, t.subject, t.state, t.reason, t.weight, t.stake, t.priority, t.assignee, t.owner,
  t.due_at as "dueAt", t.deferred_until as "deferredUntil", t.escalated, t.created_at as "createdAt",
  t.updated_at as "updatedAt", t.closed_at as "closedAt", t.closed_because as "closedBecause"`

/** Filter of a task list. Without `state`: open tasks that are not deferred. */
export interface TaskFilter {
  kinds?: string[] | null
  types?: string[] | null
  /** Null selects unassigned tasks. Undefined does not filter. */
  assignee?: string | null | undefined
  /** True selects assigned tasks. */
  assigned?: boolean
  overdue?: boolean | null
  /** Concerns this golden record, source record or action. */
  about?: string | null
  state?: 'OPEN' | 'CLOSED' | 'DEFERRED' | null
}

/** Tasks as a list. */
export const taskListing: Listing = {
  from: 'task t',
  where: 'true',
  columns: () => columns,
  unique: { name: 'id', sql: 't.id', type: 'uuid', nullable: false },
}

/**
 * By falling priority. Walks the index (priority desc, id) of open tasks, of one kind or assignee,
 * or of closed tasks, so it reads little more than the page at any queue length.
 */
export const mostImportantTasks: SortTerm[] = [
  {
    column: { name: 'priority', sql: 't.priority', type: 'float8', nullable: false },
    descending: true,
  },
  { column: taskListing.unique, descending: false },
]

/**
 * The order for callers to whom the weight of a match, which the priority holds, would reveal
 * hidden values: overdue tasks first, then by falling value at risk. Sorts all tasks of the filter.
 */
export const mostValuableTasks: SortTerm[] = [
  {
    column: { name: 'escalated', sql: 't.escalated', type: 'boolean', nullable: false },
    descending: true,
  },
  {
    column: { name: 'stake', sql: 't.stake', type: 'float8', nullable: false },
    descending: true,
  },
  { column: taskListing.unique, descending: false },
]

export async function readTasksById(
  sql: Sql,
  ids: readonly string[],
): Promise<Map<string, TaskRow>> {
  const rows = await sql.unsafe<TaskRow[]>(
    `select ${columns} from task t where t.id = any($1::uuid[])`,
    [ids as string[]],
  )
  return new Map(rows.map((r) => [r.id, r]))
}

/** Counts of tasks, in total and by facet. */
export interface TaskFacets {
  total: number
  overdue: number
  kinds: { value: string; count: number }[]
  types: { value: string; count: number }[]
  /** Null stands for unassigned. */
  assignees: { value: string | null; count: number }[]
}

/** Counts all facets of a filter in one pass. Open tasks are counted from indexes alone. */
export async function countTasks(sql: Sql, filter: TaskFilter): Promise<TaskFacets> {
  const p = new Parameters()
  const where = taskCondition(filter)(p)
  const rows = await read<{
    kind: string
    type: string
    assignee: string | null
    count: number
    overdue: number
  }>(
    sql,
    `select t.kind, t.type, t.assignee, count(*)::int as count,
       (select count(*)::int from task t where ${where} and t.due_at < now()) as overdue
     from task t where ${where} group by t.kind, t.type, t.assignee`,
    p,
  )
  const tally = <T>(of: (r: (typeof rows)[number]) => T) =>
    [...Map.groupBy(rows, of)]
      .map(([value, group]) => ({ value, count: group.reduce((n, r) => n + r.count, 0) }))
      .sort((a, b) => b.count - a.count || (String(a.value) < String(b.value) ? -1 : 1))
  return {
    total: rows.reduce((n, r) => n + r.count, 0),
    overdue: rows[0]?.overdue ?? 0,
    kinds: tally((r) => r.kind),
    types: tally((r) => r.type),
    assignees: tally((r) => r.assignee),
  }
}

/**
 * Returns the condition of a filter. State and times are literals, so the partial indexes are used.
 */
export function taskCondition(filter: TaskFilter): Condition {
  return (p) => {
    const where = [filter.state === 'CLOSED' ? "t.state = 'CLOSED'" : "t.state = 'OPEN'"]
    if (filter.state === 'DEFERRED') where.push('t.deferred_until > now()')
    else if (filter.state !== 'CLOSED')
      where.push('(t.deferred_until is null or t.deferred_until <= now())')
    if (filter.kinds) where.push(`t.kind = any(${p.list(filter.kinds, 'text')})`)
    if (filter.types) where.push(`t.type = any(${p.list(filter.types, 'text')})`)
    if (filter.assignee === null) where.push('t.assignee is null')
    else if (filter.assignee !== undefined)
      where.push(`t.assignee = ${p.add(filter.assignee, 'text')}`)
    if (filter.assigned) where.push('t.assignee is not null')
    if (filter.overdue === true) where.push('t.due_at < now()')
    if (filter.overdue === false) where.push('t.due_at >= now()')
    if (filter.about) where.push(`t.subject @> ${p.list([filter.about], 'uuid')}`)
    return where.join(' and ')
  }
}

export interface TaskComment {
  taskId: string
  actor: string
  body: string
  at: Date
}

/** Comments on tasks. */
export const commentListing: Listing = {
  from: 'task_comment c',
  where: 'true',
  columns: () => 'c.task_id as "taskId", c.actor, c.body, c.at',
  unique: { name: 'id', sql: 'c.id', type: 'bigint', nullable: false },
}

/** The comments on the task that the parent is. */
export const commentsOfTask: Relation = { from: 'task_comment c', where: 'c.task_id = p.id' }

export const oldestComments: SortTerm[] = [{ column: commentListing.unique, descending: false }]

/**
 * Returns open tasks whose reason or weight depends on values of records, at most `limit`: those
 * about matches and unusable values.
 */
export async function readEvidenceTasks(sql: Sql, limit: number): Promise<TaskRow[]> {
  return await sql.unsafe<TaskRow[]>(
    `select ${columns} from task t
     where t.state = 'OPEN' and (t.weight is not null or t.kind = 'VALIDATION') limit ${limit}`,
  )
}

/** Returns tasks that changed since a moment, the oldest change first. */
export async function readChangedTasks(sql: Sql, since: Date, limit: number): Promise<TaskRow[]> {
  return await sql.unsafe<TaskRow[]>(
    `select ${columns} from task t where t.updated_at > $1 order by t.updated_at, t.id limit ${limit}`,
    [since],
  )
}

/** Age of the oldest open task of a kind, in seconds. */
export interface QueueAge {
  kind: TaskKind
  open: number
  overdue: number
  ageSecondsMedian: number
  ageSecondsMax: number
}

export async function queueAge(sql: Sql | Transaction): Promise<QueueAge[]> {
  return await sql<QueueAge[]>`
    select kind, count(*)::int as open, (count(*) filter (where due_at < now()))::int as overdue,
      percentile_cont(0.5) within group (order by extract(epoch from now() - created_at))::float8 as "ageSecondsMedian",
      max(extract(epoch from now() - created_at))::float8 as "ageSecondsMax"
    from task where state = 'OPEN' group by kind order by kind`
}
