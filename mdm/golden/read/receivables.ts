import type { Sql } from '../../db/database.ts'
import { Parameters, read } from '../../db/statement.ts'
import { membersOfParent } from './list.ts'
import { FLAGS } from './operationalFacts.ts'

/** What a golden customer owes in one currency, in minor units. */
export interface Receivable {
  currency: string
  openMinor: number
  overdueMinor: number
  overdueInvoices: number
  /** Due date of the oldest overdue invoice, and the days since. */
  oldestDue: string | null
  daysOverdue: number
}

/**
 * Returns what golden customers owe, over all their source records. Invoices without a currency have
 * the code "". One statement for all; customers that owe nothing are left out.
 */
export async function readReceivables(
  sql: Sql,
  ids: readonly string[],
  systems: readonly string[] | null,
): Promise<Map<string, Receivable[]>> {
  const p = new Parameters()
  const parents = p.keys(ids)
  const from = systems
    ? `and exists (select 1 from source_record s where s.id = t.record_id and s.source = any(${p.list(systems, 'text')}))`
    : ''
  const text = `select p.id as parent, coalesce(t.currency, '') as currency, coalesce(sum(t.balance_minor), 0)::float8 as "openMinor",
      coalesce(sum(t.balance_minor) filter (where ${FLAGS.Invoice.overdue}), 0)::float8 as "overdueMinor",
      count(*) filter (where ${FLAGS.Invoice.overdue})::int as "overdueInvoices",
      (min(t.due_date) filter (where ${FLAGS.Invoice.overdue}))::text as "oldestDue",
      coalesce(current_date - min(t.due_date) filter (where ${FLAGS.Invoice.overdue}), 0)::int as "daysOverdue"
    from unnest(${parents}) p (id) cross join lateral ${membersOfParent} join invoice t on t.customer = m.key
    where not t.deleted and ${FLAGS.Invoice.open} ${from}
    group by p.id, 2 order by 2`
  return Map.groupBy(
    await read<Receivable & { parent: string }>(sql, text, p),
    ({ parent }) => parent,
  )
}
