import { ownValue } from '../../../schema/kit/dictionary.ts'
import type { Sql } from '../../db/database.ts'
import { Parameters, read } from '../../db/statement.ts'
import { membersOfParent } from './list.ts'

/** A golden contract and its customer, as billing needs them. */
export interface ContractForBilling {
  contract: string
  contractValues: Record<string, unknown>
  customer: string | null
  customerValues: Record<string, unknown> | null
  /** The source systems that hold the customer. */
  systems: string[]
}

/** Returns active golden contracts with their customers. One statement for all. */
export async function readContractsForBilling(
  sql: Sql,
  contracts: readonly string[],
): Promise<Map<string, ContractForBilling>> {
  const p = new Parameters()
  const text = `select p.id as parent, g.id as contract, g.values as "contractValues", c.id as customer, c.values as "customerValues",
      array(select distinct s.source from source_record s where s.golden_id = c.id and not s.deleted order by 1) as systems
    from unnest(${p.keys(contracts)}) p (id) cross join lateral (select m.golden_id from ${membersOfParent} limit 1) a
      join golden g on g.id = a.golden_id and g.state = 'ACTIVE' and g.type = 'Contract'
      left join source_record k on k.key = (g.values ->> 'customer')::uuid left join golden c on c.id = k.golden_id and c.state = 'ACTIVE'`
  const rows = await read<ContractForBilling & { parent: string }>(sql, text, p)
  return new Map(rows.map((row) => [row.parent, row]))
}

/** A place in the contract or its customer: `contract.number`, `customer.billingAddress.country`. */
export interface RequiredField {
  of: 'contract' | 'customer'
  field: string
  part: string | null
}

/** What billing needs if a caller names nothing else. */
export const REQUIRED_FOR_BILLING = [
  'contract.number',
  'contract.customer',
  'contract.startDate',
  'contract.currency',
  'contract.lines',
  'customer.name',
  'customer.billingAddress.street',
  'customer.billingAddress.city',
  'customer.billingAddress.country',
  'customer.paymentTerms',
] as const

/** Returns the place that a path names, or null if it is none. */
export function requiredField(path: string): RequiredField | null {
  const [, of, field, part] = /^(contract|customer)\.(\w+)(?:\.(\w+))?$/.exec(path) ?? []
  return of && field ? { of: of as RequiredField['of'], field, part: part ?? null } : null
}

/** Returns whether the place has no value: null, an empty text or an empty list. */
export function isMissing(row: ContractForBilling, { of, field, part }: RequiredField): boolean {
  const values = of === 'contract' ? row.contractValues : row.customerValues
  const value = ownValue(values ?? {}, field)
  const wanted = part === null ? value : ownValue((value ?? {}) as Record<string, unknown>, part)
  return (
    wanted === undefined ||
    wanted === null ||
    wanted === '' ||
    (Array.isArray(wanted) && wanted.length === 0)
  )
}
