import { ownValue, setOwn } from '../../../schema/kit/dictionary.ts'
import type { Field, ObjectType } from './objects.ts'
import type { Org } from './org.ts'
import type { Fields } from './records.ts'

/** What Salesforce finds wrong with the fields of a record. */
export interface Problem {
  errorCode: string
  message: string
  fields: readonly string[]
  /** The model does not know the field. */
  unknown?: true
}

const stringLengthMax = 255
const textLengthMax = 32_000
const ID = /^[0-9a-zA-Z]{15}([0-9a-zA-Z]{3})?$/
const DATE = /^\d{4}-\d\d-\d\d$/
const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?(Z|[+-]\d\d:?\d\d)$/

/** Fields that a new record needs, and that no change may empty. */
const REQUIRED: ReadonlyMap<string, readonly string[]> = new Map([
  ['Account', ['Name']],
  ['Contact', ['LastName']],
  ['Lead', ['LastName', 'Company']],
  ['Product2', ['Name']],
  ['Opportunity', ['Name', 'StageName', 'CloseDate']],
  ['Contract', ['AccountId']],
  ['Order', ['AccountId', 'EffectiveDate', 'Status']],
  ['Asset', ['Name']],
  ['Entitlement', ['Name', 'AccountId']],
  ['Quote', ['Name', 'OpportunityId']],
  ['PricebookEntry', ['Pricebook2Id', 'Product2Id', 'UnitPrice']],
])

/** Fields that Salesforce makes of others, or numbers itself. */
const DERIVED: ReadonlyMap<string, readonly string[]> = new Map([
  ['User', ['Name']],
  ['Account', ['IsPersonAccount', 'LastActivityDate']],
  ['Contact', ['Name', 'LastActivityDate', 'EmailBouncedDate', 'EmailBouncedReason']],
  [
    'Lead',
    [
      ...['Name', 'IsConverted', 'ConvertedDate', 'ConvertedAccountId', 'ConvertedContactId'],
      ...['ConvertedOpportunityId', 'LastActivityDate'],
    ],
  ],
  [
    'Opportunity',
    [
      ...['IsClosed', 'IsWon', 'ForecastCategory', 'ExpectedRevenue', 'HasOpportunityLineItem'],
      ...['Fiscal', 'FiscalYear', 'FiscalQuarter', 'LastActivityDate', 'LastStageChangeDate'],
    ],
  ],
  ['Contract', ['ContractNumber', 'StatusCode', 'EndDate']],
  ['Order', ['OrderNumber', 'StatusCode', 'TotalAmount']],
  ['OrderItem', ['OrderItemNumber', 'AvailableQuantity', 'TotalPrice']],
  ['Quote', ['QuoteNumber', 'Subtotal', 'TotalPrice', 'GrandTotal', 'LineItemCount']],
  ['QuoteLineItem', ['LineNumber', 'TotalPrice', 'Subtotal']],
])

/** Fields of persons among accounts; they have a name in parts. */
const OF_PERSONS = /^(Salutation|FirstName|LastName|Person[A-Z]\w*)$/

/** Returns whether the API never sets a field. */
export const isDerived = (type: ObjectType, field: Field): boolean =>
  field.readOnly || (DERIVED.get(type.name)?.includes(field.name) ?? false)

/** Returns the problems of a write; `before` is the record that it changes. */
export function problemsOf(
  org: Org,
  type: ObjectType,
  given: Fields,
  before: Fields | undefined,
): Problem[] {
  const fields = Object.keys(given).map((name) => type.fields.get(name.toLowerCase()))
  const unknown = Object.keys(given).filter((_, at) => fields[at] === undefined)
  if (unknown.length > 0)
    return unknown.map((name) => ({
      errorCode: 'INVALID_FIELD',
      message: `No such column '${name}' on sobject of type ${type.name}`,
      fields: [],
      unknown: true,
    }))
  const values = valuesOf(type, given)
  const isPerson = before?.IsPersonAccount === true
  const closed = [...values.keys()].filter(
    (name) =>
      isDerived(type, type.fields.get(name.toLowerCase())!) ||
      (type.name === 'Account' && (isPerson ? name === 'Name' : OF_PERSONS.test(name))),
  )
  if (closed.length > 0)
    return [
      {
        errorCode: 'INVALID_FIELD_FOR_INSERT_UPDATE',
        message: `Unable to create/update fields: ${closed.join(', ')}. Please check the security settings of this field and verify that it is read/write for your profile or permission set.`,
        fields: closed,
      },
    ]
  const wrong = [...values].flatMap(([name, value]) =>
    problemOfValue(org, type.fields.get(name.toLowerCase())!, value),
  )
  if (wrong.length > 0) return wrong.slice(0, 1)
  return [...missing(type, values, before, isPerson), ...placeless(values, before)].slice(0, 1)
}

