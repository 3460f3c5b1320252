import { storable } from '../../schema/storable.ts'
import type { Transaction } from '../db/database.ts'
import type { Message } from './claim.ts'

/** Why a message was not applied: it contained nothing new, or it could not be used. */
export interface Outcome {
  inboxId: number
  outcome: 'SKIPPED' | 'EXCEPTION'
  code: string
  detail: string
  source: string
  object: string | null
  sourceId: string | null
  field: string | null
  /** True for a message that was in the queue again. */
  replay: boolean
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
    replay: message.replay,
  }
}

/**
 * Reduces outcomes to one per message, though a message may hold several records: an exception of
 * any part is the message's; it is skipped only if no part contained anything new. `parts` is the
 * number of records of each message.
 */
export function perMessage(outcomes: Outcome[], parts: ReadonlyMap<number, number>): Outcome[] {
  return [...Map.groupBy(outcomes, (o) => o.inboxId)].flatMap(([inboxId, all]) => {
    const exception = all.find((o) => o.outcome === 'EXCEPTION')
    if (exception) return [exception]
    return all.length < (parts.get(inboxId) ?? 1) ? [] : all.slice(0, 1)
  })
}

const detailCharsMax = 2_000
/**
 * The bound that connectors apply. The object is part of an index, whose row size Postgres limits.
 */
const objectCharsMax = 200

/**
 * Error texts come from anywhere: cut, and without characters that Postgres rejects, so the outcome
 * itself can be stored.
 */
const text = (value: string, charsMax: number) => storable(value.slice(0, charsMax))
const textOrNull = (value: string | null) => (value === null ? null : text(value, detailCharsMax))

export async function saveOutcomes(tx: Transaction, outcomes: Outcome[]): Promise<void> {
  if (outcomes.length === 0) return
  // A replay without anything new keeps the earlier outcome, unless that was an exception.
  const [silent, reported] = [outcomes.filter(isSilent), outcomes.filter((o) => !isSilent(o))]
  if (silent.length > 0)
    await tx`
      update outcome o set outcome = 'SKIPPED', code = s.code, detail = s.detail, at = clock_timestamp()
      from unnest(${silent.map((o) => o.inboxId)}::bigint[], ${silent.map((o) => o.code)}::text[],
        ${silent.map((o) => text(o.detail, detailCharsMax))}::text[]) as s (inbox_id, code, detail)
      where o.inbox_id = s.inbox_id and o.outcome = 'EXCEPTION'`
  if (reported.length === 0) return
  await tx`
    insert into outcome (inbox_id, outcome, code, detail, source, object, source_id, field)
    select * from unnest(${reported.map((o) => o.inboxId)}::bigint[], ${reported.map((o) => o.outcome)}::text[],
      ${reported.map((o) => o.code)}::text[], ${reported.map((o) => text(o.detail, detailCharsMax))}::text[],
      ${reported.map((o) => o.source)}::text[], ${reported.map((o) => (o.object === null ? null : text(o.object, objectCharsMax)))}::text[],
      ${reported.map((o) => textOrNull(o.sourceId))}::text[], ${reported.map((o) => textOrNull(o.field))}::text[])
    on conflict (inbox_id) do update set outcome = excluded.outcome, code = excluded.code, detail = excluded.detail,
      object = excluded.object, source_id = excluded.source_id, field = excluded.field, at = clock_timestamp()`
}

function isSilent(o: Outcome): boolean {
  return o.replay && o.outcome === 'SKIPPED'
}

/** Deletes the earlier outcomes of messages that were applied this time. */
export async function dropOutcomes(tx: Transaction, inboxIds: readonly number[]): Promise<void> {
  if (inboxIds.length > 0)
    await tx`delete from outcome where inbox_id = any(${inboxIds as number[]}::bigint[])`
}

/**
 * Settles the exceptions of records that waited for required fields and are complete now. Returns
 * the messages that are no exceptions any more.
 */
export async function settleIncomplete(
  tx: Transaction,
  records: { source: string; object: string; sourceId: string }[],
): Promise<number[]> {
  if (records.length === 0) return []
  const rows = await tx<{ id: number }[]>`
    delete from outcome o using unnest(${records.map((r) => r.source)}::text[], ${records.map((r) => r.object)}::text[],
      ${records.map((r) => r.sourceId)}::text[]) as r (source, object, source_id)
    where o.outcome = 'EXCEPTION' and o.code = 'INCOMPLETE'
      and o.source = r.source and o.object = r.object and o.source_id = r.source_id
    returning o.inbox_id as id`
  return rows.map((r) => r.id)
}
