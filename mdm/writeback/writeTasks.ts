import { hiddenFields } from '../../schema/hiddenFields.ts'
import type { Policy } from '../../schema/policy.ts'
import { recordKey } from '../../schema/recordKey.ts'
import type { Sql, Transaction } from '../db/database.ts'
import { transaction } from '../db/transaction.ts'
import { valueAtRisk } from '../golden/read/valueAtRisk.ts'
import { loadMemberKeys } from '../golden/stored.ts'
import { currencyRates, ownerOf, type StewardshipRules } from '../tasks/rules.ts'
import { closeTasks, openAbout, openTasks, type TaskReason, taskId } from '../tasks/tasks.ts'
import { conflictsMax } from './stop.ts'
import type { Target } from './target.ts'

export interface WriteTaskContext {
  policy: Policy
  rules: StewardshipRules
  targets: ReadonlyMap<string, Pick<Target, 'source' | 'mode'>>
}

interface Stopped {
  id: number
  goldenId: string
  type: string
  source: string
  object: string
  sourceId: string | null
  state: 'REFUSED' | 'CONFLICT'
  code: string
  detail: string
  fields: string[]
}

const reasonCharsMax = 1_000
/** How long a person may hold writes until a task asks for them. */
export const heldHoursMax = 24
/** Waiting writes of a target that are looked at, the oldest first. */
const waitingRowsMax = 10_000

/**
 * Brings WRITE tasks in line with the refusals and conflicts of these golden records: one for each
 * record and reason. It closes by itself when the write is released, made, or not wished any more.
 * Plans of the mode shadow are no tasks: nothing would be sent.
 */
export async function syncWriteTasks(
  tx: Transaction,
  context: WriteTaskContext,
  goldenIds: readonly string[],
): Promise<void> {
  const rows = await tx<Stopped[]>`
    select id, golden_id as "goldenId", type, source, object, source_id as "sourceId", state, coalesce(code, state) as code,
      coalesce(detail, '') as detail,
      array(select jsonb_object_keys(changes) union select r ->> 'field' from jsonb_array_elements(refused) r) as fields
    from write_intent
    where golden_id = any(${[...goldenIds]}::uuid[]) and released_at is null
      and (state = 'REFUSED' or state = 'CONFLICT' and conflicts >= ${conflictsMax})
    order by id`
  const open = await openAbout(tx, ['WRITE'], goldenIds)
  if (rows.length + open.length === 0) return
  const sent = rows.filter((r) => (context.targets.get(r.source)?.mode ?? 'SHADOW') !== 'SHADOW')
  const wanted = new Map(sent.map((r) => [taskOf(r), r]))
  const gone = open.filter((t) => !wanted.has(t.id)).map((t) => t.id)
  await closeTasks(tx, gone, 'its reason is gone')
  if (wanted.size === 0) return
  const ids = [...new Set([...wanted.values()].map((r) => r.goldenId))]
  const stakes = await valueAtRisk(tx, await loadMemberKeys(tx, ids), currencyRates(context.rules))
  await openTasks(
    tx,
    context.rules,
    [...wanted.values()].map((r): TaskReason => {
      const { source, object, type } = r
      return {
        ...{ kind: 'WRITE', type, subject: subjectOf(r), weight: null },
        reason: reasonOf(context.policy, r),
        stake: stakes.get(r.goldenId) ?? 0,
        owner: ownerOf(context.rules, { system: source, object, type }),
      }
    }),
  )
}

/** Ends what waits for a person at source systems that are not written to any more. */
export async function closeWithoutTarget(
  tx: Transaction,
  sources: readonly string[],
): Promise<void> {
  const rows = await tx<Pick<Stopped, 'goldenId' | 'source' | 'object' | 'sourceId' | 'code'>[]>`
    update write_intent set released_at = clock_timestamp()
    where source <> all(${[...sources]}::text[]) and state in ('REFUSED', 'CONFLICT') and released_at is null
    returning golden_id as "goldenId", source, object, source_id as "sourceId", coalesce(code, state) as code`
  await closeTasks(tx, rows.map(taskOf), 'its source system is not written to any more')
}

