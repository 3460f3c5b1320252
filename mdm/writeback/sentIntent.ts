import type { Json, PulledRow } from '../../connectors/connection/row.ts'
import { pageMessages } from '../connections/pageMessages.ts'
import { type RowReader, readRows } from '../connections/readRows.ts'
import type { Transaction } from '../db/database.ts'
import { confirmWritten, saveWritten, withdrawWritten } from '../echo/writtenValues.ts'
import { acceptWithin } from '../inbox/accept.ts'
import { markDue } from './due.ts'
import { conflictsMax } from './stop.ts'
import { requireTarget, type TargetLease } from './targetLease.ts'
import { mayBeHeld } from './undecided.ts'

/** An intent as the writer needs it. */
export interface SendableIntent {
  id: number
  key: string
  goldenId: string
  type: string
  object: string
  sourceId: string | null
  operation: 'CREATE' | 'UPDATE'
  state: 'PLANNED' | 'UNKNOWN'
  changes: Record<string, { before: unknown; after: unknown; paths: string[] }>
  values: Record<string, Json>
  former: Record<string, Json>
  attempts: number
  firstSentAt: Date | null
  sentAt: Date | null
}

export interface Problem {
  code: string
  detail: string
  verdict: string | null
}

/** Columns of `SendableIntent`, of the alias i. */
export const SENDABLE = `i.id, i.key, i.golden_id as "goldenId", i.type, i.object, i.source_id as "sourceId", i.operation, i.state, i.changes,
  i.values, i.former, i.attempts, i.first_sent_at as "firstSentAt", i.sent_at as "sentAt"`

/**
 * Whether an intent, of the alias i, is a plan of the present. An update that is not fails by the
 * values that it expects; a create would make a record that nobody takes away.
 */
export const IS_PRESENT = `(i.operation = 'UPDATE' or i.state <> 'PLANNED' or not exists (
  select from write_due d where d.golden_id = i.golden_id and d.due_at <= clock_timestamp()))`

/**
 * Notes that an intent is sent now, with its values, before the request leaves. Returns false where
 * a newer plan has replaced it or is about to, a person holds it, or the thing may be one of which the
 * target has a record in these objects. Throws LeaseLost.
 */
export async function beginSending(
  tx: Transaction,
  lease: TargetLease,
  intent: SendableIntent,
  objects: readonly string[],
): Promise<boolean> {
  await requireTarget(tx, lease)
  if (intent.operation === 'CREATE' && intent.state === 'PLANNED') {
    // Of two golden records that may be one thing, the second sees the create of the first.
    await tx`select pg_advisory_xact_lock(hashtextextended(${`create ${lease.source}`}, 0))`
    if (await mayBeHeld(tx, intent.goldenId, lease.source, objects)) {
      await markDue(tx, [intent.goldenId])
      return false
    }
  }
  const rows = await tx.unsafe(
    `update write_intent i set state = 'SENT', attempts = attempts + 1, sent_at = clock_timestamp(), not_before = null,
       first_sent_at = coalesce(first_sent_at, clock_timestamp()), key = $1::uuid, code = null, detail = null, verdict = null
     where id = $2 and state = $3 and ${IS_PRESENT} returning 1`,
    [intent.key, intent.id, intent.state],
  )
  if (rows.length === 0) return false
  const { id, goldenId, object, sourceId, values } = intent
  await saveWritten(tx, { intentId: id, goldenId, source: lease.source, object, sourceId, values })
  return true
}

/** Ends an intent that the system has applied. `isOurs`: the values there are those that were sent. */
export async function endDone(
  tx: Transaction,
  lease: TargetLease,
  intent: SendableIntent,
  id: string,
  isOurs: boolean,
): Promise<void> {
  await requireTarget(tx, lease)
  await end(tx, intent, 'DONE', null)
  await tx`update write_intent set source_id = ${id} where id = ${intent.id}`
  if (isOurs) {
    const { goldenId, object, sourceId, values } = intent
    const { source } = lease
    // A write that was put back and came late after all has its values no more.
    await saveWritten(tx, { intentId: intent.id, goldenId, source, object, sourceId, values })
    await confirmWritten(tx, intent.id, id)
  } else await withdrawWritten(tx, intent.id)
  // What refers to a new record waits for it, and a plan since then did not know it.
  if (intent.operation === 'CREATE' || !isOurs) await markDue(tx, [intent.goldenId])
}

