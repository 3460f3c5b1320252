import { currencyExponents } from '../../../schema/currencyExponents.ts'
import type { Transaction } from '../../db/database.ts'
import { annualMinor, FLAGS } from './operationalFacts.ts'

const codesBy = (exponent: number) =>
  [...currencyExponents].flatMap(([code, e]) => (e === exponent ? [`'${code}'`] : [])).join(', ')
/** Minor units per unit of an amount's currency. */
const perUnit = `case ${[0, 3, 4].map((e) => `when t.currency in (${codesBy(e)}) then ${10 ** e}`).join(' ')} else 100 end`

/** Units of the base currency for one unit of a currency, by its code. */
export type CurrencyRates = ReadonlyMap<string, number>

/** Multiplies an amount into the base currency. A currency without a rate counts as it is. */
function rated(rates: CurrencyRates): string {
  if (rates.size === 0) return ''
  const cases = [...rates].map(([code, rate]) => {
    if (!/^[A-Z]{3}$/.test(code)) throw new Error(`"${code}" is not a currency code`)
    return `when '${code}' then ${Number(rate)}`
  })
  return ` * (case t.currency ${cases.join(' ')} else 1 end)::float8`
}

/** Value at risk of one source record, `r.key`. */
const ofRecord = (rates: CurrencyRates) => `select sum(x.stake) from (
    select sum(t.balance_minor / ${perUnit}${rated(rates)}) as stake from invoice t
      where t.customer = r.key and not t.deleted and ${FLAGS.Invoice.open}
    union all
    select sum(${annualMinor} / ${perUnit}${rated(rates)}) from subscription t
      where t.customer = r.key and not t.deleted and ${FLAGS.Subscription.active}) x`

/**
 * Returns the value at risk: open balances plus yearly charges of active subscriptions of the
 * customers in these source records, in whole units of the base currency of `rates`. It ranks tasks
 * for stewards and is no amount of money. `groups` are keys of source records by name, for example
 * a golden id. Two index scans per source record.
 */
export async function valueAtRisk(
  tx: Transaction,
  groups: ReadonlyMap<string, readonly string[]>,
  rates: CurrencyRates,
): Promise<Map<string, number>> {
  const pairs = [...groups].flatMap(([name, keys]) => keys.map((key) => [name, key] as const))
  if (pairs.length === 0) return new Map()
  const rows = await tx.unsafe<{ name: string; stake: number }[]>(
    `select r.name, coalesce(sum((${ofRecord(rates)})), 0)::float8 as stake
     from unnest($1::text[], $2::uuid[]) as r (name, key) group by r.name`,
    [pairs.map(([name]) => name), pairs.map(([, key]) => key)],
  )
  return new Map(rows.map((r) => [r.name, r.stake]))
}

/** Returns the value at risk of stored golden records in total. */
export async function valueAtRiskOfGolden(
  tx: Transaction,
  ids: readonly string[],
  rates: CurrencyRates,
): Promise<number> {
  const [row] = await tx.unsafe<{ stake: number }[]>(
    `select coalesce(sum((${ofRecord(rates)})), 0)::float8 as stake from source_record r where r.golden_id = any($1::uuid[])`,
    [[...ids]],
  )
  return row?.stake ?? 0
}

/** Returns the currencies of the value at risk of these source records that have no rate. */
export async function loadUnratedCurrencies(
  tx: Transaction,
  keys: readonly string[],
  rates: CurrencyRates,
): Promise<string[]> {
  if (rates.size === 0 || keys.length === 0) return []
  const rows = await tx.unsafe<{ currency: string }[]>(
    `select t.currency from invoice t where t.customer = any($1::uuid[]) and not t.deleted and ${FLAGS.Invoice.open}
       and t.currency <> all($2::text[])
     union
     select t.currency from subscription t where t.customer = any($1::uuid[]) and not t.deleted and ${FLAGS.Subscription.active}
       and t.currency <> all($2::text[])`,
    [[...keys], [...rates.keys()]],
  )
  return rows.map((r) => r.currency)
}
