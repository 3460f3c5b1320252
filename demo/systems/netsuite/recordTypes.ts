import { type Column, tableNamed } from './tables.ts'

/** A record of the REST API, and the row of SuiteQL that holds it. */
export interface RecordType {
  name: string
  table: string
  /** Columns by the names of the fields. */
  fields: ReadonlyMap<string, Column>
  /** Values of the rows of this type alone. */
  only: Readonly<Record<string, unknown>>
}

function recordType(
  name: string,
  table: string,
  fields: string,
  only: Record<string, unknown> = {},
): RecordType {
  const { columns } = tableNamed(table)
  return {
    name,
    table,
    only,
    fields: new Map(
      fields
        .split(/\s+/)
        .filter(Boolean)
        .map((field) => [field, columns.get(field.toLowerCase())!]),
    ),
  }
}

const ITEM = `itemId displayName description upcCode mpn manufacturer vendorName externalId cost
  weight isInactive subsidiary`

/** Records that the API writes here. */
export const RECORD_TYPES: readonly RecordType[] = [
  recordType(
    'customer',
    'customer',
    `entityId companyName altName salutation firstName middleName lastName email altEmail phone
      altPhone mobilePhone fax url vatRegNumber comments externalId accountNumber category
      custentity_registration_no custentity_touchstone_id creditLimit isPerson isInactive startDate
      endDate parent currency terms entityStatus subsidiary`,
  ),
  recordType(
    'contact',
    'contact',
    `entityId salutation firstName middleName lastName title email altEmail phone mobilePhone
      homePhone officePhone fax externalId comments isInactive isPrivate company subsidiary`,
  ),
  recordType('inventoryItem', 'item', ITEM, { itemtype: 'InvtPart' }),
  recordType('serviceSaleItem', 'item', ITEM, { itemtype: 'Service' }),
]

const byName = new Map(RECORD_TYPES.map((type) => [type.name, type]))
export const findRecordType = (name: string): RecordType | undefined => byName.get(name)
