import { isDeepStrictEqual } from 'node:util'
import { storableJson } from '../../schema/storable.ts'
import type { action } from '../../schema/tables/stewardship.ts'
import type { Caller } from '../access/caller.ts'
import type { Sql, Transaction } from '../db/database.ts'
import { transaction } from '../db/transaction.ts'
import { closeTasks, taskId } from '../tasks/tasks.ts'
import type { ActionInput, ActionRequest } from './input.ts'
import type { ApprovalRule, Effect, Outcome, Rule } from './outcome.ts'

/** The keys of the source records of each golden record. */
export type Partition = [goldenId: string, keys: string[]][]

export interface ActionRow
  extends Omit<typeof action.$inferSelect, 'input' | 'before' | 'effect' | 'approval'> {
  input: ActionInput
  before: Partition
  effect: Effect[]
  approval: ApprovalRule[]
}

export const actionColumns = `id, kind, type, state, input, expected, actor, reason, idempotency_key as "idempotencyKey",
  correlation_id as "correlationId", subjects, before, effect, approval, stake, undoes, number,
  proposed_at as "proposedAt", expires_at as "expiresAt", done_at as "doneAt", decided_by as "decidedBy", decision`

/**
 * Returns the earlier outcome of a request with this idempotency key, or null. Locks the key, so
 * two requests with one key run one after the other.
 */
export async function answeredBefore(
  tx: Transaction,
  caller: Caller,
  request: ActionRequest,
): Promise<Outcome | null> {
  await tx`select pg_advisory_xact_lock(hashtextextended(${`action ${caller.actor} ${request.idempotencyKey}`}, 0))`
  const [known] = await tx.unsafe<ActionRow[]>(
    `select ${actionColumns} from action where actor = $1 and idempotency_key = $2`,
    [caller.actor, request.idempotencyKey],
  )
  if (!known) return null
  // The stored input comes from jsonb: undefined fields are gone and keys have another order.
  if (!isDeepStrictEqual(known.input, JSON.parse(JSON.stringify(request.input))))
    return {
      code: 'REFUSED',
      rule: 'IDEMPOTENCY_KEY_REUSED',
      detail: `you used the key ${request.idempotencyKey} for another action before`,
      inTheWay: null,
    }
  return outcomeOf(known)
}

/**
 * Returns the outcome that an action's row stands for. Its author may learn of a decision this way.
 */
export function outcomeOf(action: ActionRow): Outcome {
  if (action.number !== null) return { code: 'DONE', actionId: action.id, effect: action.effect }
  const over = (rule: Rule, what: string): Outcome => {
    const detail = `proposal ${action.id} ${what}: to propose it again use another idempotency key`
    return { code: 'REFUSED', rule, detail, inTheWay: null }
  }
  const decided = `by ${action.decidedBy}, "${action.decision}"`
  if (action.state === 'DECLINED') return over('DECLINED', `was declined ${decided}`)
  if (action.state === 'WITHDRAWN') return over('WITHDRAWN', `was withdrawn ${decided}`)
  if (isExpired(action)) return over('EXPIRED', `waited until ${action.expiresAt?.toISOString()}`)
  return { code: 'NEEDS_APPROVAL', actionId: action.id, rules: action.approval }
}

/** Returns true if nobody decided on a proposal in time, whether or not its state says so yet. */
export function isExpired(action: Pick<ActionRow, 'state' | 'expiresAt'>): boolean {
  const over = action.expiresAt !== null && action.expiresAt < new Date()
  return action.state === 'EXPIRED' || (action.state === 'PROPOSED' && over)
}

/** Inserts the row of an action that is about to run. `finishAction` adds its effect. */
export async function beginAction(
  tx: Transaction,
  action: Pick<
    ActionRow,
    'kind' | 'input' | 'expected' | 'actor' | 'reason' | 'idempotencyKey' | 'correlationId'
  > & {
    undoes?: string | null
  },
): Promise<string> {
  const [row] = await tx<{ id: string }[]>`
    insert into action (kind, state, input, expected, actor, reason, idempotency_key, correlation_id, subjects, undoes,
      number, done_at)
    values (${action.kind}, 'DONE', ${storableJson(action.input)}::text::jsonb,
      ${storableJson(action.expected)}::text::jsonb, ${action.actor}, ${action.reason}, ${action.idempotencyKey},
      ${action.correlationId}, '{}', ${action.undoes ?? null}, nextval('action_number'), clock_timestamp())
    returning id`
  if (!row) throw new Error('an action was not written')
  return row.id
}

/** Marks a proposal as done after a second person approved it. */
export async function promoteAction(
  tx: Transaction,
  id: string,
  decision: { by: string; why: string },
): Promise<void> {
  await tx`update action set state = 'DONE', number = nextval('action_number'), done_at = clock_timestamp(),
      decided_by = ${decision.by}, decision = ${decision.why}
    where id = ${id}`
}

