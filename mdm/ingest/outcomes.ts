import type { Transaction } from '../db/database.ts'
import type { Message } from './claim.ts'

/** Why a message was not simply applied: it had nothing new to say, or it could not be used. */
export interface Outcome {
  inboxId: number
  outcome: 'SKIPPED' | 'EXCEPTION'
  code: string
  detail: string
  source: string
  object: string | null
  sourceId: string | null
  field: string | null
}

export function outcomeOf(
  message: Message,
  outcome: Outcome['outcome'],
  code: string,
  detail: string,
  at: { object?: string | undefined; sourceId?: string | undefined; field?: string | undefined },
): Outcome {
  return {
    inboxId: message.inboxId,
    outcome,
    code,
    detail,
    source: message.source,
    object: at.object ?? message.object,
    sourceId: at.sourceId ?? null,
    field: at.field ?? null,
  }
}

/**
 * One outcome a message, though it may hold several records: an exception of any part is the message's; it is skipped
 * only when no part of it said anything new. `parts` is how many records each message named.
 */
export function perMessage(outcomes: Outcome[], parts: ReadonlyMap<number, number>): Outcome[] {
  return [...Map.groupBy(outcomes, (o) => o.inboxId)].flatMap(([inboxId, all]) => {
    const exception = all.find((o) => o.outcome === 'EXCEPTION')
    if (exception) return [exception]
    return all.length < (parts.get(inboxId) ?? 1) ? [] : all.slice(0, 1)
  })
}

const detailCharsMax = 2_000

export async function saveOutcomes(tx: Transaction, outcomes: Outcome[]): Promise<void> {
  if (outcomes.length === 0) return
  await tx`
    insert into outcome (inbox_id, outcome, code, detail, source, object, source_id, field)
    select * from unnest(${outcomes.map((o) => o.inboxId)}::bigint[], ${outcomes.map((o) => o.outcome)}::text[],
      ${outcomes.map((o) => o.code)}::text[], ${outcomes.map((o) => o.detail.slice(0, detailCharsMax))}::text[],
      ${outcomes.map((o) => o.source)}::text[], ${outcomes.map((o) => o.object)}::text[],
      ${outcomes.map((o) => o.sourceId)}::text[], ${outcomes.map((o) => o.field)}::text[])
    on conflict (inbox_id) do update set outcome = excluded.outcome, code = excluded.code, detail = excluded.detail, at = clock_timestamp()`
}

/** A record that was waiting for its required fields has become whole: what it waited with is settled. */
export async function settleIncomplete(
  tx: Transaction,
  records: { source: string; object: string; sourceId: string }[],
): Promise<void> {
  if (records.length === 0) return
  await tx`
    delete from outcome o using unnest(${records.map((r) => r.source)}::text[], ${records.map((r) => r.object)}::text[],
      ${records.map((r) => r.sourceId)}::text[]) as r (source, object, source_id)
    where o.outcome = 'EXCEPTION' and o.code = 'INCOMPLETE'
      and o.source = r.source and o.object = r.object and o.source_id = r.source_id`
}
