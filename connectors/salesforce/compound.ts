import { isMap } from '../mapping/rule.ts'

const ADDRESS_PARTS = [
  'Street',
  'City',
  'State',
  'StateCode',
  'PostalCode',
  'Country',
  'CountryCode',
  'GeocodeAccuracy',
  'Latitude',
  'Longitude',
]
const NAME_PARTS = ['Salutation', 'FirstName', 'MiddleName', 'InformalName', 'LastName', 'Suffix']
/** Objects whose Name is the name of a person, with parts. A business account has a plain text. */
const PERSONS = new Set(['Account', 'Contact', 'Lead'])
/** The compound addresses of standard objects, by what precedes `Address`. */
const ADDRESSES = new Set([
  'Billing',
  'Shipping',
  'Mailing',
  'Other',
  'PersonMailing',
  'PersonOther',
  '',
])

/**
 * Returns the columns of rows that a field of a change event states: `BillingAddress` with its
 * parts is BillingStreet, BillingCity and others. With `whole` it states the compound field as a
 * whole, so each part that the value lacks is null.
 */
export function columnsOf(
  object: string,
  field: string,
  value: unknown,
  whole: boolean,
): [column: string, value: unknown][] {
  const known = partsOf(object, field, value)
  if (!known) return [[field, value]]
  const given = isMap(value) ? Object.entries(value) : []
  const stated = given.map(([part, v]): [string, unknown] => [columnOf(field, part), v])
  if (value !== null && !isMap(value)) stated.push([field, value])
  if (!whole) return stated
  const columns = new Map(known.map((part): [string, unknown] => [columnOf(field, part), null]))
  // Rows have the full name as a column; beside new parts the old one would be wrong. An address
  // that is not one of the standard ones may be a plain text: IpAddress, FromAddress.
  if (field === 'Name' || !ADDRESSES.has(prefixOf(field))) columns.set(field, null)
  for (const [column, v] of stated) columns.set(column, v)
  return [...columns]
}

/** Returns the column of a part that a change event names, such as `BillingAddress.City`. */
export function columnOfPart(name: string): string {
  const dot = name.indexOf('.')
  return dot < 0 ? name : columnOf(name.slice(0, dot), name.slice(dot + 1))
}

/** Returns the parts of a compound field; null for any other. Custom fields are never split. */
function partsOf(object: string, field: string, value: unknown): readonly string[] | null {
  if (field === 'Name') return PERSONS.has(object) || isMap(value) ? NAME_PARTS : null
  return field.endsWith('Address') ? ADDRESS_PARTS : null
}

function columnOf(compound: string, part: string): string {
  const known = compound === 'Name' ? NAME_PARTS : ADDRESS_PARTS
  const name = known.find((p) => p.toLowerCase() === part.toLowerCase())
  if (compound === 'Name') return name ?? part
  return name !== undefined && compound.endsWith('Address')
    ? prefixOf(compound) + name
    : `${compound}.${part}`
}

function prefixOf(address: string): string {
  return address.slice(0, -'Address'.length)
}
