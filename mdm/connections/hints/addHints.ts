import type { RecordHint } from '../../../connectors/contract.ts'
import type { Sql, Transaction } from '../../db/database.ts'
import { transaction } from '../../db/transaction.ts'
import { type Accepted, accept, acceptWithin, type NewMessage } from '../../inbox/accept.ts'

/** A message of a delivery; one with hints is not stored itself. */
export interface DeliveredMessage extends NewMessage {
  hints?: readonly RecordHint[]
}

/** A record to be read, of a source system. */
export interface NewHint extends RecordHint {
  source: string
  correlationId: string
}

/** Hints of one object that are stored one by one; beyond it the object is read on at once. */
export const hintsMax = 50_000

/**
 * Stores a delivery, its messages and its hints in one transaction: all or nothing, durable on
 * return. A known message id or a known hint changes nothing but its time.
 */
export async function acceptDelivery(
  sql: Sql,
  messages: readonly DeliveredMessage[],
): Promise<Accepted> {
  if (messages.every((m) => m.hints === undefined)) return await accept(sql, messages)
  return await transaction(sql, (tx) => acceptDeliveryWithin(tx, messages))
}

/** Does what `acceptDelivery` does as a part of a transaction. */
export async function acceptDeliveryWithin(
  tx: Transaction,
  messages: readonly DeliveredMessage[],
): Promise<Accepted> {
  const plain = messages.filter((m) => m.hints === undefined)
  const hinted = messages.flatMap(({ source, correlationId, hints = [] }) =>
    hints.map((hint) => ({ ...hint, source, correlationId })),
  )
  const accepted = await acceptWithin(tx, plain)
  const fresh = await addHints(tx, hinted)
  return {
    ...accepted,
    accepted: accepted.accepted + fresh,
    duplicates: accepted.duplicates + hinted.length - fresh,
  }
}

/** Stores hints, each record once, and returns how many are new. */
export async function addHints(tx: Transaction, hints: readonly NewHint[]): Promise<number> {
  const byObject = Map.groupBy(hints, (h) => JSON.stringify([h.source, h.object]))
  let fresh = 0
  // One order for all deliveries, so that two of them do not wait for each other.
  for (const key of [...byObject.keys()].sort()) fresh += await addOf(tx, byObject.get(key) ?? [])
  return fresh
}

async function addOf(tx: Transaction, hints: readonly NewHint[]): Promise<number> {
  const [first] = hints
  if (!first) return 0
  const { source, object } = first
  const [stored] = await tx<{ isFull: boolean }[]>`
    select count(*) >= ${hintsMax} as "isFull" from (
      select from read_hint where source = ${source} and object = ${object} limit ${hintsMax}) h`
  const byId = new Map<string, NewHint>()
  for (const hint of hints) {
    const id = stored?.isFull ? '' : (hint.id ?? '')
    const gone = id !== '' && (hint.gone || byId.get(id)?.gone === true)
    byId.set(id, { ...hint, gone })
  }
  const ids = [...byId.keys()].sort()
  const of = ids.map((id) => byId.get(id))
  const rows = await tx<{ isFresh: boolean }[]>`
    insert into read_hint (source, object, id, gone, correlation_id)
    select ${source}, ${object}, h.id, h.gone::boolean, h.correlation_id
    from unnest(${ids}::text[], ${of.map((h) => String(h?.gone ?? false))}::text[], ${of.map((h) => h?.correlationId ?? first.correlationId)}::uuid[])
      as h (id, gone, correlation_id)
    on conflict (source, object, id) do update set times = read_hint.times + 1, gone = read_hint.gone or excluded.gone,
      hinted_at = clock_timestamp(), due_at = least(read_hint.due_at, clock_timestamp())
    returning xmax = 0 as "isFresh"`
  return rows.filter((r) => r.isFresh).length
}
