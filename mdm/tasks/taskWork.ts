import { isVisibleName, VISIBLE_NAMES } from '../../schema/kit/actorName.ts'
import { normalId } from '../../schema/kit/normalText.ts'
import { isStorable } from '../../schema/storable.ts'
import { isUuid } from '../../schema/uuid.ts'
import type { Caller } from '../access/caller.ts'
import { appendAudit } from '../audit/audit.ts'
import type { Sql, Transaction } from '../db/database.ts'
import { transaction } from '../db/transaction.ts'
import { type Duty, mayDo, type StewardshipRules } from './rules.ts'
import { escalationPriority, taskChannel } from './tasks.ts'

/** Work on a task that does not decide it. */
export type TaskWork =
  | { kind: 'CLAIM' }
  | { kind: 'ASSIGN'; to: string }
  | { kind: 'RELEASE' }
  | { kind: 'DEFER'; until: string | null }
  | { kind: 'COMMENT'; body: string }
  | { kind: 'SET_DUE'; at: string }

export type TaskRule =
  | 'UNKNOWN_TASK'
  | 'TOO_MANY_IDS'
  | 'TASK_CLOSED'
  | 'TASK_TAKEN'
  | 'NOT_YOURS'
  | 'BAD_TEXT'
  | 'BAD_MOMENT'
  | 'MISSING_ROLE'
export type TaskOutcome =
  | { code: 'DONE'; taskId: string }
  | { code: 'REFUSED'; rule: TaskRule; detail: string }

/** Largest number of tasks in one call. */
const tasksMax = 500
const commentCharsMax = 5_000

/** Applies the same work to several tasks in one transaction. Each task has its own outcome. */
export async function workOnTasks(
  sql: Sql,
  rules: StewardshipRules,
  caller: Caller,
  ids: readonly string[],
  given: TaskWork,
): Promise<TaskOutcome[]> {
  const work =
    given.kind === 'COMMENT' && isStorable(given.body)
      ? { ...given, body: normalId(given.body) }
      : given
  const refused = (rule: TaskRule, detail: string): TaskOutcome => ({
    code: 'REFUSED',
    rule,
    detail,
  })
  const duties: Duty[] =
    given.kind === 'COMMENT' ? ['MERGE', 'APPROVE', 'PROPOSE'] : ['MERGE', 'APPROVE']
  if (!duties.some((duty) => mayDo(rules, caller.roles, duty)))
    return ids.map(() =>
      refused('MISSING_ROLE', 'working on tasks needs the role of a steward or an approver'),
    )
  const fault = faultOf(work)
  if (fault) return ids.map(() => refused(fault.rule, fault.detail))
  if (ids.length > tasksMax)
    return ids.map(() => refused('TOO_MANY_IDS', `at most ${tasksMax} tasks at once`))
  return await transaction(sql, async (tx) => {
    const rows = await tx<{ id: string; state: string; assignee: string | null }[]>`
      select id, state, assignee from task where id = any(${ids.filter((id) => isUuid(id))}::uuid[]) order by id for update`
    const byId = new Map(rows.map((r) => [r.id, r]))
    const outcomes = ids.map((given): TaskOutcome => {
      const id = given.toLowerCase()
      const task = byId.get(id)
      if (!task) return refused('UNKNOWN_TASK', `there is no task ${id}`)
      if (work.kind === 'COMMENT') return { code: 'DONE', taskId: id }
      if (task.state === 'CLOSED') return refused('TASK_CLOSED', `task ${id} is closed`)
      if (work.kind === 'CLAIM' && task.assignee !== null && task.assignee !== caller.actor)
        return refused('TASK_TAKEN', `${task.assignee} works on task ${id}`)
      if (work.kind === 'RELEASE' && task.assignee !== caller.actor)
        return refused('NOT_YOURS', `task ${id} is ${task.assignee ?? 'nobody'}'s`)
      return { code: 'DONE', taskId: id }
    })
    const done = [...new Set(outcomes.flatMap((o) => (o.code === 'DONE' ? [o.taskId] : [])))]
    if (done.length === 0) return outcomes
    await apply(tx, caller, done, work)
    const { kind, ...details } = work.kind === 'SET_DUE' ? { kind: work.kind, due: work.at } : work
    await appendAudit(tx, { event: kind, actor: caller.actor, tasks: done, ...details })
    await tx`select pg_notify(${taskChannel}, '')`
    return outcomes
  })
}

function faultOf(work: TaskWork): { rule: TaskRule; detail: string } | null {
  if (
    work.kind === 'COMMENT' &&
    (work.body === '' || work.body.length > commentCharsMax || !isStorable(work.body))
  )
    return { rule: 'BAD_TEXT', detail: `a comment has 1 to ${commentCharsMax} characters` }
  if (work.kind === 'ASSIGN' && !isVisibleName(work.to))
    return { rule: 'BAD_TEXT', detail: `a name has ${VISIBLE_NAMES}` }
  const moment = work.kind === 'DEFER' ? work.until : work.kind === 'SET_DUE' ? work.at : null
  if (moment !== null && Number.isNaN(Date.parse(moment)))
    return { rule: 'BAD_MOMENT', detail: `${moment} is no moment` }
  return null
}

async function apply(
  tx: Transaction,
  caller: Caller,
  ids: string[],
  work: TaskWork,
): Promise<void> {
  const now = tx`updated_at = clock_timestamp()`
  const which = tx`where id = any(${ids}::uuid[])`
  switch (work.kind) {
    case 'CLAIM':
      await tx`update task set assignee = ${caller.actor}, ${now} ${which}`
      break
    case 'ASSIGN':
      await tx`update task set assignee = ${work.to}, ${now} ${which}`
      break
    case 'RELEASE':
      await tx`update task set assignee = null, ${now} ${which}`
      break
    case 'DEFER':
      await tx`update task set deferred_until = ${work.until}, ${now} ${which}`
      break
    case 'SET_DUE':
      await tx`update task set due_at = ${work.at}, escalated = false,
        priority = priority - case when escalated then ${escalationPriority} else 0 end, ${now} ${which}`
      break
    case 'COMMENT':
      await tx`insert into task_comment (task_id, actor, body)
        select id, ${caller.actor}, ${work.body} from unnest(${ids}::uuid[]) as t (id)`
      await tx`update task set ${now} ${which}`
  }
}