export async function finishAction(
  tx: Transaction,
  id: string,
  done: {
    type: string
    subjects: readonly string[]
    before: Partition
    effect: readonly Effect[]
    stake: number
  },
): Promise<void> {
  await tx`update action set type = ${done.type}, subjects = ${[...new Set(done.subjects)]}::uuid[],
      before = ${storableJson(done.before)}::text::jsonb, effect = ${storableJson(done.effect)}::text::jsonb,
      stake = ${done.stake}
    where id = ${id}`
}

export async function propose(
  tx: Transaction,
  caller: Caller,
  request: ActionRequest,
  about: {
    type: string
    subjects: readonly string[]
    rules: readonly ApprovalRule[]
    stake: number
    days: number
  },
): Promise<string> {
  const [row] = await tx<{ id: string }[]>`
    insert into action (kind, type, state, input, expected, actor, reason, idempotency_key, correlation_id, subjects,
      approval, stake, expires_at)
    values (${request.input.kind}, ${about.type}, 'PROPOSED', ${storableJson(request.input)}::text::jsonb,
      ${storableJson(request.expected)}::text::jsonb, ${caller.actor}, ${request.reason}, ${request.idempotencyKey},
      ${caller.correlationId}, ${[...new Set(about.subjects)]}::uuid[], ${[...about.rules]}::text[], ${about.stake},
      clock_timestamp() + make_interval(secs => ${about.days * 86_400}))
    returning id`
  if (!row) throw new Error('a proposal was not written')
  return row.id
}

/** Reads the row of an action and locks it, so decisions and undos of one action run in turn. */
export async function lockAction(tx: Transaction, id: string): Promise<ActionRow | null> {
  const [row] = await tx.unsafe<ActionRow[]>(
    `select ${actionColumns} from action where id = $1 for update`,
    [id],
  )
  return row ?? null
}

export async function setState(
  tx: Transaction,
  id: string,
  state: ActionRow['state'],
  decision: { by: string; why: string } | null = null,
): Promise<void> {
  await tx`update action set state = ${state}, decided_by = coalesce(${decision?.by ?? null}, decided_by),
      decision = coalesce(${decision?.why ?? null}, decision)
    where id = ${id}`
}

/**
 * Returns the latest done action that came after this one and withdrew one of its assertions or
 * concerns the same pairs.
 */
export async function inTheWay(tx: Transaction, action: ActionRow): Promise<string | null> {
  const [row] = await tx<{ id: string }[]>`
    with own as (select id, a, b, kind from assertion where action_id = ${action.id}),
    cells as (
      select least(a, b) as a, greatest(a, b) as b from own where kind in ('SAME', 'NOT_SAME')
      union select least(s.a, s.b), greatest(s.a, s.b) from withdrawal w join assertion s on s.id = w.assertion_id
        where w.action_id = ${action.id} and s.kind in ('SAME', 'NOT_SAME'))
    select x.id from (
      select y.id, y.number from withdrawal w join own on own.id = w.assertion_id join action y on y.id = w.action_id
        where y.state = 'DONE' and y.id <> ${action.id}
      union
      select y.id, y.number from cells c join assertion s on s.a in (c.a, c.b) and s.b in (c.a, c.b)
        join action y on y.id = s.action_id
        where y.state = 'DONE' and y.number > ${action.number}) x
    order by x.number desc limit 1`
  return row?.id ?? null
}

/** Returns the latest action after `number` that made or withdrew any of these assertions. */
export async function latestMaker(
  tx: Transaction,
  assertionIds: readonly number[],
  number: number,
): Promise<string | null> {
  const [row] = await tx<{ id: string }[]>`
    select y.id from assertion s join action y on y.id = s.action_id
    where s.id = any(${assertionIds}::bigint[]) and y.number > ${number} and y.state = 'DONE'
    order by y.number desc limit 1`
  return row?.id ?? null
}

/** Returns the latest done action after `number` that concerns any of these golden ids. */
export async function latestAboutAny(
  tx: Transaction,
  ids: readonly string[],
  number: number,
): Promise<string | null> {
  const [row] = await tx<{ id: string }[]>`
    select id from action where subjects && ${ids as string[]}::uuid[] and number > ${number} and state = 'DONE'
    order by number desc limit 1`
  return row?.id ?? null
}

/** Expires proposals that nobody decided on in time, and closes their tasks. Returns how many. */
export async function expireProposals(sql: Sql): Promise<number> {
  return await transaction(sql, async (tx) => {
    const rows = await tx<{ id: string }[]>`
      update action set state = 'EXPIRED' where state = 'PROPOSED' and expires_at < now() returning id`
    const tasks = rows.map((r) => taskId('APPROVAL', [r.id]))
    await closeTasks(tx, tasks, 'expired')
    return rows.length
  })
}
