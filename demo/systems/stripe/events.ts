import { ownValue } from '../../../schema/kit/dictionary.ts'
import type { Random } from '../../random.ts'
import { dayMs, type Written } from '../kit/store.ts'
import type { Table } from '../kit/table.ts'
import { seconds } from './records.ts'

type Fields = Record<string, unknown>

/** Events are listed and returned for 30 days. */
export const eventsKeptMs = 30 * dayMs

/** Version of the account. Bodies of events are written in it, whatever version a caller pins. */
const accountVersion = '2022-08-01'

const PREFIX: ReadonlyMap<string, string> = new Map([['subscription', 'customer.subscription']])

/** Returns the types of the events of a write. A change can have none. */
function typesOf({ object, action, record, before }: Written): string[] {
  const name = PREFIX.get(object) ?? object
  const became = (status: string) => record.status === status && before?.status !== status
  if (object === 'payment_intent') {
    if (action === 'created') return ['payment_intent.created']
    if (became('succeeded')) return ['payment_intent.succeeded']
    return became('canceled') ? ['payment_intent.canceled'] : []
  }
  // A change of a quote that keeps its status has no event.
  if (object === 'quote' && action === 'updated') {
    if (became('open')) return ['quote.finalized']
    return ['accepted', 'canceled'].filter(became).map((status) => `quote.${status}`)
  }
  if (object === 'subscription' && became('canceled') && before)
    return ['customer.subscription.deleted']
  if (object === 'invoice' && action === 'updated') {
    if (became('open')) return ['invoice.updated', 'invoice.finalized']
    if (became('paid')) return ['invoice.updated', 'invoice.paid', 'invoice.payment_succeeded']
  }
  return [`${name}.${action}`]
}

/** The request that caused an event; both are null for what users and Stripe itself do. */
export interface Cause {
  id: string | null
  idempotency_key: string | null
}

/** Appends the events of a write. A tax id has an event of its own, and its customer none. */
export function appendEvents(
  events: Table,
  random: Random,
  now: number,
  written: Written,
  request: Cause,
): void {
  const { object, record, before, action } = written
  const append = (type: string, body: Fields, previous?: Fields) => {
    const id = `evt_${random.token(24)}`
    events.set(id, {
      id,
      object: 'event',
      api_version: accountVersion,
      created: seconds(now),
      data: { object: body, ...(previous ? { previous_attributes: previous } : {}) },
      livemode: false,
      pending_webhooks: 0,
      request,
      type,
    })
  }
  if (object === 'customer' && action === 'updated' && record.tax_ids !== before?.tax_ids) {
    const [taxId] = (record.tax_ids as { data: Fields[] }).data
    append('customer.tax_id.created', { ...taxId, customer: record.id })
    return
  }
  const previous = action === 'updated' && before ? changed(before, record) : undefined
  for (const type of typesOf(written))
    append(
      type,
      inAccountVersion(object, action === 'deleted' && before ? before : record),
      previous,
    )
}

const changed = (before: Fields, record: Fields): Fields =>
  Object.fromEntries(
    Object.entries(before).filter(
      ([name, value]) => Object.hasOwn(record, name) && ownValue(record, name) !== value,
    ),
  )

/** Writes a record as the account's version has it: without fields that are newer. */
function inAccountVersion(object: string, record: Fields): Fields {
  const { tax_ids: _, ...rest } = record
  if (object === 'subscription') {
    const { items, ...subscription } = rest as { items?: { data: Fields[] } } & Fields
    const [first] = items?.data ?? []
    return {
      ...subscription,
      current_period_start: first?.current_period_start,
      current_period_end: first?.current_period_end,
      plan: { id: (first?.price as Fields | undefined)?.id, object: 'plan' },
      quantity: first?.quantity,
    }
  }
  if (object !== 'invoice') return rest
  const { parent, ...invoice } = rest as { parent?: { subscription_details: Fields } } & Fields
  return {
    ...invoice,
    subscription: parent?.subscription_details.subscription ?? null,
    paid: rest.status === 'paid',
  }
}
