import { annualMinor, FLAGS } from '../golden/read/operationalFacts.ts'
import type { CheckName, ReconcileSettings } from './settings.ts'

/** What a check compares, and how its statement finds the differences. */
export interface Check {
  /** A sentence that states what should hold. */
  holds: string
  /** The operational or golden type whose owner looks after the differences. */
  type: string
  /**
   * Returns the SELECT of the differences. $1 are the names of ERP systems, $2 of billing systems,
   * $3 the days that a difference may exist before it counts, $4 and $5 the compared pairs: billing
   * systems and, at the same places, their ledgers. Columns: `key` (what the difference is about, the
   * same in every run), `record` (the key of the source record to look at), `source`, `customer`
   * (golden id), `amount_minor`, `currency`, `day`, `entity`, `detail`.
   */
  differences: string
  /** Returns why the check cannot run in this installation, or null. */
  unusable?: (settings: ReconcileSettings) => string | null
}

/** The parameters of every statement, so that each may use those that it needs. */
const GIVEN = `given as (select $1::text[] as ledgers, $2::text[] as billing, $3::int as days,
  $4::text[] as pair_billing, $5::text[] as pair_ledger)`
/** Statuses of an invoice, credit or payment that nobody expects in a ledger. */
const NOT_ISSUED = `coalesce(lower(t.status) in ('draft', 'void', 'voided', 'cancelled', 'canceled', 'rejected', 'deleted', 'pending approval'), false)`
const COLLECTED = `coalesce(lower(t.status) in ('succeeded', 'paid', 'deposited', 'not deposited', 'processed', 'success', 'applied', 'completed', 'posted', 'cleared'), t.status is null)`
/** The source record of a row, and the golden record of its customer. */
const ROW = `join source_record r on r.id = t.record_id left join source_record c on c.key = t.customer`
const common = (amount: string, day: string, entity = 'null::text') =>
  `r.key::text as key, r.key as record, r.source, c.golden_id as customer, ${amount}::float8 as amount_minor, t.currency,
   ${day} as day, ${entity} as entity`
/** Invoices of all systems by number and customer: the same invoice in two systems agrees in both. */
const NUMBERED = `numbered as (
  select t.number, c.golden_id as customer, r.source, r.key, t.total_minor, t.currency, t.issue_date
  from invoice t ${ROW} where not t.deleted and t.number is not null and c.golden_id is not null and not ${NOT_ISSUED})`
const needsPairs = ({ compare }: ReconcileSettings) =>
  compare.length > 0
    ? null
    : 'no billing system is compared with a ledger: name pairs in `compare:` of config/reconcile.yaml'

