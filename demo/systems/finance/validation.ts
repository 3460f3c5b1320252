import countries from 'i18n-iso-countries/index.js'
import { ownValue } from '../../../schema/kit/dictionary.ts'
import { CUSTOMER_GROUPS, PAYMENT_TERMS } from './draws.ts'
import { type Entity, entityOf } from './entities.ts'
import type { Environment } from './environment.ts'
import { writeFailed } from './errors.ts'
import type { Fields } from './rules.ts'

const REQUIRED: ReadonlyMap<string, readonly string[]> = new Map([
  ['CustomersV3', ['CustomerGroupId']],
  ['ContactPersons', ['LastName']],
  ['ProductsV2', ['ProductName']],
  ['ReleasedProductsV2', ['ProductNumber']],
  ['SalesOrderHeadersV2', ['OrderingCustomerAccountNumber']],
])

/** Fields whose values are those of another table. */
const LISTED: ReadonlyMap<string, { table: string; has(value: string): boolean }> = new Map([
  [
    'CustomerGroupId',
    { table: 'Customer groups', has: (value) => CUSTOMER_GROUPS.includes(value) },
  ],
  ['PaymentTerms', { table: 'Terms of payment', has: (value) => PAYMENT_TERMS.includes(value) }],
  [
    'AddressCountryRegionId',
    { table: 'Countries/regions', has: (value) => countries.alpha3ToAlpha2(value) !== undefined },
  ],
  [
    'PrimaryAddressCountryRegionId',
    { table: 'Countries/regions', has: (value) => countries.alpha3ToAlpha2(value) !== undefined },
  ],
  ['SalesCurrencyCode', { table: 'Currencies', has: (value) => /^[A-Z]{3}$/.test(value) }],
])

/** Checks a record as the entity does before it writes. Throws `Refused`. */
export function validate(environment: Environment, entity: Entity, record: Fields): void {
  const text = (name: string) => String(ownValue(record, name) ?? '')
  const required = [...(REQUIRED.get(entity.set) ?? [])]
  if (entity.set === 'CustomersV3' && text('PartyNumber') === '')
    required.push(text('PartyType') === 'Person' ? 'PersonLastName' : 'OrganizationName')
  for (const name of required)
    if (text(name) === '')
      throw writeFailed(entity.view, `Warning: Field '${name}' must be filled in`)
  for (const [name, { table, has }] of LISTED)
    if (entity.fields.has(name) && text(name) !== '' && !has(text(name)))
      throw missing(entity, name, text(name), table)
  const reference = REFERENCES.get(entity.set)
  const value = reference && text(reference.field)
  if (!reference || value === '') return
  const key = new Map([[reference.key, value]])
  if (entityOf(reference.set)!.perCompany) key.set('dataAreaId', text('dataAreaId'))
  if (environment.idOf(entityOf(reference.set)!, Object.fromEntries(key)) === undefined)
    throw missing(entity, reference.field, value!, reference.set)
}

/** Fields that name a record of another entity. */
const REFERENCES: ReadonlyMap<string, { field: string; set: string; key: string }> = new Map([
  [
    'SalesOrderHeadersV2',
    { field: 'OrderingCustomerAccountNumber', set: 'CustomersV3', key: 'CustomerAccount' },
  ],
  ['ReleasedProductsV2', { field: 'ProductNumber', set: 'ProductsV2', key: 'ProductNumber' }],
])

const missing = ({ view }: Entity, field: string, value: string, table: string) =>
  writeFailed(
    view,
    `Warning: The value '${value}' in field '${field}' is not found in the related table '${table}'.; Warning: validateField failed on field '${view}.${field}'`,
  )
