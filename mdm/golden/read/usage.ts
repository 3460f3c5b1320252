import { type SortTerm, totalOrder } from '../../db/keyset.ts'
import { byName } from '../../db/nameOrder.ts'
import type { Listing, Relation } from '../../db/page.ts'
import type { Parameters } from '../../db/statement.ts'
import { membersOfParent } from './list.ts'

/** By what usage is summed, besides meter and unit. */
export type UsageDimension = 'DAY' | 'SUBSCRIPTION'

export interface UsageRange {
  /** Days, both included. */
  from: string
  to: string
  /** Null counts all meters. */
  meters: readonly string[] | null
  by: ReadonlySet<UsageDimension>
}

/** Sums of usage; they exist only as those of a parent. */
export const usageListing: Listing = {
  from: '(select null where false) t',
  where: 'true',
  columns: () =>
    't.meter, t.unit, t.day::text as day, t.subscription, t.quantity, t.records::float8 as records',
  unique: { name: 'sum', sql: 't.key', type: 'text', nullable: false },
}

/** The latest day first, then by meter. */
export const usageOrder: SortTerm[] = totalOrder(
  [
    { column: { name: 'day', sql: 't.day', type: 'date', nullable: true }, descending: true },
    {
      column: { name: 'meter', sql: byName('t.meter'), type: 'text', nullable: true },
      descending: false,
    },
  ],
  usageListing.unique,
)

/** The sums of a golden customer, over all its source records. */
export function usageOfCustomer(range: UsageRange): Relation {
  return sumsOf(`${membersOfParent} join usage_record u on u.customer = m.key`, 'true', range)
}

/** The sums of a subscription, by its record key. */
export function usageOfSubscription(range: UsageRange): Relation {
  return sumsOf('usage_record u', 'u.subscription = p.id', range)
}

/**
 * Sums within one parent; the index of usage_record by parent and day serves it. Quantities are added
 * as decimals: sums of floating-point numbers depend on their order.
 */
function sumsOf(
  from: string,
  where: string,
  { from: first, to, meters, by }: UsageRange,
): Relation {
  const day = by.has('DAY') ? 'u.day' : 'null::date'
  const subscription = by.has('SUBSCRIPTION') ? 'u.subscription' : 'null::uuid'
  return {
    from: (p: Parameters) => {
      const wanted = meters ? `and u.meter = any(${p.list(meters, 'text')})` : ''
      return `(select s.*, jsonb_build_array(s.meter, s.unit, s.subscription)::text collate "C" as key from (
        select ${day} as day, ${subscription} as subscription, u.meter, u.unit,
          sum(u.quantity::numeric)::float8 as quantity, count(*) as records
        from ${from}
        where ${where} and not u.deleted and u.quantity is not null
          and u.day >= ${p.add(first, 'date')} and u.day <= ${p.add(to, 'date')} ${wanted}
        group by 1, 2, 3, 4) s) t`
    },
    where: 'true',
  }
}
