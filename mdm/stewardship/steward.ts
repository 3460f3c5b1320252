import { isUuid } from '../../schema/uuid.ts'
import type { Caller } from '../access/caller.ts'
import { normalReason } from '../access/requestTexts.ts'
import { appendAccess, type SensitiveAccess } from '../access/sensitiveAccess.ts'
import { appendAudit } from '../audit/audit.ts'
import { actionEvidence } from '../audit/evidence.ts'
import type { Sql, Transaction } from '../db/database.ts'
import { dryRunTransaction, transaction } from '../db/transaction.ts'
import { appendChanges } from '../feed/append.ts'
import { valueAtRisk, valueAtRiskOfGolden } from '../golden/read/valueAtRisk.ts'
import { saveNotCompared } from '../inbox/notCompared.ts'
import { requeue } from '../inbox/requeue.ts'
import { forgetFeatures, type SourceRecord, saveMatched } from '../records/records.ts'
import { isLive, newResolutionState, type ResolutionState } from '../resolution/context.ts'
import { referring } from '../resolution/referring.ts'
import { resolve } from '../resolution/resolve.ts'
import { resolveComponent } from '../resolution/resolveComponent.ts'
import { saveSearchText } from '../search/saveSearchText.ts'
import { syncHierarchyRings } from '../tasks/hierarchyRings.ts'
import { currencyRates, DEFAULT_RULES, type Duty } from '../tasks/rules.ts'
import { syncFindings, type TaskContext } from '../tasks/syncFindings.ts'
import { closeTasks, openTasks, taskId } from '../tasks/tasks.ts'
import {
  type ActionRow,
  answeredBefore,
  beginAction,
  finishAction,
  isExpired,
  lockAction,
  promoteAction,
  propose,
  setState,
} from './actions.ts'
import { activatePolicy } from './activatePolicy.ts'
import { askApproval, NeedsApproval, touchesApproval } from './approval.ts'
import { appendAssertions, goldenWithExpired, withdrawAssertions } from './assertions.ts'
import { checkReason, checkRequest, checkRole } from './checkRequest.ts'
import { refuseHierarchyCycles } from './hierarchy.ts'
import { type ActionRequest, normalised } from './input.ts'
import { keepHostsWithinGroups } from './keepHostsWithinGroups.ts'
import { ActionAborted, type Outcome, refuse } from './outcome.ts'
import { type Plan, planAll } from './plan.ts'
import { describe, type Preview } from './preview.ts'
import { planUndo } from './undo.ts'

export interface Stewardship extends TaskContext {
  sql: Sql
}

/** Reads the effect of an action before it is rolled back. */
type Look = (state: ResolutionState, plans: Plan[], approval: NeedsApproval | null) => Promise<void>

/**
 * Path 4: runs a steward's action, from assertions to golden records and events. Returns DONE, a
 * proposal, or the reason for rejection. `prepare` writes what the action needs; a rejection rolls
 * it back, a proposal keeps it.
 */
export async function act(
  steward: Stewardship,
  caller: Caller,
  given: ActionRequest,
  prepare?: (tx: Transaction) => Promise<void>,
): Promise<Outcome> {
  const request = normalised(given)
  return await runInTransaction(steward.sql, async (tx) => {
    checkRequest(rulesOf(steward), caller, request)
    const before = await answeredBefore(tx, caller, request)
    if (before) return before
    await prepare?.(tx)
    try {
      return (await tx.savepoint((sp) => execute(sp, steward, caller, request, null))) as Outcome
    } catch (e) {
      if (!(e instanceof NeedsApproval)) throw e
      return await proposeAction(tx, steward, caller, request, e)
    }
  })
}

const expiredPerSweep = 200
/** System actor for expiries; not available to callers, because no role allows EXPIRE. */
const clock: Caller = {
  actor: 'clock',
  roles: new Set(['clock']),
  scopes: new Set(),
  correlationId: '',
}

/**
 * Withdraws expired values, one golden record at a time. Returns how many golden records changed.
 */
export async function expireValues(steward: Stewardship): Promise<number> {
  const expired = await goldenWithExpired(steward.sql, expiredPerSweep)
  let done = 0
  for (const { id, version } of expired) {
    const caller = { ...clock, correlationId: crypto.randomUUID() }
    const request: ActionRequest = {
      input: { kind: 'EXPIRE', id },
      reason: 'its time is over',
      idempotencyKey: crypto.randomUUID(),
      expected: { [id]: version },
    }
    // A golden record that changed since it was read is left to the next sweep. Expiry of a marked
    // field needs no approval.
    const outcome = await runInTransaction(steward.sql, (tx) =>
      execute(tx, steward, caller, request, { id: null, by: clock.actor }),
    )
    if (outcome.code === 'DONE') done++
  }
  return done
}

