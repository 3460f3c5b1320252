import { isDeepStrictEqual } from 'node:util'
import type { Caller } from '../access/caller.ts'
import type { Sql, Transaction } from '../db/database.ts'

export type ExceptionWorkKind = 'RETRY' | 'EDIT' | 'DISCARD'

/** One request about exceptions; `answer` is its result. */
export interface ExceptionWork<T> {
  kind: ExceptionWorkKind
  reason: string
  idempotencyKey: string
  request: object
  answer: T
  messages: readonly { inboxId: number; code: string; detail: string }[]
  /** The correcting message, if the request corrected a single one. */
  correctedBy: number | null
}

/**
 * Returns the earlier result of this idempotency key: null if there is none, REUSED if the key
 * belongs to another request. Requests with one key run in turn.
 */
export async function workedBefore<T>(
  tx: Transaction,
  caller: Caller,
  of: { kind: ExceptionWorkKind; idempotencyKey: string; request: object },
): Promise<{ answer: T } | 'REUSED' | null> {
  await tx`select pg_advisory_xact_lock(hashtextextended(${`exceptions ${caller.actor} ${of.idempotencyKey}`}, 0))`
  const [known] = await tx<{ kind: string; request: unknown; answer: T }[]>`
    select kind, request, answer from exception_work
    where actor = ${caller.actor} and idempotency_key = ${of.idempotencyKey}`
  if (!known) return null
  const same = known.kind === of.kind && isDeepStrictEqual(known.request, JSON.parse(JSON.stringify(of.request)))
  return same ? { answer: known.answer } : 'REUSED'
}

export async function saveWork<T>(tx: Transaction, caller: Caller, work: ExceptionWork<T>): Promise<void> {
  const [row] = await tx<{ id: number }[]>`
    insert into exception_work (kind, actor, reason, idempotency_key, request, answer, correlation_id)
    values (${work.kind}, ${caller.actor}, ${work.reason}, ${work.idempotencyKey},
      ${JSON.stringify(work.request)}::text::jsonb, ${JSON.stringify(work.answer)}::text::jsonb, ${caller.correlationId})
    returning id`
  await tx`
    insert into exception_worked (inbox_id, work_id, code, detail, corrected_by)
    select inbox_id, ${row?.id ?? 0}, code, detail, ${work.correctedBy}
    from unnest(${work.messages.map((m) => m.inboxId)}::bigint[], ${work.messages.map((m) => m.code)}::text[],
      ${work.messages.map((m) => m.detail)}::text[]) as m (inbox_id, code, detail)`
}

/** A work step on a message. */
export interface ExceptionStep {
  inboxId: number
  kind: ExceptionWorkKind
  actor: string
  reason: string
  at: Date
  code: string
  detail: string
  correctedBy: number | null
}

/** Returns work steps, earliest first. */
export async function readWork(sql: Sql, inboxIds: readonly number[]): Promise<Map<number, ExceptionStep[]>> {
  const rows = await sql<ExceptionStep[]>`
    select w.inbox_id as "inboxId", x.kind, x.actor, x.reason, x.at, w.code, w.detail, w.corrected_by as "correctedBy"
    from exception_worked w join exception_work x on x.id = w.work_id
    where w.inbox_id = any(${inboxIds as number[]}::bigint[]) order by x.id`
  return Map.groupBy(rows, (r) => r.inboxId)
}
