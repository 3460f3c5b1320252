import { setOwn } from '../../../schema/kit/dictionary.ts'
import { type Received, Refused } from '../kit/exchange.ts'
import type { Environment } from './environment.ts'
import { errorReply } from './errors.ts'
import type { Fields } from './rules.ts'
import { type Column, choicesOf, findTable, GOLDEN_ID, hasGoldenId, type Table } from './tables.ts'

const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
const nameLengthMax = 160
const stringLengthMax = 250
const memoLengthMax = 2000

/** What a body sets. Columns that only Dataverse sets are ignored, and `ignored` says that. */
export interface Body {
  fields: Fields
  ignored: boolean
}

/** Lookups that lead to one table. */
const TARGETS: ReadonlyMap<string, string> = new Map([
  ['ownerid', 'systemusers'],
  ['transactioncurrencyid', 'transactioncurrencies'],
  ['parentaccountid', 'accounts'],
  ['accountid', 'accounts'],
  ['primarycontactid', 'contacts'],
  ['parentcontactid', 'contacts'],
  ['contactid', 'contacts'],
  ['originatingleadid', 'leads'],
  ['defaultpricelevelid', 'pricelevels'],
  ['pricelevelid', 'pricelevels'],
  ['productid', 'products'],
  ['parentproductid', 'products'],
  ['opportunityid', 'opportunities'],
  ['quoteid', 'quotes'],
  ['salesorderid', 'salesorders'],
  ['invoiceid', 'invoices'],
])
/** Lookups to accounts or contacts have one navigation property for each. */
const CUSTOMERS = ['customerid', 'parentcustomerid', 'billingcustomerid']

/** Returns the lookup column and the table of a navigation property. */
function navigation(table: Table, name: string): { column: Column; set: string } | undefined {
  const [, base = name, end] = /^(\w+)_(account|contact)$/.exec(name) ?? []
  const isCustomer = CUSTOMERS.includes(base)
  const column = table.columns.get(`_${base}_value`)
  const set = isCustomer ? end && `${end}s` : TARGETS.get(name)
  return column && !column.readOnly && set ? { column, set } : undefined
}

const payload = (table: Table, message: string, unknown = false) =>
  new Refused(
    errorReply(
      400,
      '0x80048d19',
      `Error identified in Payload provided by the user for Entity :'${table.set}', For more information on this error please follow this help link https://go.microsoft.com/fwlink/?linkid=2195293 ----> InnerException : ${message}`,
    ),
    unknown,
  )

export function bodyOf(environment: Environment, table: Table, request: Received): Body {
  const given = jsonOf(table, request)
  const fields: Fields = {}
  let ignored = false
  for (const [name, value] of Object.entries(given)) {
    const [, property] = /^(\w+)@odata\.bind$/.exec(name) ?? []
    if (property !== undefined) {
      const found = navigation(table, property)
      if (!found) throw invalidProperty(table, property)
      setOwn<unknown>(fields, found.column.name, bound(environment, table, found.set, value))
      continue
    }
    if (name === '@odata.etag' || name === '@odata.type') continue
    const column = table.columns.get(name)
    if (!column) throw invalidProperty(table, name)
    if (column.kind === 'lookup')
      throw new Refused(
        errorReply(
          400,
          '0x80060888',
          'CRM do not support direct update of Entity Reference properties, Use Navigation properties instead.',
        ),
      )
    if (column.readOnly && column.kind !== 'guid') ignored = true
    else setOwn(fields, name, checked(table, column, value))
  }
  return { fields, ignored }
}

const invalidProperty = (table: Table, name: string) =>
  payload(
    table,
    `Microsoft.Crm.CrmException: Invalid property '${name}' was found in entity 'Microsoft.Dynamics.CRM.${table.logical}'.`,
    true,
  )

