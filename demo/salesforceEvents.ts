import { ownValue, setOwn } from '../schema/kit/dictionary.ts'
import type { Draft, WorldContext } from './draft.ts'
import { type Random, random } from './random.ts'
import { ownerId, type SalesforceObject } from './salesforceIds.ts'

export type Fields = Record<string, unknown>
type ChangeType = 'CREATE' | 'UPDATE' | 'DELETE' | 'UNDELETE'

const addressParts = ['Street', 'City', 'State', 'PostalCode', 'Country', 'CountryCode']
const compounds = ['BillingAddress', 'ShippingAddress', 'MailingAddress']
const nameParts = ['Salutation', 'FirstName', 'LastName']
/** Fields of the REST row that a change event does not carry. */
const restOnly = new Set(['attributes', 'Id', 'IsDeleted', 'SystemModstamp', 'Owner', 'Name'])

/** Returns the path of a REST field in a change event: [compound, part] or [field]. */
function place(field: string): [string] | [string, string] {
  if (nameParts.includes(field)) return ['Name', field]
  for (const compound of compounds) {
    const prefix = compound.replace('Address', '')
    if (field.startsWith(prefix) && addressParts.includes(field.slice(prefix.length)))
      return [compound, field.slice(prefix.length)]
  }
  return [field]
}

/**
 * Returns a change data capture event of one record, as JSON. `fields` are those of the REST row;
 * null ones are listed in nulledFields.
 */
export function changeEvent(
  world: WorldContext,
  event: {
    object: SalesforceObject
    id: string
    type: ChangeType
    at: number
    sequence: number
    fields: Fields
  },
): Draft {
  const { object, id, type, at, sequence } = event
  const draw = random(world.seed, 'cdc', id, at, type)
  const body: Record<string, unknown> = {}
  const changedFields: string[] = []
  const nulledFields: string[] = []
  const personal = 'LastName' in event.fields
  for (const [field, value] of Object.entries(event.fields)) {
    if (field === 'Name' && !personal) {
      body.Name = value
      if (type === 'UPDATE') changedFields.push('Name')
      continue
    }
    if (restOnly.has(field)) continue
    const [outer, part] = place(field)
    if (type === 'UPDATE') changedFields.push(part === undefined ? outer : `${outer}.${part}`)
    if (value === null) {
      if (type === 'UPDATE') nulledFields.push(part === undefined ? outer : `${outer}.${part}`)
      continue
    }
    const whole = ownValue(body, outer) as Fields | undefined
    setOwn(body, outer, part === undefined ? value : { ...whole, [part]: value })
  }
  if (type === 'CREATE') body.CreatedDate = new Date(at).toISOString()
  if (type === 'UNDELETE')
    body.CreatedDate = new Date(String(event.fields.CreatedDate)).toISOString()
  if (type !== 'DELETE') body.LastModifiedDate = new Date(at).toISOString()
  if (type === 'UPDATE' && !changedFields.includes('LastModifiedDate'))
    changedFields.push('LastModifiedDate')
  const value = {
    schema: draw.token(22),
    payload: {
      ChangeEventHeader: {
        entityName: object,
        recordIds: [id],
        changeType: type,
        changeOrigin: draw.chance(0.8)
          ? 'com/salesforce/api/rest/66.0'
          : 'com/salesforce/api/soap/66.0;client=DataLoader',
        transactionKey: uuid(draw),
        sequenceNumber: 1,
        commitTimestamp: at,
        commitNumber: at * 1000 + (sequence % 1000),
        commitUser: ownerId(draw.between(0, 11)),
        nulledFields,
        diffFields: [],
        changedFields,
      },
      ...body,
    },
    event: { replayId: sequence, EventUuid: uuid(draw) },
  }
  return { object, format: 'events', value }
}

/** Draws a version 4 UUID. */
function uuid(draw: Random): string {
  let hex = ''
  while (hex.length < 32)
    hex += Math.floor(draw.next() * 0x1_0000_0000)
      .toString(16)
      .padStart(8, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

const ofTheRow = new Set(['SystemModstamp', 'LastModifiedDate'])

/**
 * Returns the fields of `after` that differ from `before`; nested ones (attributes, Owner) never
 * differ.
 */
export function changed(before: Fields, after: Fields): Fields {
  return Object.fromEntries(
    Object.entries(after).filter(
      ([field, value]) =>
        !ofTheRow.has(field) &&
        ownValue(before, field) !== value &&
        (value === null || typeof value !== 'object'),
    ),
  )
}
