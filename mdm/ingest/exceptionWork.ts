import { isDeepStrictEqual } from 'node:util'
import { storableJson } from '../../schema/storable.ts'
import type { Caller } from '../access/caller.ts'
import type { Sql, Transaction } from '../db/database.ts'
import type { SortTerm } from '../db/keyset.ts'
import type { Listing, Relation } from '../db/page.ts'

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
  const same =
    known.kind === of.kind &&
    isDeepStrictEqual(known.request, JSON.parse(JSON.stringify(of.request)))
  return same ? { answer: known.answer } : 'REUSED'
}

export async function saveWork<T>(
  tx: Transaction,
  caller: Caller,
  work: ExceptionWork<T>,
): Promise<void> {
  const [row] = await tx<{ id: number }[]>`
    insert into exception_work (kind, actor, reason, idempotency_key, request, answer, correlation_id)
    values (${work.kind}, ${caller.actor}, ${work.reason}, ${work.idempotencyKey},
      ${storableJson(work.request)}::text::jsonb, ${storableJson(work.answer)}::text::jsonb, ${caller.correlationId})
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

const columns = `w.inbox_id as "inboxId", x.kind, x.actor, x.reason, x.at, w.code, w.detail,
  w.corrected_by as "correctedBy"`
const tables = 'exception_worked w join exception_work x on x.id = w.work_id'

/** Work steps as a list. */
export const workListing: Listing = {
  from: tables,
  where: 'true',
  columns: () => columns,
  unique: { name: 'id', sql: 'x.id', type: 'bigint', nullable: false },
}

/** The work steps of the message that the parent is. */
export const workOfMessage: Relation = {
  from: tables,
  where: 'w.inbox_id = p.id',
  parent: 'bigint',
}

export const earliestWork: SortTerm[] = [{ column: workListing.unique, descending: false }]

/** Returns work steps, earliest first. */
export async function readWork(
  sql: Sql,
  inboxIds: readonly number[],
): Promise<Map<number, ExceptionStep[]>> {
  const rows = await sql.unsafe<ExceptionStep[]>(
    `select ${columns} from ${tables} where w.inbox_id = any($1::bigint[]) order by x.id`,
    [inboxIds as number[]],
  )
  return Map.groupBy(rows, (r) => r.inboxId)
}
