import { isDeepStrictEqual } from 'node:util'
import { storableJson } from '../../schema/storable.ts'
import type { Caller } from '../access/caller.ts'
import type { Transaction } from '../db/database.ts'

/**
 * Returns the earlier result of this idempotency key: null if there is none, REUSED if the key
 * belongs to another request of this caller. Requests with one key run in turn.
 */
export async function answeredBefore<T>(
  tx: Transaction,
  { actor }: Caller,
  idempotencyKey: string,
  request: object,
): Promise<{ answer: T } | 'REUSED' | null> {
  await tx`select pg_advisory_xact_lock(hashtextextended(${`writes ${actor} ${idempotencyKey}`}, 0))`
  const [known] = await tx<{ request: unknown; answer: T }[]>`
    select request, answer from write_request where actor = ${actor} and idempotency_key = ${idempotencyKey}`
  if (!known) return null
  const isSame = isDeepStrictEqual(known.request, JSON.parse(JSON.stringify(request)))
  return isSame ? { answer: known.answer } : 'REUSED'
}

/** Stores the result of a request under its key. */
export async function saveAnswer(
  tx: Transaction,
  { actor }: Caller,
  idempotencyKey: string,
  request: object,
  answer: object,
): Promise<void> {
  await tx`
    insert into write_request (actor, idempotency_key, request, answer)
    values (${actor}, ${idempotencyKey}, ${storableJson(request)}::text::jsonb, ${storableJson(answer)}::text::jsonb)`
}