function jsonOf(table: Table, request: Received): Fields {
  if (!request.headers['content-type']?.startsWith('application/json'))
    throw payload(table, 'The content type is not application/json.')
  try {
    const body: unknown = JSON.parse(request.body)
    if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body as Fields
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw payload(table, 'Microsoft.OData.ODataException: An unexpected token was found.')
}

/** Returns the id of the row that a reference names, by its id or its alternate key. */
function bound(environment: Environment, table: Table, set: string, value: unknown): string | null {
  if (value === null) return null
  const text = String(value)
  const [, named, inner = ''] = /^(?:https?:.*)?\/(\w+)\(([^)]+)\)$/.exec(text) ?? []
  if (typeof value !== 'string' || named !== set)
    throw payload(table, `Microsoft.OData.ODataException: "${text}" is no address of ${set}.`)
  const target = findTable(set)!
  const [, key] = /^touchstone_id='((?:[^']|'')*)'$/.exec(inner) ?? []
  const id =
    key !== undefined && hasGoldenId(target)
      ? environment.idOf(target, key.replaceAll("''", "'"))
      : inner.toLowerCase()
  const row = id === undefined ? undefined : environment.store.table(set).get(id)
  if (!row || row.deleted)
    throw new Refused(
      errorReply(404, '0x80040217', `Entity '${target.logical}' With Id = ${inner} Does Not Exist`),
    )
  return id!
}

function checked(table: Table, column: Column, value: unknown): unknown {
  const { name, kind } = column
  if (value === null || value === '') return null
  const cannot = (type: string) =>
    payload(
      table,
      `Microsoft.OData.ODataException: Cannot convert the literal '${String(value)}' to the expected type 'Edm.${type}'.`,
    )
  switch (kind) {
    case 'guid':
      if (typeof value !== 'string' || !GUID.test(value)) throw cannot('Guid')
      return value.toLowerCase()
    case 'integer':
    case 'choice':
      if (!Number.isInteger(value)) throw cannot('Int32')
      return inRange(table, column, Number(value))
    case 'decimal':
      if (typeof value !== 'number') throw cannot('Decimal')
      return value
    case 'boolean':
      if (typeof value !== 'boolean') throw cannot('Boolean')
      return value
    case 'date':
      if (!/^\d{4}-\d\d-\d\d$/.test(String(value)) || Number.isNaN(Date.parse(String(value))))
        throw cannot('Date')
      return value
    case 'datetime':
      if (typeof value !== 'string' || Number.isNaN(Date.parse(value)))
        throw cannot('DateTimeOffset')
      return value
    default: {
      if (typeof value !== 'string') throw cannot('String')
      const max =
        kind === 'memo' ? memoLengthMax : name === 'name' ? nameLengthMax : stringLengthMax
      if (value.length <= max) return value
      const message = `A validation error occurred. The length of the '${name}' attribute of the '${table.logical}' entity exceeded the maximum allowed length of '${max}'.`
      throw new Refused(errorReply(400, '0x80044331', message))
    }
  }
}

function inRange(table: Table, { name, kind }: Column, value: number): number {
  const accepted = kind === 'choice' ? choicesOf(table, name) : undefined
  if (!accepted || accepted.includes(value)) return value
  const message = `A validation error occurred. The value ${value} of '${name}' on record of type '${table.logical}' is outside the valid range. Accepted Values: ${accepted.join(',')}`
  throw new Refused(errorReply(400, '0x8004431a', message))
}

/** Returns the address of a row by an alternate key: `touchstone_id='…'`. */
export function keyOf(table: Table, text: string): string | undefined {
  const [, name, value] = /^(\w+)='((?:[^']|'')*)'$/.exec(text) ?? []
  if (name === undefined) return undefined
  if (name === GOLDEN_ID && hasGoldenId(table)) return value!.replaceAll("''", "'")
  throw new Refused(
    errorReply(400, '0x80060888', `The key ${name} is no key of the entity ${table.logical}.`),
    true,
  )
}
