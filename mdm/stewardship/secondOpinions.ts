import type { Sql, Transaction } from '../db/database.ts'

/**
 * One decision in twenty about two golden records is shown to a second steward, who does not learn
 * what the first one decided. The id of the action decides which, so nobody can choose, and nothing
 * has to be stored (ADR 0125). Ids are random.
 */
const oneIn = 20
/** Decisions that are looked through for open ones. */
const decisionsMax = 20_000
const daysOpen = 30

/** A decision of which a second opinion is wanted: the records as they were before it. */
export interface OpenOpinion {
  actionId: string
  type: string
  /** Keys of the source records of either golden record. */
  groups: [string[], string[]]
}

const sampled = (sql: Sql | Transaction) => sql`
  a.kind in ('MERGE', 'NOT_A_MATCH') and a.state in ('DONE', 'UNDONE') and jsonb_array_length(a.before) = 2
  and ('x' || left(a.id::text, 8))::bit(32)::bigint % ${oneIn} = 0`

/** Returns whether the decisions of an action are shown to a second steward. */
export function isSampled(actionId: string): boolean {
  return Number.parseInt(actionId.slice(0, 8), 16) % oneIn === 0
}

/**
 * Returns the latest sampled decisions of others on which the caller has no opinion yet, of golden types
 * that it may judge. A decision
 * that was undone is shown too: whether it was right is the question.
 */
export async function openOpinions(
  sql: Sql | Transaction,
  caller: string,
  types: readonly string[],
  count: number,
): Promise<OpenOpinion[]> {
  const rows = await sql<{ id: string; type: string; before: [string, string[]][] }[]>`
    select a.id, a.type, a.before from (
      select * from action where proposed_at > now() - ${daysOpen} * interval '1 day'
      order by proposed_at desc, id desc limit ${decisionsMax}) a
    where ${sampled(sql)} and a.actor <> ${caller} and a.type = any(${types as string[]})
      and not exists (
        select 1 from jsonb_array_elements_text(a.before -> 0 -> 1) x (key)
          cross join jsonb_array_elements_text(a.before -> 1 -> 1) y (key)
          join match_label m on m.a = least(x.key::uuid, y.key::uuid) and m.b = greatest(x.key::uuid, y.key::uuid)
        where m.actor = ${caller})
    order by a.proposed_at desc, a.id desc limit ${count}`
  return rows.map(({ id, type, before }) => ({
    actionId: id,
    type,
    groups: [before[0]?.[1] ?? [], before[1]?.[1] ?? []],
  }))
}

/**
 * Returns the latest second opinion of each other steward on the sampled decisions of the last days.
 * Who is unsure has none.
 */
export async function opinionsOn(
  sql: Sql | Transaction,
  days: number,
): Promise<{ actor: string; agrees: boolean }[]> {
  return await sql<{ actor: string; agrees: boolean }[]>`
    select actor, (answer = 'SAME') = (kind = 'MERGE') as agrees from (
      select distinct on (a.id, m.actor) a.actor, a.kind, m.answer
      from (
        select * from action where proposed_at > now() - ${days} * interval '1 day'
        order by proposed_at desc, id desc limit ${decisionsMax}) a
        cross join jsonb_array_elements_text(a.before -> 0 -> 1) x (key)
        cross join jsonb_array_elements_text(a.before -> 1 -> 1) y (key)
        join match_label m on m.a = least(x.key::uuid, y.key::uuid) and m.b = greatest(x.key::uuid, y.key::uuid)
      where ${sampled(sql)} and m.actor <> a.actor
      order by a.id, m.actor, m.id desc) latest
    where answer <> 'UNSURE'`
}