/**
 * Returns the effect of an action by running it and rolling it back. Rejections and conflicts are
 * those of `act`. It takes no locks and shows the state of one moment; what changes afterwards makes
 * `act` a conflict, because it names the versions that were seen.
 */
export async function preview(
  steward: Stewardship,
  caller: Caller,
  given: Omit<ActionRequest, 'reason' | 'idempotencyKey'>,
): Promise<Outcome | Preview> {
  const request = normalised({ ...given, reason: 'preview', idempotencyKey: crypto.randomUUID() })
  return await dryRun(steward, async (tx, look) => {
    // Who may propose an action may see what it would do.
    checkRequest(rulesOf(steward), caller, { ...request, proposal: { rule: 'REQUESTED' } })
    await execute(tx, steward, caller, request, null, look)
  })
}

async function dryRun(
  steward: Stewardship,
  work: (tx: Transaction, look: Look) => Promise<void>,
): Promise<Outcome | Preview> {
  let seen: Preview | null = null
  const outcome = await runInTransaction(
    steward.sql,
    async (tx) => {
      await work(tx, async (done, plans, approval) => {
        seen = await describe(tx, steward.policy, done, plans, approval)
        throw new ActionAborted({ code: 'DONE', actionId: '', effect: [] })
      })
      throw new Error('a preview was not taken back')
    },
    dryRunTransaction,
  )
  return seen ?? outcome
}

/** Returns the effect that a proposal would have now, or its conflict with the present state. */
export async function previewProposal(
  steward: Stewardship,
  caller: Caller,
  id: string,
): Promise<Outcome | Preview> {
  return await dryRun(steward, async (tx, look) => {
    const action = await lockProposal(tx, id)
    const request = requestOf(action)
    if (action.kind === 'PUBLISH')
      refuse('NOT_PREVIEWED', 'simulatePolicy returns the effect of a policy')
    await promoteAction(tx, id, { by: caller.actor, why: '' })
    await execute(tx, steward, authorOf(caller, action), request, { id, by: caller.actor }, look)
  })
}

/**
 * Approves a proposal as a second person. The action runs as its author requested if its records
 * have not changed.
 */
export async function approve(
  steward: Stewardship,
  caller: Caller,
  id: string,
  reason: string,
): Promise<Outcome> {
  const why = normalReason(reason)
  return await runInTransaction(steward.sql, async (tx) => {
    checkReason(why)
    const action = await lockProposal(tx, id)
    checkRole(rulesOf(steward), caller, dutyToDecide(action))
    if (action.actor === caller.actor)
      refuse('OWN_PROPOSAL', 'a proposal is approved by another person than its author')
    await promoteAction(tx, id, { by: caller.actor, why })
    return await execute(tx, steward, authorOf(caller, action), requestOf(action), {
      id,
      by: caller.actor,
    })
  })
}

/** Returns a proposal as the request that it was. */
function requestOf(action: ActionRow): ActionRequest {
  const rule = action.approval.find((r) => r === 'REQUESTED' || r === 'AGENT')
  return { ...action, proposal: rule && { rule } }
}

function authorOf(caller: Caller, { actor, correlationId }: ActionRow): Caller {
  return { ...caller, actor, correlationId }
}

/** Declines a proposal as a second person, or withdraws it as its author. */
export async function decide(
  steward: Stewardship,
  caller: Caller,
  id: string,
  state: 'DECLINED' | 'WITHDRAWN',
  reason: string,
): Promise<Outcome> {
  const why = normalReason(reason)
  return await runInTransaction(steward.sql, async (tx) => {
    checkReason(why)
    const action = await lockProposal(tx, id)
    if (state === 'WITHDRAWN' && action.actor !== caller.actor)
      refuse('NOT_THE_AUTHOR', 'a proposal is withdrawn by its author; others decline it')
    if (state === 'DECLINED') checkRole(rulesOf(steward), caller, dutyToDecide(action))
    await setState(tx, id, state, { by: caller.actor, why })
    await closeTasks(tx, [taskId('APPROVAL', [id])], state.toLowerCase())
    await appendAudit(tx, {
      event: state,
      actor: caller.actor,
      action: id,
      reason: why,
      evidence: await actionEvidence(tx, id),
    })
    return { code: 'DONE', actionId: id, effect: [] }
  })
}

