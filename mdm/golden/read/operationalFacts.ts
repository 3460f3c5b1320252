import { ownValue } from '../../../schema/kit/dictionary.ts'
import type { OperationalType } from '../../../schema/operational.ts'

/** Statuses in which an invoice is settled, whatever balance it shows. */
const SETTLED =
  "('draft', 'paid', 'paid in full', 'void', 'voided', 'cancelled', 'canceled', 'uncollectible', 'rejected')"
/** Statuses of an invoice without a balance that mean an open amount. */
const EXPECTED = "('open', 'unpaid', 'past_due', 'overdue', 'partially_paid')"

const open = `case when lower(t.status) in ${SETTLED} then false when t.balance_minor is not null then t.balance_minor > 0
  else coalesce(lower(t.status) in ${EXPECTED}, false) end`
const overdue = `(${open} and coalesce(t.due_date < current_date, false))`
/** A trial pays nothing yet and does not count. */
const active = `(coalesce(lower(t.status) in ('active', 'past_due'), false)
  and coalesce(t.start_date <= current_date, true) and coalesce(t.end_date >= current_date, true))`

/** Boolean facts of operational objects, as SQL over the table `t`. */
export const FLAGS = {
  Opportunity: { open: '(not coalesce(t.is_closed, false))' },
  Subscription: { active },
  Invoice: { open, overdue },
} as const satisfies Partial<Record<OperationalType, Record<string, string>>>

export function flagsOf(type: OperationalType): Record<string, string> {
  return ownValue<Record<string, string>>(FLAGS, type) ?? {}
}

/**
 * Yearly charge: that of the items, which may have different intervals; without items the amount of
 * an interval times intervals per year. Null for an unknown interval.
 */
export const annualMinor = `case when t.items is not null then (t.items ->> 'annualMinor')::float8 else round(t.amount_minor * case lower(t.interval) when 'day' then 365 when 'week' then 52
  when 'month' then 12 when 'quarter' then 4 when 'year' then 1 end::numeric / greatest(coalesce(t.interval_count, 1), 1))::float8 end`
