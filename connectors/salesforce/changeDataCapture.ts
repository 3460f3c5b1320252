import { changesOf } from '../changesOf.ts'
import { MessageError, type RecordChange } from '../contract.ts'
import type { Mapping } from '../mapping/compileMapping.ts'

type Fields = Record<string, unknown>

const ADDRESS_PARTS = [
  'Street',
  'City',
  'State',
  'PostalCode',
  'Country',
  'CountryCode',
  'StateCode',
  'GeocodeAccuracy',
  'Latitude',
  'Longitude',
]
const NAME_PARTS = ['Salutation', 'FirstName', 'MiddleName', 'LastName', 'Suffix']

/**
 * Reads a change event into one change for each of its records. Compound fields
 * (`BillingAddress.City`) become the columns of rows (`BillingCity`), so that parts which change at
 * different times are merged one by one. An UPDATE is partial; CREATE and UNDELETE are whole. A GAP
 * event only reports that something changed: it is an exception until the record is loaded again.
 */
export function changeDataCapture(
  mapping: Mapping,
  header: Fields,
  payload: Fields,
): RecordChange[] {
  const object = String(header.entityName ?? '')
  const change = String(header.changeType ?? '')
  const ids = (Array.isArray(header.recordIds) ? header.recordIds : []).map(String)
  const firstId = ids[0]
  if (change.startsWith('GAP_'))
    throw new MessageError(
      'GAP',
      `${change}: Salesforce could not send the changes of ${ids.join(', ') || object}; load these records again`,
      {
        object,
        ...(firstId ? { sourceId: mapping.idForm(firstId) } : {}),
      },
    )
  if (ids.length === 0)
    throw new MessageError(
      'MISSING_ID',
      'ChangeEventHeader.recordIds is empty: it must name a record',
      { object },
    )
  const version = versionOf(header, object)
  switch (change) {
    case 'CREATE':
    case 'UNDELETE':
      return ids.flatMap((id) =>
        changesOf(
          mapping,
          object,
          { Id: id, ...columns(payload, header) },
          { id, version, deleted: false },
        ),
      )
    case 'UPDATE':
      return ids.flatMap((id) =>
        changesOf(mapping, object, columns(payload, header), {
          id,
          version,
          deleted: false,
          partial: true,
        }),
      )
    case 'DELETE':
      return ids.flatMap((id) =>
        changesOf(mapping, object, {}, { id, version, deleted: true, partial: true }),
      )
    default:
      throw new MessageError(
        'UNKNOWN_CHANGE',
        `changeType is "${change}"; allowed are CREATE, UPDATE, DELETE, UNDELETE and GAP_*`,
        { object },
      )
  }
}

/**
 * Returns the commit time in microseconds. Changes of one transaction share their commit time, so
 * the sequence number fills the digits below the millisecond.
 */
function versionOf(header: Fields, object: string): bigint {
  const ms = Number(header.commitTimestamp)
  if (!Number.isSafeInteger(ms) || ms <= 0)
    throw new MessageError(
      'INVALID_VERSION',
      `ChangeEventHeader.commitTimestamp is ${JSON.stringify(header.commitTimestamp)}; it must be milliseconds since 1970`,
      {
        object,
        field: 'commitTimestamp',
      },
    )
  const sequence = Number(header.sequenceNumber ?? 0)
  return (
    BigInt(ms) * 1000n +
    BigInt(Number.isInteger(sequence) ? Math.min(Math.max(sequence, 0), 999) : 0)
  )
}

/**
 * Returns the payload as columns. A field that an UPDATE names as changed but does not carry was
 * set to null.
 */
function columns(payload: Fields, header: Fields): Fields {
  const whole = header.changeType !== 'UPDATE'
  const changed = new Set([...names(header.changedFields), ...names(header.nulledFields)])
  // A long text may come as a difference to the text before, which cannot be applied to an unknown
  // value.
  const differences = new Set(names(header.diffFields))
  const out = new Map<string, unknown>()
  for (const [field, value] of Object.entries(payload)) {
    if (field === 'ChangeEventHeader' || differences.has(field)) continue
    for (const [column, part] of parts(field, value))
      if (part !== null || whole) out.set(column, part)
  }
  if (!whole)
    for (const field of changed) {
      if (differences.has(field)) continue
      for (const column of columnsOf(field)) if (!out.has(column)) out.set(column, null)
    }
  // Only rows carry the owner's name; beside a new OwnerId the old name would be wrong.
  if (out.has('OwnerId') && !out.has('Owner')) out.set('Owner', null)
  return Object.fromEntries(out)
}

function parts(field: string, value: unknown): [string, unknown][] {
  if (value === null || typeof value !== 'object' || Array.isArray(value) || !isCompound(field))
    return [[field, value]]
  return Object.entries(value).map(([part, v]) => [columnOf(field, part), v])
}

function columnsOf(field: string): string[] {
  const [compound = '', part] = field.split('.', 2)
  if (part !== undefined) return [columnOf(compound, part)]
  if (compound === 'Name') return ['Name']
  return isCompound(compound)
    ? ADDRESS_PARTS.slice(0, 6).map((p) => columnOf(compound, p))
    : [compound]
}

function columnOf(compound: string, part: string): string {
  if (compound === 'Name' || NAME_PARTS.includes(part)) return part
  return isCompound(compound) && ADDRESS_PARTS.includes(part)
    ? compound.slice(0, -'Address'.length) + part
    : `${compound}.${part}`
}

/**
 * BillingAddress, MailingAddress and others, a lead's Address, and a person's Name; custom fields
 * are never split.
 */
function isCompound(field: string): boolean {
  return field === 'Name' || (field.endsWith('Address') && !field.endsWith('__c'))
}

function names(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((v): v is string => typeof v === 'string') : []
}