export const CHECKS: Record<CheckName, Check> = {
  INVOICE_NOT_POSTED: {
    holds: 'Each issued invoice of an ERP system has postings.',
    type: 'Posting',
    differences: `with ${GIVEN}
      select ${common('t.total_minor', 't.issue_date')}, 'Invoice ' || coalesce(t.number, r.source_id) || ' has no posting.' as detail
      from given, invoice t ${ROW}
      where not t.deleted and r.source = any(given.ledgers) and not ${NOT_ISSUED} and coalesce(t.total_minor, 0) <> 0
        and t.issue_date <= current_date - given.days
        and not exists (select from posting p where p.invoice = r.key and not p.deleted)`,
  },
  POSTING_WITHOUT_INVOICE: {
    holds: 'Each posting of an invoice refers to an invoice that exists.',
    type: 'Posting',
    differences: `with ${GIVEN}
      select ${common('t.amount_minor', 't.posting_date', 't.legal_entity')},
        'The posting on ' || coalesce(t.account, 'no account') || case when i.record_id is null
          then ' refers to an invoice that is not stored.' else ' refers to an invoice that was deleted.' end as detail
      from given, posting t ${ROW} left join source_record ir on ir.key = t.invoice left join invoice i on i.record_id = ir.id
      where not t.deleted and t.invoice is not null and t.posting_date <= current_date - given.days
        and (i.record_id is null or i.deleted)`,
  },
  INVOICE_NOT_IN_LEDGER: {
    holds:
      'Each issued invoice of a compared billing system is in its ledger, by number and customer.',
    type: 'Invoice',
    unusable: needsPairs,
    differences: `with ${GIVEN}, ${NUMBERED}
      select ${common('t.total_minor', 't.issue_date')},
        'Invoice ' || coalesce(t.number, r.source_id) || ' is not in ' || pair.ledger || '.' as detail
      from given cross join lateral unnest(given.pair_billing, given.pair_ledger) as pair (billing, ledger)
        join source_record r on r.source = pair.billing and r.type = 'Invoice'
        join invoice t on t.record_id = r.id left join source_record c on c.key = t.customer
        left join numbered n on n.source = pair.ledger and n.number = t.number and n.customer = c.golden_id
      where not t.deleted and not ${NOT_ISSUED} and coalesce(t.total_minor, 0) <> 0
        and t.issue_date <= current_date - given.days and n.key is null
        and not exists (select from posting p join source_record pr on pr.id = p.record_id
          where p.invoice = r.key and not p.deleted and pr.source = pair.ledger)`,
  },
  INVOICE_DIFFERS: {
    holds: 'An invoice has the same total and currency in billing and ledger.',
    type: 'Invoice',
    unusable: needsPairs,
    differences: `with ${GIVEN}, ${NUMBERED}
      select b.key || '|' || l.key as key, b.key as record, b.source, b.customer,
        case when b.currency = l.currency then b.total_minor - l.total_minor else b.total_minor end::float8 as amount_minor,
        b.currency, b.issue_date as day, null::text as entity,
        'Invoice ' || b.number || ' has another ' || case when b.currency is distinct from l.currency then 'currency' else 'total' end
          || ' in ' || l.source || '.' as detail
      from given cross join lateral unnest(given.pair_billing, given.pair_ledger) as pair (billing, ledger)
        join numbered b on b.source = pair.billing join numbered l on l.source = pair.ledger and l.number = b.number and l.customer = b.customer
      where (b.total_minor, b.currency) is distinct from (l.total_minor, l.currency)
        and greatest(b.issue_date, l.issue_date) <= current_date - given.days`,
  },
  PAYMENT_NOT_APPLIED: {
    holds: 'Each payment that arrived pays an invoice.',
    type: 'Payment',
    differences: `with ${GIVEN}
      select ${common('t.amount_minor', 't.paid_on')}, case when t.invoice is null
          then 'The payment ' || r.source_id || ' is applied to no invoice.'
          else 'The payment ' || r.source_id || ' pays an invoice that is not stored.' end as detail
      from given, payment t ${ROW} left join source_record ir on ir.key = t.invoice left join invoice i on i.record_id = ir.id and not i.deleted
      where not t.deleted and ${COLLECTED} and coalesce(t.amount_minor, 0) > 0 and t.paid_on <= current_date - given.days
        and i.record_id is null`,
  },
  CONTRACT_NOT_BILLED: {
    holds:
      'Each contract in force has an active subscription, or an invoice of the last twelve months.',
    type: 'Contract',
    differences: `with ${GIVEN}, billed as (
        select distinct r.golden_id from subscription t join source_record r on r.key = t.contract
        where not t.deleted and ${FLAGS.Subscription.active} and r.golden_id is not null
        union
        select distinct r.golden_id from invoice t join source_record r on r.key = t.contract
        where not t.deleted and not ${NOT_ISSUED} and t.issue_date > current_date - 366 and r.golden_id is not null)
      select g.id::text as key, g.id as record, null::text as source, c.golden_id as customer,
        (g.values #>> '{value,minorUnits}')::float8 as amount_minor, coalesce(g.values #>> '{value,currency}', g.values ->> 'currency') as currency,
        (g.values ->> 'startDate')::date as day, null::text as entity,
        'Contract ' || coalesce(g.values ->> 'number', g.id::text) || ' is in force, and has neither an active subscription nor an invoice of the last twelve months.' as detail
      from given, golden g left join lateral (select (g.values ->> 'customer')::uuid as golden_id) c on true
      where g.type = 'Contract' and g.state = 'ACTIVE' and g.values ->> 'status' = 'ACTIVE'
        and (g.values ->> 'startDate')::date <= current_date - given.days
        and coalesce((g.values ->> 'endDate')::date >= current_date, true)
        and not exists (select from billed b where b.golden_id = g.id)`,
  },
  USAGE_NOT_BILLED: {
    holds: 'Usage of a month that is over is on an invoice of its subscription.',
    type: 'UsageRecord',
    differences: `with ${GIVEN}, months as (
        select t.subscription, t.meter, date_trunc('month', t.day)::date as month, min(t.record_id) as record_id,
          min(t.customer::text)::uuid as customer, sum(t.quantity) as quantity, min(t.unit) as unit
        from usage_record t, given
        where not t.deleted and t.quantity <> 0
          and t.day < date_trunc('month', current_date - given.days)::date
        group by 1, 2, 3)
      select concat_ws('|', coalesce(t.subscription::text, r.key::text), t.meter, t.month) as key, coalesce(t.subscription, r.key) as record, r.source,
        c.golden_id as customer, null::float8 as amount_minor, null::text as currency, t.month as day, null::text as entity,
        trim(trailing '.' from trim(trailing '0' from round(t.quantity::numeric, 6)::text)) || ' ' || coalesce(t.unit, 'units') || ' of '
          || coalesce(t.meter, 'no meter') || ' in ' || to_char(t.month, 'YYYY-MM')
          || case when t.subscription is null then ' name no subscription.' else ' are on no invoice.' end as detail
      from given, months t join source_record r on r.id = t.record_id left join source_record c on c.key = t.customer
        left join source_record sr on sr.key = t.subscription left join subscription s on s.record_id = sr.id
      where (s.items is null or exists (select from jsonb_array_elements(s.items -> 'list') i where i ->> 'metered' = 'true'))
        and not exists (select from invoice i where i.subscription = t.subscription and not i.deleted
          and i.issue_date >= (t.month + interval '1 month')::date and i.issue_date < (t.month + interval '3 months')::date)`,
  },
  WON_NOT_ORDERED: {
    holds:
      'Each won opportunity leads to an order, a quote with an order, or a contract or subscription that begins afterwards.',
    type: 'Opportunity',
    differences: `with ${GIVEN}
      select ${common('t.amount_minor', 't.close_date')}, 'The opportunity "' || coalesce(t.name, r.source_id) || '" was won, and nothing was ordered.' as detail
      from given, opportunity t ${ROW}
      where not t.deleted and t.is_won and t.close_date <= current_date - given.days
        and not exists (select from sales_order o where o.opportunity = r.key and not o.deleted)
        and not exists (select from quote q join source_record qr on qr.id = q.record_id
          join sales_order o on o.quote = qr.key and not o.deleted where q.opportunity = r.key and not q.deleted)
        and not exists (select from subscription s join source_record sc on sc.key = s.customer
          where sc.golden_id = c.golden_id and not s.deleted and coalesce(s.start_date >= t.close_date - 31, false))
        and not exists (select from golden g where g.values ->> 'customer' = c.golden_id::text and g.values ? 'customer'
          and g.state = 'ACTIVE' and g.type = 'Contract' and coalesce((g.values ->> 'startDate')::date >= t.close_date - 31, false))`,
  },
  CUSTOMER_UNKNOWN: {
    holds: 'Invoices, active subscriptions and payments have a customer with a golden record.',
    type: 'Customer',
    differences: `with ${GIVEN}
      ${(
        [
          ['invoice', 'Invoice', 't.total_minor', 't.issue_date', `not ${NOT_ISSUED}`],
          ['subscription', 'Subscription', annualMinor, 't.start_date', FLAGS.Subscription.active],
          ['payment', 'Payment', 't.amount_minor', 't.paid_on', COLLECTED],
        ] as const
      )
        .map(
          ([table, name, amount, day, when]) => `
      select ${common(amount, day)}, '${name} ' || r.source_id || case when t.customer is null then ' names no customer.'
          else ' names a customer that has no golden record.' end as detail
      from given, ${table} t ${ROW}
      where not t.deleted and c.golden_id is null and ${when} and r.updated_at < now() - make_interval(days => given.days)`,
        )
        .join(' union all ')}`,
  },
  NOT_ARRIVED: {
    holds: 'What changed reaches the ERP and billing systems that are written to.',
    type: 'Customer',
    differences: `with ${GIVEN}
      select w.source || '|' || w.object || '|' || w.golden_id as key, w.golden_id as record, w.source, w.golden_id as customer,
        null::float8 as amount_minor, null::text as currency, min(w.planned_at)::date as day, null::text as entity,
        w.type || ' did not reach ' || w.source || ': ' || string_agg(distinct lower(replace(w.state, '_', ' '))
          || coalesce(' (' || w.code || ')', ''), ', ') || '.' as detail
      from given, write_intent w
      where w.source = any(given.ledgers || given.billing) and w.state not in ('DONE', 'SHADOW') and w.released_at is null
        and w.planned_at < now() - make_interval(days => given.days)
        and not exists (select from write_intent n where n.golden_id = w.golden_id and n.source = w.source and n.object = w.object
          and n.source_id is not distinct from w.source_id and n.id > w.id and n.state = 'DONE')
      group by w.source, w.object, w.golden_id, w.type`,
  },
}
