import type { Sql, Transaction } from '../db/database.ts'
import type { SortTerm } from '../db/keyset.ts'
import type { Listing } from '../db/page.ts'
import type { Condition } from '../db/statement.ts'
import type { CheckName } from './settings.ts'

/** A difference that is open. */
export interface DifferenceRow {
  check: CheckName
  key: string
  record: string | null
  source: string | null
  customer: string | null
  amountMinor: number | null
  currency: string | null
  day: string | null
  entity: string | null
  detail: string
  firstSeen: Date
  lastSeen: Date
}

/** A filter. All given parts must match; an empty list matches nothing. */
export interface DifferenceFilter {
  checks?: readonly string[] | null
  sources?: readonly string[] | null
  customer?: string | null
  legalEntities?: readonly string[] | null
  currencies?: readonly string[] | null
  /** The day that it is about, from and to, both included. */
  from?: string | null
  to?: string | null
}

const columns = `d.check_name as "check", d.key, d.record, d.source, d.customer, d.amount_minor as "amountMinor", d.currency,
  d.day::text as day, d.entity, d.detail, d.first_seen as "firstSeen", d.last_seen as "lastSeen"`

/** All open differences, as a list. */
export const differenceListing: Listing = {
  from: 'reconcile_difference d',
  where: 'd.cleared_at is null',
  columns: () => columns,
  unique: {
    name: 'place',
    sql: `(d.check_name || ' ' || d.key)`,
    type: 'text',
    nullable: false,
  },
}

/** The latest found first. */
export const latestDifferences: SortTerm[] = [
  {
    column: { name: 'firstSeen', sql: 'd.first_seen', type: 'timestamptz', nullable: false },
    descending: true,
  },
  { column: differenceListing.unique, descending: false },
]

export function differenceCondition(filter: DifferenceFilter): Condition {
  return (p) => {
    const where = ['true']
    if (filter.checks) where.push(`d.check_name = any(${p.list(filter.checks, 'text')})`)
    if (filter.sources) where.push(`d.source = any(${p.list(filter.sources, 'text')})`)
    // A malformed id belongs to nothing.
    if (typeof filter.customer === 'string')
      where.push(`d.customer::text = ${p.add(filter.customer.toLowerCase(), 'text')}`)
    if (filter.legalEntities) where.push(`d.entity = any(${p.list(filter.legalEntities, 'text')})`)
    if (filter.currencies) where.push(`d.currency = any(${p.list(filter.currencies, 'text')})`)
    if (filter.from) where.push(`d.day >= ${p.add(filter.from, 'date')}`)
    if (filter.to) where.push(`d.day <= ${p.add(filter.to, 'date')}`)
    return where.join(' and ')
  }
}

/** Sums of differences of one check in one period, legal entity and currency. */
export interface DifferenceSum {
  check: CheckName
  /** YYYY-MM; null without a day. */
  period: string | null
  entity: string | null
  currency: string | null
  differences: number
  amountMinor: number
}

const sumsMax = 1_000

/** Returns the sums of open differences by check, month, legal entity and currency, the latest month first. */
export async function differenceSums(sql: Sql): Promise<DifferenceSum[]> {
  return await sql<DifferenceSum[]>`
    select check_name as "check", to_char(day, 'YYYY-MM') as period, entity, currency, count(*)::int as differences,
      coalesce(sum(abs(amount_minor)), 0)::float8 as "amountMinor"
    from reconcile_difference where cleared_at is null
    group by 1, 2, 3, 4 order by 2 desc nulls last, 1, 3, 4 limit ${sumsMax}`
}

/** The result of a run, as it was stored. */
export interface RunRow {
  check: CheckName
  at: Date
  skipped: string | null
  open: number
  found: number
  cleared: number
  ms: number
  amounts: Record<string, number>
}

/** Returns the last run of each check, and of each day before it the last one, oldest first. */
export async function readRuns(sql: Sql, days: number): Promise<RunRow[]> {
  return await sql<RunRow[]>`
    select distinct on (check_name, at::date) check_name as "check", at, skipped, open, found, cleared, ms, amounts
    from reconcile_run where at > now() - make_interval(days => ${days})
    order by check_name, at::date, at desc`
}

/** Returns how many differences the last run of each check left open. */
export async function openDifferences(
  sql: Sql | Transaction,
): Promise<{ check: CheckName; open: number }[]> {
  return await sql<{ check: CheckName; open: number }[]>`
    select distinct on (check_name) check_name as "check", open from reconcile_run order by check_name, at desc`
}
