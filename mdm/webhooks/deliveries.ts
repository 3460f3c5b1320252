import type { Sql, Transaction } from '../db/database.ts'

export const DELIVERY_STATES = ['DELIVERED', 'RETRYING', 'DEAD', 'REPLAY'] as const
export type DeliveryState = (typeof DELIVERY_STATES)[number]

/** One event that an endpoint was sent; what is said of an attempt is said of the last one. */
export interface DeliveryRow {
  webhook: string
  position: number
  goldenId: string
  version: number
  state: DeliveryState
  attempts: number
  status: number | null
  error: string | null
  response: string | null
  durationMs: number | null
  firstAt: Date | null
  lastAt: Date
  nextAt: Date | null
}

/** All that is given must hold. Positions and times include their ends. */
export interface DeliveryFilter {
  webhook?: string | null
  states?: readonly DeliveryState[] | null
  goldenId?: string | null
  /** These deliveries: endpoint and position. */
  places?: readonly (readonly [webhook: string, position: number])[] | null
  fromPosition?: number | null
  toPosition?: number | null
  from?: string | null
  to?: string | null
}

/** Deliveries that one replay asks for at most. */
export const replaysMax = 10_000

function condition(sql: Sql | Transaction, f: DeliveryFilter) {
  return sql`true
    ${f.webhook ? sql`and webhook = ${f.webhook}` : sql``}
    ${f.states ? sql`and state = any(${f.states as string[]}::text[])` : sql``}
    ${f.goldenId ? sql`and golden_id = ${f.goldenId}` : sql``}
    ${
      f.places
        ? sql`and (webhook, position) in (select * from unnest(${f.places.map((p) => p[0])}::uuid[],
            ${f.places.map((p) => p[1])}::bigint[]))`
        : sql``
    }
    ${f.fromPosition ? sql`and position >= ${f.fromPosition}` : sql``}
    ${f.toPosition ? sql`and position <= ${f.toPosition}` : sql``}
    ${f.from ? sql`and last_at >= ${f.from}::text::timestamptz` : sql``}
    ${f.to ? sql`and last_at <= ${f.to}::text::timestamptz` : sql``}`
}

/** Latest events first; `after` is the last row of the page before. */
export async function readDeliveries(
  sql: Sql,
  filter: DeliveryFilter,
  limit: number,
  after: readonly [position: number, webhook: string] | null,
): Promise<DeliveryRow[]> {
  return await sql<DeliveryRow[]>`
    select webhook, position, golden_id as "goldenId", version, state, attempts, status, error, response,
      duration_ms as "durationMs", first_at as "firstAt", last_at as "lastAt",
      (select p.next_at from webhook_parked p
       where p.webhook = d.webhook and p.golden_id = d.golden_id and p.position = d.position) as "nextAt"
    from webhook_delivery d
    where ${condition(sql, filter)}
      ${after ? sql`and (position, webhook) < (${after[0]}, ${after[1]}::uuid)` : sql``}
    order by position desc, webhook desc
    limit ${limit}`
}

/** Has these sent again, oldest first, as if for the first time. Answers how many. */
export async function markReplays(tx: Transaction, webhook: string, filter: DeliveryFilter): Promise<number> {
  const rows = await tx`
    update webhook_delivery set state = 'REPLAY', attempts = 0, first_at = null
    where webhook = ${webhook} and position in (
      select position from webhook_delivery
      where ${condition(tx, { ...filter, webhook })} and state in ('DEAD', 'DELIVERED')
      order by position
      limit ${replaysMax})`
  return rows.count
}

/** Rows removed in one statement, so that none is long. */
const batchRowsMax = 5_000

/** Lets the log of what was delivered before `delivered`, and of what died before `dead`, go. */
export async function expireDeliveries(sql: Sql, delivered: Date, dead: Date, signal: AbortSignal): Promise<void> {
  for (;;) {
    const rows = await sql`
      delete from webhook_delivery where (webhook, position) in (
        select webhook, position from webhook_delivery
        where last_at < ${delivered} and (state = 'DELIVERED' or state = 'DEAD' and last_at < ${dead})
        limit ${batchRowsMax})`
    if (rows.count < batchRowsMax || signal.aborted) return
  }
}

/** Drops what an endpoint answered from its log. */
export async function forgetResponses(tx: Transaction, webhook: string): Promise<void> {
  await tx`update webhook_delivery set response = null where webhook = ${webhook} and response is not null`
}
