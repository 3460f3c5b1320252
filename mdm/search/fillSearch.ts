import type { Policy, TypePolicy } from '../../schema/policy.ts'
import type { Sql, Transaction } from '../db/database.ts'
import { lock, lockNumber } from '../db/locks.ts'
import { transaction } from '../db/transaction.ts'
import { saveSearchText } from './saveSearchText.ts'
import { searchLayout } from './searchFields.ts'

/** Golden records of one transaction: each is locked, and a change of one waits for the commit. */
const recordsPerStep = 200
const NO_ID = '00000000-0000-0000-0000-000000000000'

/** The progress of a fill: the golden type and how many of its golden records are written. */
export interface Filled {
  type: string
  done: number
}

/**
 * Writes the words of the golden records whose words are missing or were written by other rules: after
 * an update of the program, and after a policy with other fields or scopes. It can stop and run
 * again; several processes take turns step by step. Calls `onProgress` after each step. Returns how
 * many golden records it wrote.
 */
export async function fillSearch(
  sql: Sql,
  policy: Policy,
  onProgress: (sofar: Filled) => void = () => {},
): Promise<number> {
  const stale = new Set(await typesToFill(sql, policy))
  let total = 0
  for (const type of policy.types.filter((t) => stale.has(t.name))) {
    const layout = searchLayout(policy, type)
    for (let done = 0; ; ) {
      const written = await transaction(sql, (tx) => fillStep(tx, policy, type, layout))
      if (written === null) break
      done += written
      total += written
      onProgress({ type: type.name, done })
    }
  }
  return total
}

/**
 * Returns the golden types whose words are missing or were written by other rules. A type that is new
 * here has no records from before there was a search: everything is written with the present rules.
 */
export async function typesToFill(sql: Sql, policy: Policy): Promise<string[]> {
  await sql`
    insert into search_fill (type, layout, complete) select t.type, t.layout, true
    from unnest(${policy.types.map((t) => t.name)}::text[], ${policy.types.map((t) => searchLayout(policy, t))}::text[]) as t (type, layout)
    where not exists (select from search_fill f where f.type = t.type) on conflict do nothing`
  const rows = await sql<{ type: string; layout: string; complete: boolean }[]>`
    select type, layout, complete from search_fill`
  const states = new Map(rows.map((r) => [r.type, r]))
  return policy.types
    .filter((t) => {
      const state = states.get(t.name)
      return !state?.complete || state.layout !== searchLayout(policy, t)
    })
    .map((t) => t.name)
}

/** Writes the next golden records of a type. Returns how many; null if there is nothing to do. */
async function fillStep(
  tx: Transaction,
  policy: Policy,
  type: TypePolicy,
  layout: string,
): Promise<number | null> {
  const [state] = await tx<
    { layout: string; next: string; after: string | null; complete: boolean }[]
  >`
    select layout, next, after, complete from search_fill where type = ${type.name} for update`
  if (!state || (state.complete && state.layout === layout)) return null
  // A fill for another layout begins again; until it is complete, the words of the old one serve.
  const after = !state.complete && state.next === layout ? (state.after ?? NO_ID) : NO_ID
  const ids = await tx<{ id: string }[]>`
    select id from golden where type = ${type.name} and state = 'ACTIVE' and id > ${after} order by id limit ${recordsPerStep}`
  // Read under the locks that each writer of a golden record takes before it writes words.
  await lock(
    tx,
    'golden',
    ids.map((r) => lockNumber(r.id)),
  )
  const rows = await tx<{ goldenId: string; values: Record<string, unknown> }[]>`
    select id as "goldenId", values from golden
    where id = any(${ids.map((r) => r.id)}::uuid[]) and state = 'ACTIVE'`
  await saveSearchText(
    tx,
    policy,
    rows.map((r) => ({ ...r, type: type.name })),
  )
  const isLast = ids.length < recordsPerStep
  await tx`
    update search_fill set next = ${layout}, after = ${isLast ? null : (ids.at(-1)?.id ?? null)},
      complete = ${isLast}, layout = case when ${isLast} then ${layout} else layout end
    where type = ${type.name}`
  return rows.length
}
