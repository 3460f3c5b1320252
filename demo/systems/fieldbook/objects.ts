import {
  absent,
  choice,
  date,
  type Fields,
  fieldsOf,
  flag,
  integer,
  list,
  number,
  object,
  orNull,
  pattern,
  type Shape,
  text,
} from './shapes.ts'

export type ObjectName = 'organizations' | 'people' | 'deals'

/** A type of record, with the fields that users and the API may write. */
export interface RecordType {
  name: ObjectName
  /** The type in deletions and events. */
  singular: string
  idPrefix: string
  fields: Fields
}

const country = pattern('a country code', /^[A-Z]{2}$/)
const currency = pattern('a currency code', /^[A-Z]{3}$/)

const address = object({
  line1: text(),
  line2: orNull(text()),
  city: text(),
  region: orNull(text()),
  postal_code: orNull(text()),
  country,
})

const taxRegistration = object({
  country,
  kind: choice('vat', 'national', 'other'),
  number: text(40),
})

const membership = object({ id: text(), role: orNull(text()), primary: absent(false, flag) })

const lineItem = object({
  id: orNull(text()),
  sku: orNull(text()),
  name: text(),
  quantity: integer(1),
  unit_minor: integer(),
})

/** Adds what all types have. `custom` has the fields that the account defines. */
const fields = (own: Record<string, Shape>, custom: Record<string, Shape>): Fields =>
  fieldsOf({ external_id: orNull(text(64)), ...own, custom: absent({}, object(custom)) })

export const recordTypes: readonly RecordType[] = [
  {
    ...{ name: 'organizations', singular: 'organization', idPrefix: 'org_' },
    fields: fields(
      {
        name: text(),
        legal_name: orNull(text()),
        status: absent('prospect', choice('prospect', 'customer', 'former')),
        industry: orNull(text()),
        employee_count: orNull(integer(0)),
        website: orNull(text()),
        email: orNull(text()),
        phone: orNull(text()),
        addresses: absent({}, object({ billing: orNull(address), shipping: orNull(address) })),
        tax_registrations: absent([], list(taxRegistration, 0, 20)),
      },
      { segment: orNull(text()), credit_limit: orNull(number), master_id: orNull(text()) },
    ),
  },
  {
    ...{ name: 'people', singular: 'person', idPrefix: 'per_' },
    fields: fields(
      {
        given_name: orNull(text()),
        family_name: text(),
        email: orNull(text()),
        phone: orNull(text()),
        job_title: orNull(text()),
        organizations: list(membership, 1, 50),
      },
      { newsletter: orNull(flag), master_id: orNull(text()) },
    ),
  },
  {
    ...{ name: 'deals', singular: 'deal', idPrefix: 'deal_' },
    fields: fields(
      {
        name: text(),
        organization_id: text(),
        stage: absent('open', choice('open', 'proposal', 'negotiation', 'won', 'lost')),
        amount: orNull(object({ minor: integer(), currency })),
        close_date: orNull(date),
        line_items: absent([], list(lineItem, 0, 100)),
      },
      { forecast: orNull(text()) },
    ),
  },
]

export const recordTypeOf: ReadonlyMap<string, RecordType> = new Map(
  recordTypes.map((type) => [type.name, type]),
)

/** Fields that Fieldbook sets. */
export const readOnly: ReadonlySet<string> = new Set(['id', 'revision', 'created_at', 'updated_at'])
