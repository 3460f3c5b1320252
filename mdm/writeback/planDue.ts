import type { Sql, Transaction } from '../db/database.ts'
import { transaction } from '../db/transaction.ts'
import { DEFAULT_RULES, type StewardshipRules } from '../tasks/rules.ts'
import { markDue } from './due.ts'
import { syncDuplicateTasks } from './duplicates.ts'
import { loadPlanFacts, type PlanContext } from './facts.ts'
import { planWrites } from './plan.ts'
import { type Planned, savePlans } from './savePlans.ts'
import { isFieldWritten } from './target.ts'

export interface PlannerContext extends PlanContext {
  sql: Sql
  rules?: StewardshipRules | undefined
}

/** Due rows that one transaction takes. */
export const dueRowsMax = 500

/**
 * Plans the writes of golden records that are due, in one transaction. Returns the number of due
 * rows; null where another process plans now. One process plans at a time, so an older plan never
 * overwrites a newer one.
 */
export async function planDue(context: PlannerContext): Promise<number | null> {
  return await transaction(context.sql, async (tx) => {
    const [lock] = await tx<{ isFree: boolean }[]>`
      select pg_try_advisory_xact_lock(hashtextextended('write planner', 0)) as "isFree"`
    if (!lock?.isFree) return null
    const rows = await tx<{ goldenId: string }[]>`
      with taken as (
        delete from write_due where id in (
          select id from write_due where due_at <= clock_timestamp() order by due_at, id limit ${dueRowsMax})
        returning golden_id)
      select golden_id as "goldenId" from taken`
    if (rows.length === 0) return 0
    const ids = [...new Set(rows.map((r) => r.goldenId))]
    const survivors = await moveCreates(tx, ids)
    await planGoldenRecords(tx, context, [...new Set([...ids, ...survivors])])
    return rows.length
  })
}

/** Plans some golden records and stores the plans. */
async function planGoldenRecords(
  tx: Transaction,
  context: PlannerContext,
  ids: readonly string[],
): Promise<void> {
  // The writer takes intents by these locks, so what it sends meanwhile is known below.
  await tx`
    select id from write_intent where golden_id = any(${[...ids]}::uuid[])
      and state in ('SHADOW', 'PLANNED', 'WAITING', 'WAITING_APPROVAL', 'HELD') order by id for update`
  const facts = await loadPlanFacts(tx, context, ids)
  const planned: Planned[] = facts.goldens.flatMap((golden) =>
    [...context.targets.values()].map((target) => {
      const input = facts.inputOf(golden, target)
      return { golden, target, writes: input ? planWrites(input) : [] }
    }),
  )
  await savePlans(tx, planned)
  await syncDuplicateTasks(tx, context.rules ?? DEFAULT_RULES, context.targets, ids)
  await markReferring(tx, context, ids)
}

/**
 * Moves what was created for a golden record to the one that it merged into. Returns the survivors.
 * A create that is on its way stays where the survivor has one too; it moves when it has ended.
 */
async function moveCreates(tx: Transaction, ids: readonly string[]): Promise<string[]> {
  const rows = await tx<{ goldenId: string }[]>`
    update write_intent i set golden_id = g.redirect
    from golden g
    where i.golden_id = g.id and g.id = any(${[...ids]}::uuid[]) and g.state = 'MERGED' and i.operation = 'CREATE'
      and i.state in ('SENT', 'UNKNOWN', 'DONE') and not exists (
        select from write_intent o where o.source = i.source and o.object = i.object and o.golden_id = g.redirect
          and i.state <> 'DONE' and o.source_id is null and o.state in ('SENT', 'UNKNOWN'))
    returning i.golden_id as "goldenId"`
  return rows.map((r) => r.goldenId)
}

/**
 * Makes golden records due that wait for one of these, and those that refer to a record which has
 * moved by a merge or a split: their reference means another thing now.
 */
async function markReferring(
  tx: Transaction,
  { policy, targets }: PlanContext,
  ids: readonly string[],
): Promise<void> {
  const waiting = await tx<{ goldenId: string }[]>`
    select distinct golden_id as "goldenId" from write_intent i
    where i.waits_for = any(${[...ids]}::uuid[]) and i.state in ('SHADOW', 'PLANNED', 'WAITING', 'WAITING_APPROVAL', 'HELD')
      and exists (select from source_record s where s.golden_id = i.waits_for and s.source = i.source and not s.deleted
        union all select from write_intent d where d.golden_id = i.waits_for and d.source = i.source
          and d.operation = 'CREATE' and d.state = 'DONE')`
  const due = waiting.map((r) => r.goldenId)
  for (const type of policy.types)
    for (const field of type.fields) {
      const isWritten = [...targets.values()].some((t) => isFieldWritten(t, type.name, field.name))
      if (field.kind !== 'REFERENCE' || field.list || !isWritten) continue
      const rows = await tx<{ id: string }[]>`
        select g.id from source_record s
          join golden o on o.id = s.golden_id
          join change c on c.position = o.position and c.op in ('MERGED', 'SPLIT')
          join golden g on g.values ->> ${field.name} = s.key::text and g.type = ${type.name} and g.state = 'ACTIVE'
        where s.golden_id = any(${[...ids]}::uuid[])`
      due.push(...rows.map((r) => r.id))
    }
  await markDue(tx, due)
}