function dutyToDecide(action: ActionRow): Duty {
  return action.kind === 'PUBLISH' ? 'APPROVE_PUBLISH' : 'APPROVE'
}

/**
 * Runs an action under the locks of everything it can reach. `approved` is the proposal that a
 * second person approved.
 */
async function execute(
  tx: Transaction,
  steward: Stewardship,
  caller: Caller,
  request: ActionRequest,
  approved: { id: string | null; by: string } | null,
  look: Look | null = null,
): Promise<Outcome> {
  const { input, expected } = request
  if (input.kind === 'PUBLISH')
    return await activatePolicy(tx, rulesOf(steward), caller, { ...request, input }, approved)
  const target = input.kind === 'UNDO' ? await lockAction(tx, input.action) : null
  if (input.kind === 'UNDO' && !target)
    refuse('UNKNOWN_ACTION', `there is no action ${input.action}`)
  const plans = target
    ? await planUndo(tx, steward, target)
    : await planAll(
        tx,
        steward,
        caller,
        input.kind === 'BULK' ? input.items : input.kind === 'UNDO' ? [] : [input],
        expected,
      )
  const row = {
    ...request,
    kind: input.kind,
    actor: caller.actor,
    correlationId: caller.correlationId,
  }
  const id = approved?.id ?? (await beginAction(tx, { ...row, undoes: target?.id ?? null }))
  const statements = plans.map((p) => p.statements)
  await withdrawAssertions(
    tx,
    id,
    statements.flatMap((s) => s.withdraw),
  )
  await appendAssertions(
    tx,
    { id, ...row },
    statements.flatMap((s) => s.append),
  )
  const state = await reresolve(tx, steward, plans, {
    source: 'stewardship',
    object: input.kind,
    sourceId: id,
    correlationId: caller.correlationId,
  })
  await syncFindings(tx, steward, state.findings)
  await refuseHierarchyCycles(tx, steward.policy, state, target)
  await syncHierarchyRings(tx, steward, state, false)

  const about = {
    type: plans[0]?.type.name ?? '',
    subjects: [
      ...new Set([...plans.flatMap((p) => p.subjects), ...state.events.map((e) => e.goldenId)]),
    ],
  }
  const marked = await touchesApproval(tx, steward.policy, [id, ...(target ? [target.id] : [])])
  const rates = currencyRates(rulesOf(steward))
  const survivors = state.events.filter((e) => e.op === 'MERGED' && e.values)
  const needs = await askApproval(
    rulesOf(steward),
    target?.input ?? input,
    { ...about, marked, merges: survivors.length > 0, proposed: request.proposal?.rule ?? null },
    async (what) =>
      what === 'SUBJECTS'
        ? await valueAtRiskOfGolden(tx, about.subjects, rates)
        : ((
            await valueAtRisk(tx, new Map([['merged', survivors.flatMap((e) => e.members)]]), rates)
          ).get('merged') ?? 0),
  )
  if (look) await look(state, plans, needs)
  if (needs && !approved) throw needs

  const effect = state.events.map(({ goldenId, op, version }) => ({ goldenId, op, version }))
  await saveMatched(tx, [...state.changedRecords.values()], state.keyedIds)
  await forgetFeatures(tx, state.brokenIds)
  await saveNotCompared(tx, state.notCompared)
  await finishAction(tx, id, {
    ...about,
    before: plans.flatMap((p) => p.before),
    effect,
    stake: needs?.stake ?? 0,
  })
  if (approved?.id) await closeTasks(tx, [taskId('APPROVAL', [id])], 'approved')
  await appendAudit(tx, {
    event: input.kind,
    actor: caller.actor,
    action: id,
    reason: request.reason,
    ...(approved?.id ? { approvedBy: approved.by } : {}),
    correlationId: caller.correlationId,
    input,
    effect,
    evidence: await actionEvidence(tx, id),
  })
  await requeue(tx, state.deferredInboxIds)
  await appendAccess(tx, changedSensitive(steward, caller, input.kind, state))
  await saveSearchText(tx, steward.policy, state.events)
  await appendChanges(tx, state.events)
  return { code: 'DONE', actionId: id, effect }
}