/** Why writes of one golden type wait for a person, all together. */
type WaitingReason = 'WAITING_APPROVAL' | 'TOO_MANY_RECORDS' | 'HELD_BY_PERSON'

/**
 * Brings WRITE tasks in line with the writes that wait for approval or are held: one for each source
 * system, golden type and reason, because one decision is about many writes.
 */
export async function syncWaitingTasks(sql: Sql, rules: StewardshipRules): Promise<void> {
  await transaction(sql, async (tx) => {
    const rows = await tx<{ source: string; type: string; reason: WaitingReason }[]>`
      select distinct t.source, w.type, w.reason
      from write_target t cross join unnest(array['HELD', 'WAITING_APPROVAL']) as s (state)
        cross join lateral (
          select i.type, case when i.state = 'WAITING_APPROVAL' then i.state else coalesce(i.code, 'HELD_BY_PERSON') end as reason,
            i.planned_at
          from write_intent i where i.source = t.source and i.state = s.state order by i.id limit ${waitingRowsMax}) w
      where w.reason <> 'HELD_BY_PERSON' or w.planned_at < clock_timestamp() - make_interval(hours => ${heldHoursMax})`
    const reasons = rows.map(
      ({ source, type, reason }): TaskReason => ({
        ...{ kind: 'WRITE', type, weight: null, stake: 0 },
        subject: [recordKey(source, type, `waiting ${reason}`)],
        reason: waitingText(source, type, reason),
        owner: ownerOf(rules, { system: source, object: null, type }),
      }),
    )
    const wanted = new Set(reasons.map((r) => taskId('WRITE', r.subject)))
    const open = await tx<{ id: string }[]>`
      select id from task where kind = 'WRITE' and state = 'OPEN' and cardinality(subject) = 1`
    const gone = open.filter((t) => !wanted.has(t.id)).map((t) => t.id)
    await closeTasks(tx, gone, 'its reason is gone')
    await openTasks(tx, rules, reasons)
  })
}

function waitingText(source: string, type: string, reason: WaitingReason): string {
  if (reason === 'WAITING_APPROVAL')
    return `writes of ${type} to ${source} wait for approval: approve or hold them`
  return reason === 'HELD_BY_PERSON'
    ? `writes of ${type} to ${source} are held by a person, and were planned more than ${heldHoursMax} hours ago: release them, or change write: of ${source}`
    : `writes of ${type} to ${source} are held (${reason}), because too many records would change at once: look at what changed, then release or approve them`
}

/**
 * The golden record, and an id of record and reason. The latter is no record, so callers with row
 * rights see none of these tasks, as they see no write.
 */
function subjectOf(r: Pick<Stopped, 'goldenId' | 'source' | 'object' | 'sourceId' | 'code'>) {
  return [r.goldenId, recordKey(r.source, r.object, `${r.sourceId ?? r.goldenId} ${r.code}`)]
}

function taskOf(r: Parameters<typeof subjectOf>[0]): string {
  return taskId('WRITE', subjectOf(r))
}

/** Every reader of tasks sees the reason, so it quotes no details where a sensitive field is concerned. */
function reasonOf(policy: Policy, r: Stopped): string {
  const type = policy.types.find((t) => t.name === r.type)
  const hidden = type && hiddenFields(policy, type, NO_SCOPES)
  const isOpen = r.fields.every(
    (f) => f === '' || (!!hidden && !hidden.has(f) && type.fields.some((own) => own.name === f)),
  )
  const about = `${r.object} ${r.sourceId ?? `for ${r.goldenId}, which it does not have yet`}`
  const what =
    r.state === 'REFUSED'
      ? `${r.source}: a write to ${about} was refused`
      : `${r.source}: ${about} had changed ${conflictsMax} times in a row before it could be written`
  const why = isOpen && r.detail !== '' ? `${r.code}: ${r.detail}` : r.code
  return `${what} (write ${r.id}): ${why}`.slice(0, reasonCharsMax)
}
const NO_SCOPES: ReadonlySet<string> = new Set()
