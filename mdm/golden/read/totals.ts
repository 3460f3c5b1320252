import type { Sql } from '../../db/database.ts'
import { Parameters, read } from '../../db/statement.ts'
import { membersOfParent } from './list.ts'
import { annualMinor, FLAGS } from './operationalFacts.ts'

/** Sums in one currency, in minor units. */
export interface BillingSum {
  currency: string
  openMinor: number
  overdueMinor: number
  openInvoices: number
  overdueInvoices: number
  annualMinor: number
  activeSubscriptions: number
}

const members = `cross join lateral ${membersOfParent}`

/**
 * Returns what golden customers owe and their yearly charges, by currency, over the invoices and
 * subscriptions of all their members, or only of those from `systems`. Amounts without a currency
 * are in no sum. One statement for all.
 */
export async function readBillingSums(
  sql: Sql,
  ids: readonly string[],
  systems: readonly string[] | null,
): Promise<Map<string, BillingSum[]>> {
  const p = new Parameters()
  const parents = p.keys(ids)
  // The row's own source record is read only if its system matters.
  const from = systems
    ? `and exists (select 1 from source_record s where s.id = t.record_id and s.source = any(${p.list(systems, 'text')}))`
    : ''
  const text = `select parent, currency, sum(open)::float8 as "openMinor", sum(overdue)::float8 as "overdueMinor",
      sum(opens)::float8 as "openInvoices", sum(overdues)::float8 as "overdueInvoices",
      sum(annual)::float8 as "annualMinor", sum(active)::float8 as "activeSubscriptions"
    from (
      select p.id as parent, t.currency, t.balance_minor as open, case when ${FLAGS.Invoice.overdue} then t.balance_minor end as overdue,
        1 as opens, (${FLAGS.Invoice.overdue})::int as overdues, 0 as annual, 0 as active
      from unnest(${parents}) p (id) ${members} join invoice t on t.customer = m.key
      where not t.deleted and ${FLAGS.Invoice.open} ${from}
      union all
      select p.id, t.currency, 0, 0, 0, 0, ${annualMinor}, 1
      from unnest(${parents}) p (id) ${members} join subscription t on t.customer = m.key
      where not t.deleted and ${FLAGS.Subscription.active} ${from}
    ) x where currency is not null group by parent, currency order by currency`
  return grouped(await read<BillingSum & { parent: string }>(sql, text, p))
}

/**
 * Postings of one account of one legal entity in one currency, in minor units; debit positive,
 * credit negative.
 */
export interface LedgerSum {
  account: string | null
  legalEntity: string | null
  currency: string
  balanceMinor: number
  debitMinor: number
  creditMinor: number
  postings: number
}

/**
 * Returns the postings of golden customers over all their members; only postings from `from` to
 * `to`, days included.
 */
export async function readLedgerSums(
  sql: Sql,
  ids: readonly string[],
  from: string | null,
  to: string | null,
): Promise<Map<string, LedgerSum[]>> {
  const p = new Parameters()
  const parents = p.keys(ids)
  const since = from ? `and t.posting_date >= ${p.add(from, 'date')}` : ''
  const until = to ? `and t.posting_date <= ${p.add(to, 'date')}` : ''
  const text = `select p.id as parent, t.account, t.legal_entity as "legalEntity", t.currency,
      sum(t.amount_minor)::float8 as "balanceMinor",
      coalesce(sum(t.amount_minor) filter (where t.amount_minor > 0), 0)::float8 as "debitMinor",
      coalesce(-sum(t.amount_minor) filter (where t.amount_minor < 0), 0)::float8 as "creditMinor",
      count(*)::float8 as postings
    from unnest(${parents}) p (id) ${members} join posting t on t.customer = m.key
    where not t.deleted and t.amount_minor is not null and t.currency is not null ${since} ${until}
    group by p.id, t.account, t.legal_entity, t.currency order by t.account, t.legal_entity, t.currency`
  return grouped(await read<LedgerSum & { parent: string }>(sql, text, p))
}

function grouped<Row extends { parent: string }>(rows: Row[]): Map<string, Row[]> {
  const byParent = new Map<string, Row[]>()
  for (const row of rows) {
    const known = byParent.get(row.parent)
    if (known) known.push(row)
    else byParent.set(row.parent, [row])
  }
  return byParent
}