/** Returns the values of a write by the exact names of the fields. */
export const valuesOf = (type: ObjectType, given: Fields): Map<string, unknown> =>
  new Map(
    Object.entries(given).map(([name, value]) => [
      type.fields.get(name.toLowerCase())!.name,
      value === '' ? null : value,
    ]),
  )

function problemOfValue(org: Org, field: Field, value: unknown): Problem[] {
  if (value === null) return []
  const { name, kind } = field
  const fields = [name]
  const expected = kind === 'number' ? 'double' : kind
  const isRight =
    kind === 'number'
      ? typeof value === 'number'
      : kind === 'boolean'
        ? typeof value === 'boolean'
        : typeof value === 'string'
  const text = String(value)
  const form = kind === 'date' ? DATE : kind === 'datetime' ? MOMENT : undefined
  if (!isRight || (form && !(form.test(text) && !Number.isNaN(Date.parse(text)))))
    return [
      {
        errorCode: 'JSON_PARSER_ERROR',
        message: `Cannot deserialize instance of ${expected} from VALUE_${typeof value === 'object' ? 'OBJECT' : (typeof value).toUpperCase()} value ${text} or request may be missing a required field at [line:1, column:1]`,
        fields: [],
      },
    ]
  const max = kind === 'text' ? textLengthMax : stringLengthMax
  if (text.length > max)
    return [
      {
        errorCode: 'STRING_TOO_LONG',
        message: `${name}: data value too large: ${text} (max length=${max})`,
        fields,
      },
    ]
  if (kind === 'reference') return problemOfReference(org, field, text)
  if (name.endsWith('CountryCode') && !/^[A-Z]{2}$/.test(text))
    return [
      {
        errorCode: 'FIELD_INTEGRITY_EXCEPTION',
        message: `There's a problem with this country, even though it may appear correct. Please select a country/territory from the list of valid countries.: ${name}`,
        fields,
      },
    ]
  return []
}

function problemOfReference(org: Org, { name, target }: Field, id: string): Problem[] {
  const fields = [name]
  const type = target === undefined ? undefined : org.typeOfId(id)
  if (!ID.test(id) || type?.name !== target)
    return [
      { errorCode: 'MALFORMED_ID', message: `${name}: id value of incorrect type: ${id}`, fields },
    ]
  const row = org.store.table(target!).get(org.wholeId(type!, id))
  if (!row)
    return [
      { errorCode: 'INVALID_CROSS_REFERENCE_KEY', message: 'invalid cross reference id', fields },
    ]
  return row.deleted
    ? [{ errorCode: 'ENTITY_IS_DELETED', message: 'entity is deleted', fields: [] }]
    : []
}

function missing(
  type: ObjectType,
  values: ReadonlyMap<string, unknown>,
  before: Fields | undefined,
  isPerson: boolean,
): Problem[] {
  const required = isPerson ? ['LastName'] : (REQUIRED.get(type.name) ?? [])
  const empty = required.filter((name) =>
    values.has(name) ? values.get(name) === null : before === undefined,
  )
  if (empty.length === 0) return []
  const message = `Required fields are missing: [${empty.join(', ')}]`
  return [{ errorCode: 'REQUIRED_FIELD_MISSING', message, fields: empty }]
}

/** A state needs a country: the org has picklists of both. */
function placeless(values: ReadonlyMap<string, unknown>, before: Fields | undefined): Problem[] {
  const after: Fields = { ...before }
  for (const [name, value] of values) setOwn(after, name, value)
  return [...values].flatMap(([name, value]) => {
    const [, prefix] = /^(\w*?)State(Code)?$/.exec(name) ?? []
    if (prefix === undefined || value === null) return []
    const has = [`${prefix}Country`, `${prefix}CountryCode`].some(
      (country) => (ownValue(after, country) ?? null) !== null,
    )
    const message = `A country/territory must be specified before specifying a state value for field: ${name}`
    return has ? [] : [{ errorCode: 'FIELD_INTEGRITY_EXCEPTION', message, fields: [name] }]
  })
}
