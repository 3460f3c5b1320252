import type { webhookDelivery } from '../../schema/tables/webhook.ts'
import type { Sql, Transaction } from '../db/database.ts'
import type { SortTerm } from '../db/keyset.ts'
import { type Listing, listPage } from '../db/page.ts'
import { type Condition, Parameters, read } from '../db/statement.ts'

export type DeliveryState = (typeof webhookDelivery.$inferSelect)['state']
export const DELIVERY_STATES = [
  'DELIVERED',
  'RETRYING',
  'DEAD',
  'REPLAY',
] as const satisfies readonly DeliveryState[]

/** One event sent to an endpoint; attempt fields describe the last attempt. */
export type DeliveryRow = typeof webhookDelivery.$inferSelect & { nextAt: Date | null }

/** All set conditions must hold. Positions and times include their ends. */
export interface DeliveryFilter {
  webhook?: string | null
  states?: readonly DeliveryState[] | null
  goldenId?: string | null
  /** These deliveries: endpoint and position. */
  places?: readonly (readonly [webhook: string, position: number])[] | null
  /** These deliveries: endpoint, golden id and version. */
  versions?: readonly (readonly [webhook: string, goldenId: string, version: number])[] | null
  fromPosition?: number | null
  toPosition?: number | null
  from?: string | null
  to?: string | null
}

/** Upper bound of the deliveries of one replay. */
export const replaysMax = 10_000

export function deliveryCondition(f: DeliveryFilter): Condition {
  return (p) => {
    const where = ['true']
    if (f.webhook) where.push(`d.webhook = ${p.add(f.webhook, 'uuid')}`)
    if (f.states) where.push(`d.state = any(${p.list(f.states, 'text')})`)
    if (f.goldenId) where.push(`d.golden_id = ${p.add(f.goldenId, 'uuid')}`)
    if (f.places) {
      const webhooks = p.list(
        f.places.map(([webhook]) => webhook),
        'uuid',
      )
      const positions = p.list(
        f.places.map(([, position]) => String(position)),
        'bigint',
      )
      where.push(`(d.webhook, d.position) in (select * from unnest(${webhooks}, ${positions}))`)
    }
    if (f.versions) {
      const [webhooks, goldenIds, versions] = [0, 1, 2].map((n) =>
        p.list(f.versions?.map((v) => String(v[n])) ?? [], n < 2 ? 'uuid' : 'bigint'),
      )
      where.push(
        `(d.webhook, d.golden_id, d.version) in (select * from unnest(${webhooks}, ${goldenIds}, ${versions}))`,
      )
    }
    if (f.fromPosition) where.push(`d.position >= ${p.add(f.fromPosition, 'bigint')}`)
    if (f.toPosition) where.push(`d.position <= ${p.add(f.toPosition, 'bigint')}`)
    if (f.from) where.push(`d.last_at >= ${p.add(f.from, 'timestamptz')}`)
    if (f.to) where.push(`d.last_at <= ${p.add(f.to, 'timestamptz')}`)
    return where.join(' and ')
  }
}

/** The delivery log as a list. */
export const deliveryListing: Listing = {
  from: 'webhook_delivery d',
  where: 'true',
  columns:
    () => `d.webhook, d.position, d.golden_id as "goldenId", d.version, d.state, d.attempts, d.status, d.error,
    d.response, d.duration_ms as "durationMs", d.first_at as "firstAt", d.last_at as "lastAt",
    (select w.next_at from webhook_parked w
     where w.webhook = d.webhook and w.golden_id = d.golden_id and w.position = d.position) as "nextAt"`,
  unique: { name: 'webhook', sql: 'd.webhook', type: 'uuid', nullable: false },
}

/** Latest events first; walks (position, webhook). */
export const latestDeliveries: SortTerm[] = [
  {
    column: { name: 'position', sql: 'd.position', type: 'bigint', nullable: false },
    descending: true,
  },
  { column: deliveryListing.unique, descending: true },
]

/** Returns the latest deliveries that pass a filter. */
export async function readDeliveries(
  sql: Sql,
  filter: DeliveryFilter,
  limit: number,
): Promise<DeliveryRow[]> {
  const request = {
    order: latestDeliveries,
    condition: deliveryCondition(filter),
    backward: false,
    limit,
  }
  return (await listPage<DeliveryRow>(sql, deliveryListing, request)).rows
}

/** Marks deliveries for replay, oldest first, as if for the first time. Returns their number. */
export async function markReplays(
  tx: Transaction,
  webhook: string,
  filter: DeliveryFilter,
): Promise<number> {
  const p = new Parameters()
  const text = `with marked as (
      update webhook_delivery set state = 'REPLAY', attempts = 0, first_at = null
      where webhook = ${p.add(webhook, 'uuid')} and position in (
        select d.position from webhook_delivery d
        where ${deliveryCondition({ ...filter, webhook })(p)} and d.state in ('DEAD', 'DELIVERED')
        order by d.position
        limit ${replaysMax})
      returning 1)
    select count(*)::float8 as count from marked`
  return (await read<{ count: number }>(tx, text, p))[0]?.count ?? 0
}

/** Rows removed in one statement, so that none is long. */
const batchRowsMax = 5_000

/**
 * Removes log rows of events delivered before `delivered`, and of events that died before `dead`.
 */
export async function expireDeliveries(
  sql: Sql,
  delivered: Date,
  dead: Date,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    const rows = await sql`
      delete from webhook_delivery where (webhook, position) in (
        select webhook, position from webhook_delivery
        where last_at < ${delivered} and (state = 'DELIVERED' or state = 'DEAD' and last_at < ${dead})
        limit ${batchRowsMax})`
    if (rows.count < batchRowsMax || signal.aborted) return
  }
}

/** Removes an endpoint's response bodies from its log. */
export async function forgetResponses(tx: Transaction, webhook: string): Promise<void> {
  await tx`update webhook_delivery set response = null where webhook = ${webhook} and response is not null`
}