/** Returns which sensitive fields an action changed. */
function changedSensitive(
  steward: Stewardship,
  caller: Caller,
  kind: string,
  state: ResolutionState,
): SensitiveAccess[] {
  const at = new Date()
  return state.events.flatMap(({ goldenId, type, changed }) => {
    const sensitive = steward.policy
      .type(type)
      .fields.filter((f) => f.sensitive && changed.includes(f.name))
    if (sensitive.length === 0) return []
    const { actor, correlationId } = caller
    const fields = sensitive.map((f) => f.name)
    return [
      {
        at,
        actor,
        correlationId,
        operation: kind,
        through: 'CHANGE',
        type,
        fields,
        ids: [goldenId],
        more: 0,
      },
    ]
  })
}

/** Resolves again what the plans concern, type by type, and records that refer to it. */
async function reresolve(
  tx: Transaction,
  steward: Stewardship,
  plans: Plan[],
  cause: { source: string; object: string; sourceId: string; correlationId: string },
): Promise<ResolutionState> {
  const state = newResolutionState()
  for (const key of plans.flatMap((p) => p.before.flatMap(([, keys]) => keys)))
    state.causes.set(key, cause)
  for (const plan of plans) if (plan.groups) await keepHostsWithinGroups(tx, plan.groups)
  for (const type of steward.policy.types) {
    const own = plans.filter((p) => p.type.name === type.name)
    const records = new Map<number, SourceRecord>()
    if (own.length > 0)
      state.findings.push(
        ...(await resolveComponent(tx, steward, state, {
          type,
          seeds: own.flatMap((p) => p.seeds),
          records,
        })),
      )
    for (const plan of own) checkGroups(plan, records)
    const touched = await referring(tx, steward, type, state, [])
    if (touched.length > 0) await resolve(tx, steward, type, touched, state)
  }
  return state
}

/** Throws if the result contradicts the steward's assertions; the transaction then rolls back. */
function checkGroups(plan: Plan, records: ReadonlyMap<number, SourceRecord>): void {
  if (!plan.groups || plan.statements.append.length === 0) return
  const byKey = new Map([...records.values()].filter(isLive).map((r) => [r.key, r.goldenId]))
  for (const keys of plan.groups) {
    const homes = new Set(keys.map((k) => byKey.get(k)).filter((g) => g !== undefined))
    if (homes.size > 1)
      throw new Error(
        `records declared the same are in different golden records: ${[...homes].join(', ')}`,
      )
  }
}

async function proposeAction(
  tx: Transaction,
  steward: Stewardship,
  caller: Caller,
  request: ActionRequest,
  needs: NeedsApproval,
): Promise<Outcome> {
  const rules = rulesOf(steward)
  const about = { ...needs, days: rules.approval.proposalDaysMax }
  const id = await propose(tx, caller, request, about)
  const agent = request.proposal?.agent
  const author = agent === undefined ? caller.actor : `${caller.actor}, by the agent ${agent},`
  await openTasks(tx, rules, [
    {
      kind: 'APPROVAL',
      type: needs.type,
      subject: [id],
      reason: `${author} wants ${request.input.kind}: ${request.reason}`.slice(0, 500),
      weight: null,
      stake: needs.stake,
    },
  ])
  await appendAudit(tx, {
    event: 'PROPOSE',
    actor: caller.actor,
    ...(agent === undefined ? {} : { agent }),
    action: id,
    reason: request.reason,
    input: request.input,
    rules: needs.rules,
    evidence: await actionEvidence(tx, id),
  })
  return { code: 'NEEDS_APPROVAL', actionId: id, rules: needs.rules }
}

/** Reads and locks a proposal that is still open. Throws ActionAborted otherwise. */
async function lockProposal(tx: Transaction, id: string): Promise<ActionRow> {
  const action = isUuid(id) ? await lockAction(tx, id) : null
  if (!action) return refuse('UNKNOWN_ACTION', `there is no action ${id}`)
  if (isExpired(action))
    refuse(
      'EXPIRED',
      `the proposal waited until ${action.expiresAt?.toISOString()}: propose it again`,
    )
  if (action.state !== 'PROPOSED')
    refuse('NOT_PROPOSED', `action ${id} does not wait for a decision: ${action.state}`)
  return action
}

function rulesOf(steward: Stewardship) {
  return steward.rules ?? DEFAULT_RULES
}

/** Runs `work` in one transaction. An ActionAborted rolls it back and its outcome is returned. */
async function runInTransaction(
  sql: Sql,
  work: (tx: Transaction) => Promise<Outcome>,
  run = transaction,
): Promise<Outcome> {
  try {
    return await run(sql, work)
  } catch (e) {
    if (e instanceof ActionAborted) return e.outcome
    throw e
  }
}