/** Ends an intent that the system refused. A person decides what comes of it. */
export async function endRefused(
  tx: Transaction,
  lease: TargetLease,
  intent: SendableIntent,
  problem: Problem,
): Promise<void> {
  await requireTarget(tx, lease)
  await end(tx, intent, 'REFUSED', problem)
  await withdrawWritten(tx, intent.id)
  await markDue(tx, [intent.goldenId])
}

/**
 * Ends an intent whose record has changed since it was planned. It is planned again, later each
 * time, and not before the message that states the record as it is now: a plan without it would be in
 * conflict again. After the last time a person decides.
 */
export async function endConflict(
  tx: Transaction,
  lease: TargetLease,
  intent: SendableIntent,
  problem: Problem,
  stated: number | null,
): Promise<void> {
  await requireTarget(tx, lease)
  const before = await tx<{ state: string }[]>`
    select state from write_intent
    where source = ${lease.source} and object = ${intent.object} and coalesce(source_id, golden_id::text) = ${intent.sourceId ?? intent.goldenId}
      and id < ${intent.id} and state in ('DONE', 'CONFLICT') and not (released_at is not null and actor is not null)
    order by id desc limit ${conflictsMax}`
  const first = before.findIndex((r) => r.state !== 'CONFLICT')
  const conflicts = 1 + (first < 0 ? before.length : first)
  await end(tx, intent, 'CONFLICT', problem)
  await tx`update write_intent set conflicts = ${conflicts} where id = ${intent.id}`
  await withdrawWritten(tx, intent.id)
  const ms = conflictPauseMs * 4 ** (conflicts - 1)
  await markDue(tx, [intent.goldenId], { ms, inboxId: stated })
}
const conflictPauseMs = 2_000

/** Puts an intent back that was certainly not applied. With another key the system takes it as new. */
export async function putBack(
  tx: Transaction,
  lease: TargetLease,
  intent: SendableIntent,
  problem: Problem,
  notBefore: number,
): Promise<void> {
  await requireTarget(tx, lease)
  await withdrawWritten(tx, intent.id)
  const rows = await tx`
    select 1 from write_intent o join write_intent i on i.id = ${intent.id}
    where o.source = i.source and o.object = i.object and o.id <> i.id
      and coalesce(o.source_id, o.golden_id::text) = coalesce(i.source_id, i.golden_id::text)
      and o.state in ('SHADOW', 'PLANNED', 'WAITING', 'WAITING_APPROVAL', 'HELD')`
  // A newer plan of the record waits already, so this one is not needed any more.
  if (rows.length > 0) {
    await tx`delete from write_intent where id = ${intent.id}`
    await markDue(tx, [intent.goldenId])
    return
  }
  await tx`
    update write_intent set state = 'PLANNED', key = gen_random_uuid(), code = ${problem.code}, detail = ${problem.detail},
      verdict = ${problem.verdict}, not_before = ${new Date(notBefore)}
    where id = ${intent.id}`
  await markDue(tx, [intent.goldenId])
}

/** Notes that nobody knows whether an intent was applied. The system is asked at `notBefore`. */
export async function noteUnknown(
  tx: Transaction,
  lease: TargetLease,
  intent: SendableIntent,
  problem: Problem,
  notBefore: number,
): Promise<void> {
  await requireTarget(tx, lease)
  await tx`
    update write_intent set state = 'UNKNOWN', code = ${problem.code}, detail = ${problem.detail}, verdict = ${problem.verdict},
      not_before = ${new Date(notBefore)}
    where id = ${intent.id}`
}

/**
 * Puts the record as it was read into the inbox: it is the system's own statement. Returns the id of
 * the message; null where it was stated before.
 */
export async function stateRow(
  tx: Transaction,
  source: string,
  reader: RowReader,
  row: PulledRow,
): Promise<number | null> {
  const correlationId = crypto.randomUUID()
  const messages = await pageMessages(tx, readRows(source, reader, [row]), {
    ...{ source, reader, again: correlationId, correlationOf: () => correlationId },
    lastInboxId: Number.MAX_SAFE_INTEGER,
  })
  const { lastId } = await acceptWithin(tx, messages, { measured: false })
  return lastId
}

async function end(
  tx: Transaction,
  intent: SendableIntent,
  state: 'DONE' | 'CONFLICT' | 'REFUSED',
  problem: Problem | null,
): Promise<void> {
  await tx`
    update write_intent set state = ${state}, ended_at = clock_timestamp(), code = ${problem?.code ?? null},
      detail = ${problem?.detail ?? null}, verdict = ${problem?.verdict ?? null}, not_before = null
    where id = ${intent.id}`
}
