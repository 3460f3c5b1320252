import type { Sql } from '../../db/database.ts'
import { Parameters, read } from '../../db/statement.ts'
import { membersOfParent } from './list.ts'

/** An entitlement or a subscription that gives a customer the use of a product. */
export interface EntitlementFound {
  /** Key of its source record. */
  record: string
  kind: 'ENTITLEMENT' | 'SUBSCRIPTION'
  /** Its last day; null without an end. */
  until: string | null
  quantity: number | null
  unit: string | null
}

/** Statuses in which nobody is entitled, in the words of source systems. */
const ENDED = `('expired', 'inactive', 'cancelled', 'canceled', 'terminated', 'suspended', 'paused', 'draft', 'void')`

/**
 * Returns what entitles golden customers to a product on a day (today if null), the longest first.
 * Without an end counts as the longest. A subscription that has an entitlement to the product is left
 * out: the entitlement says what it gives. One statement for all customers.
 */
export async function readEntitlements(
  sql: Sql,
  customers: readonly string[],
  product: string,
  on: string | null,
): Promise<Map<string, EntitlementFound[]>> {
  const p = new Parameters()
  const parents = p.keys(customers)
  const products = `(select array_agg(m.key) from (select ${p.add(product, 'uuid')} as id) p cross join lateral ${membersOfParent})`
  const day = on === null ? 'current_date' : p.add(on, 'date')
  const inForce = (t: string) =>
    `coalesce(${t}.start_date <= day.on, true) and coalesce(${t}.end_date >= day.on, true)`
  const entitles = (t: string) =>
    `not ${t}.deleted and ${t}.product = any(asked.products) and ${inForce(t)} and not coalesce(lower(${t}.status) in ${ENDED}, false)`
  const text = `with asked as (select ${products} as products), day as (select ${day} as on)
    select * from (
      select p.id as parent, r.key as record, 'ENTITLEMENT' as kind, t.end_date::text as until, t.quantity, t.unit
      from asked, day, unnest(${parents}) p (id) cross join lateral ${membersOfParent} join entitlement t on t.customer = m.key
        join source_record r on r.id = t.record_id
      where ${entitles('t')}
      union all
      select p.id, r.key, 'SUBSCRIPTION', t.end_date::text, coalesce(i.quantity, t.quantity), null
      from asked, day, unnest(${parents}) p (id) cross join lateral ${membersOfParent} join subscription t on t.customer = m.key
        join source_record r on r.id = t.record_id
        left join lateral (select sum((i ->> 'quantity')::float8) as quantity, true as found
          from jsonb_array_elements(t.items -> 'list') i where (i ->> 'product')::uuid = any(asked.products) having count(*) > 0) i on true
      where not t.deleted and (t.product = any(asked.products) or i.found) and ${inForce('t')}
        and coalesce(lower(t.status) in ('active', 'past_due', 'trialing', 'in_trial', 'trial'), false)
        and not exists (select from entitlement e where e.subscription = r.key and ${entitles('e')})) x
    order by until desc nulls first, record`
  return Map.groupBy(
    await read<EntitlementFound & { parent: string }>(sql, text, p),
    ({ parent }) => parent,
  )
}
