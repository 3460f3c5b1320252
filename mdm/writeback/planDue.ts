import type { Sql, Transaction } from '../db/database.ts'
import { transaction } from '../db/transaction.ts'
import { DEFAULT_RULES, type StewardshipRules } from '../tasks/rules.ts'
import { IS_DUE, markDue } from './due.ts'
import { syncDuplicateTasks } from './duplicates.ts'
import { loadPlanFacts, type PlanContext } from './facts.ts'
import { planWrites } from './plan.ts'
import { type Planned, savePlans } from './savePlans.ts'
import { isFieldWritten } from './target.ts'
import { loadUndecided } from './undecided.ts'
import { syncWriteTasks } from './writeTasks.ts'

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
    const rows = await tx<{ goldenId: string; leadsTo: string | null; position: number | null }[]>`
      with taken as (
        delete from write_due where id in (
          select id from write_due d where ${tx.unsafe(IS_DUE)} order by due_at, id limit ${dueRowsMax})
        returning golden_id, position)
      -- What was created for an id that was merged counts for the golden record that it leads to.
      select t.golden_id as "goldenId", k.golden_id as "leadsTo", t.position
      from taken t left join source_record k on k.key = t.golden_id`
    if (rows.length === 0) return 0
    const due = [...new Set(rows.flatMap((r) => [r.goldenId, r.leadsTo ?? r.goldenId]))]
    const ids = [...new Set([...due, ...(await createsBeside(tx, due))])]
    await planGoldenRecords(tx, context, ids)
    await markDue(tx, [
      ...(await waitingFor(tx, ids)),
      ...(await referringTo(
        tx,
        context,
        rows.flatMap((r) => r.position ?? []),
      )),
    ])
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
  const rules = context.rules ?? DEFAULT_RULES
  await syncDuplicateTasks(tx, rules, context.targets, ids)
  await syncWriteTasks(tx, { ...context, rules }, ids)
}

/**
 * Returns golden records that may be one of these, as far as a record waits to be created for them:
 * whether it is created depends on what these have.
 */
async function createsBeside(tx: Transaction, ids: readonly string[]): Promise<string[]> {
  const beside = [...(await loadUndecided(tx, ids)).ids].filter((id) => !ids.includes(id))
  if (beside.length === 0) return []
  const rows = await tx<{ goldenId: string }[]>`
    select distinct golden_id as "goldenId" from write_intent
    where golden_id = any(${beside}::uuid[]) and operation = 'CREATE'
      and state in ('SHADOW', 'PLANNED', 'WAITING', 'WAITING_APPROVAL', 'HELD')`
  return rows.map((r) => r.goldenId)
}

/** Returns golden records that wait for a record of one of these, which their target has now. */
async function waitingFor(tx: Transaction, ids: readonly string[]): Promise<string[]> {
  const rows = await tx<{ goldenId: string }[]>`
    select distinct i.golden_id as "goldenId" from source_record k join write_intent i on i.waits_for = k.key
    where k.golden_id = any(${[...ids]}::uuid[]) and i.state in ('SHADOW', 'PLANNED', 'WAITING', 'WAITING_APPROVAL', 'HELD')
      and (exists (select from source_record s where s.golden_id = k.golden_id and s.source = i.source and not s.deleted)
        or exists (select from source_record a join write_intent d on d.golden_id = a.key
          where a.golden_id = k.golden_id and d.source = i.source and d.operation = 'CREATE' and d.state = 'DONE'))`
  return rows.map((r) => r.goldenId)
}

/**
 * Returns golden records that refer to records of those which were merged or split in these events:
 * their reference means another thing now.
 */
async function referringTo(
  tx: Transaction,
  { policy, targets }: PlanContext,
  positions: readonly number[],
): Promise<string[]> {
  const fields = policy.types.flatMap((type) =>
    type.fields.flatMap(({ kind, list, name }) => {
      const isWritten = [...targets.values()].some((t) => isFieldWritten(t, type.name, name))
      return kind === 'REFERENCE' && !list && isWritten ? [{ type: type.name, name }] : []
    }),
  )
  if (fields.length === 0 || positions.length === 0) return []
  const moved = await tx<{ key: string }[]>`
    select distinct unnest(c.members || coalesce(b.members, '{}')) as key
    from change c left join change b on b.golden_id = c.golden_id and b.version = c.version - 1
    where c.position = any(${[...positions]}::bigint[]) and c.op in ('MERGED', 'SPLIT')`
  if (moved.length === 0) return []
  const keys = `{${moved.map((m) => m.key).join(',')}}`
  const referring: string[] = []
  for (const { type, name } of fields) {
    // The name stands in the text, or no index of such a field would be used.
    const rows = await tx.unsafe<{ id: string }[]>(
      `select id from golden where (values ->> '${name}') = any($1::text[]) and state = 'ACTIVE' and values ? '${name}' and type = $2`,
      [keys, type],
    )
    referring.push(...rows.map((r) => r.id))
  }
  return referring
}
