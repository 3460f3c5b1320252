import type { Random } from '../../random.ts'
import { dayMs, type Written } from '../kit/store.ts'
import type { Table } from '../kit/table.ts'
import type { Writer } from '../kit/writes.ts'
import { seconds } from './records.ts'

type Fields = Record<string, unknown>

/** Events are listed for 90 days. */
export const eventsKeptMs = 90 * dayMs

const CREATED: ReadonlyMap<string, string> = new Map([['invoice', 'invoice_generated']])
const UPDATED: ReadonlyMap<string, string> = new Map([
  ['customer', 'customer_changed'],
  ['subscription', 'subscription_changed'],
])

/** Returns undefined for contacts: their changes are changes of the customer. */
function typeOf({ object, action, record, before }: Written): string | undefined {
  if (object === 'contact') return undefined
  if (action === 'created') return CREATED.get(object) ?? `${object}_created`
  if (action === 'deleted') return `${object}_deleted`
  if (object === 'subscription' && record.status === 'cancelled' && before?.status !== 'cancelled')
    return 'subscription_cancelled'
  return UPDATED.get(object) ?? `${object}_updated`
}

export const API_KEY_NAME = 'touchstone'

/** Who made a write, as an event states it. */
const SOURCES: ReadonlyMap<Writer, Fields> = new Map([
  ['user', { source: 'admin_console', user: 'clerk@seller.example' }],
  ['api', { source: 'api', user: API_KEY_NAME }],
  ['automation', { source: 'system' }],
])

/** Appends the event of a write. */
export function appendEvent(
  events: Table,
  random: Random,
  now: number,
  written: Written,
  by: Writer,
): void {
  const type = typeOf(written)
  if (type === undefined) return
  const id = `ev_${random.token(17)}`
  events.set(id, {
    id,
    occurred_at: seconds(now),
    ...SOURCES.get(by),
    object: 'event',
    api_version: 'v2',
    content: { [written.object]: written.record },
    event_type: type,
    webhook_status: 'not_configured',
  })
}
