import { isUuid } from '../../schema/uuid.ts'
import type { Caller } from '../access/caller.ts'
import { appendAudit } from '../audit/audit.ts'
import { actionEvidence } from '../audit/evidence.ts'
import type { Sql, Transaction } from '../db/database.ts'
import { activePolicy, beginPublication, lockActivePolicy } from '../policy/policies.ts'
import type { StewardshipRules } from '../tasks/rules.ts'
import { closeTasks, taskId } from '../tasks/tasks.ts'
import { beginAction, finishAction } from './actions.ts'
import { NeedsApproval } from './approval.ts'
import type { ActionInput, ActionRequest } from './input.ts'
import { type Outcome, refuse } from './outcome.ts'

/** Tasks about a policy carry this name in place of a golden type. */
const aboutPolicy = 'Policy'

/** Returns the policy of a proposal to publish it; null if the action is none. */
export async function proposedPolicy(
  sql: Sql,
  actionId: string,
): Promise<{ version: string; checkedBy: string[] } | null> {
  if (!isUuid(actionId)) return null
  const [row] = await sql<{ version: string; checkedBy: string[] }[]>`
    select p.version, array(select c.program from policy_check c where c.version = p.version) as "checkedBy"
    from action a join policy p on p.version = a.input ->> 'policy'
    where a.id = ${actionId} and a.kind = 'PUBLISH' and a.state = 'PROPOSED'`
  return row ?? null
}

/**
 * Makes a stored policy the active one. A worker then brings records in line with it
 * (mdm/policy/publish.ts). `approved` is the proposal that a second person approved. Throws
 * ActionAborted, or NeedsApproval if the rules require a second person.
 */
export async function activatePolicy(
  tx: Transaction,
  rules: StewardshipRules,
  caller: Caller,
  request: ActionRequest & { input: Extract<ActionInput, { kind: 'PUBLISH' }> },
  approved: { id: string | null; by: string } | null,
): Promise<Outcome> {
  const { policy, instead } = request.input
  const [stored] = await tx`select 1 from policy where version = ${policy}`
  if (!stored) refuse('UNKNOWN_POLICY', `there is no policy ${policy}`)
  await lockActivePolicy(tx)
  const now = (await activePolicy(tx))?.version ?? null
  if (now === policy) refuse('ALREADY_IN_FORCE', `policy ${policy} is in force already`)
  if (now !== instead)
    refuse(
      'POLICY_CHANGED',
      `${now === null ? 'the shipped policy' : `policy ${now}`} is in force, not ${instead ?? 'the shipped one'}: look again at what this one would do`,
    )
  const about = { type: aboutPolicy, subjects: [], stake: 0 }
  if (rules.approval.publishing && !approved)
    throw new NeedsApproval({ rules: ['PUBLISH'], ...about })
  const { actor, correlationId } = caller
  const row = { ...request, kind: 'PUBLISH', actor, correlationId }
  const id = approved?.id ?? (await beginAction(tx, row))
  if (!(await beginPublication(tx, policy, actor, request.reason, id)))
    refuse('BUSY', 'another policy is being published: wait for its end, or stay with it')
  await finishAction(tx, id, { ...about, before: [], effect: [] })
  if (approved?.id) await closeTasks(tx, [taskId('APPROVAL', [id])], 'approved')
  await appendAudit(tx, {
    event: 'PUBLISH',
    actor,
    action: id,
    reason: request.reason,
    ...(approved?.id ? { approvedBy: approved.by } : {}),
    correlationId,
    policy,
    instead,
    evidence: await actionEvidence(tx, id),
  })
  return { code: 'DONE', actionId: id, effect: [] }
}
