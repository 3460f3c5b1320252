import type { Sql, Transaction } from '../db/database.ts'
import type { TaskKind } from './tasks.ts'

export interface TaskRow {
  id: string
  kind: TaskKind
  type: string
  subject: string[]
  state: 'OPEN' | 'CLOSED'
  reason: string
  weight: number | null
  stake: number
  priority: number
  assignee: string | null
  dueAt: Date
  deferredUntil: Date | null
  escalated: boolean
  createdAt: Date
  updatedAt: Date
  closedAt: Date | null
  closedBecause: string | null
}

const columns = `t.id, t.kind, t.type, t.subject, t.state, t.reason, t.weight, t.stake, t.priority, t.assignee,
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

/** Keyset position after which a page begins. */
export interface TaskPlace {
  priority: number
  id: string
}

/**
 * Returns tasks by falling priority. Walks the index (priority desc, id) of open tasks, of one kind
 * or assignee, or of closed tasks, so it reads little more than the page at any queue length.
 */
export async function readTasks(
  sql: Sql,
  filter: TaskFilter,
  limit: number,
  after: TaskPlace | null,
): Promise<TaskRow[]> {
  const { where, values } = condition(filter)
  if (after) {
    values.push(after.priority, after.id)
    where.push(
      `t.priority <= $${values.length - 1} and (t.priority < $${values.length - 1} or t.id > $${values.length}::uuid)`,
    )
  }
  return await sql.unsafe<TaskRow[]>(
    `select ${columns} from task t where ${where.join(' and ')} order by t.priority desc, t.id limit ${limit}`,
    values as never[],
  )
}

export async function readTasksById(sql: Sql, ids: readonly string[]): Promise<Map<string, TaskRow>> {
  const rows = await sql.unsafe<TaskRow[]>(`select ${columns} from task t where t.id = any($1::uuid[])`, [
    ids as string[],
  ])
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
  const { where, values } = condition(filter)
  const of = where.join(' and ')
  const rows = await sql.unsafe<
    { kind: string; type: string; assignee: string | null; count: number; overdue: number }[]
  >(
    `select t.kind, t.type, t.assignee, count(*)::int as count,
       (select count(*)::int from task t where ${of} and t.due_at < now()) as overdue
     from task t where ${of} group by t.kind, t.type, t.assignee`,
    values as never[],
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

function condition(filter: TaskFilter): { where: string[]; values: unknown[] } {
  const values: unknown[] = []
  const add = (value: unknown) => `$${values.push(value)}`
  const where = [filter.state === 'CLOSED' ? "t.state = 'CLOSED'" : "t.state = 'OPEN'"]
  if (filter.state === 'DEFERRED') where.push('t.deferred_until > now()')
  else if (filter.state !== 'CLOSED') where.push('(t.deferred_until is null or t.deferred_until <= now())')
  if (filter.kinds) where.push(`t.kind = any(${add(filter.kinds)}::text[])`)
  if (filter.types) where.push(`t.type = any(${add(filter.types)}::text[])`)
  if (filter.assignee === null) where.push('t.assignee is null')
  else if (filter.assignee !== undefined) where.push(`t.assignee = ${add(filter.assignee)}`)
  if (filter.assigned) where.push('t.assignee is not null')
  if (filter.overdue === true) where.push('t.due_at < now()')
  if (filter.overdue === false) where.push('t.due_at >= now()')
  if (filter.about) where.push(`t.subject @> array[${add(filter.about)}]::uuid[]`)
  return { where, values }
}

export interface TaskComment {
  taskId: string
  actor: string
  body: string
  at: Date
}

const commentsMax = 200

/** Returns comments on tasks, oldest first; at most the latest 200 of each task. */
export async function readComments(sql: Sql, ids: readonly string[]): Promise<Map<string, TaskComment[]>> {
  const rows = await sql<TaskComment[]>`
    select c.* from unnest(${ids as string[]}::uuid[]) t (id) cross join lateral (
      select task_id as "taskId", actor, body, at, id from task_comment where task_id = t.id order by id desc limit ${commentsMax}) c
    order by c.id`
  return Map.groupBy(rows, (r) => r.taskId)
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
