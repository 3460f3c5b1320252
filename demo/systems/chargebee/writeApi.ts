import { ownValue } from '../../../schema/kit/dictionary.ts'
import type { Received, Reply } from '../kit/exchange.ts'
import type { Store } from '../kit/store.ts'
import { duplicate, notFound, wrongValue } from './errors.ts'
import {
  country,
  email,
  flag,
  formOf,
  integer,
  json,
  oneOf,
  type Reader,
  type Readers,
  readFields,
  text,
} from './parameters.ts'
import type { CustomerRelations } from './records.ts'

type Fields = Record<string, unknown>

const readers = (...entries: readonly (readonly [string, Reader])[]): Readers => new Map(entries)

const CUSTOMER = readers(
  ['first_name', text(150)],
  ['last_name', text(150)],
  ['email', email],
  ['phone', text(50)],
  ['company', text(250)],
  ['locale', text(50)],
  ['auto_collection', oneOf('on', 'off')],
  ['net_term_days', integer],
  ['preferred_currency_code', text(3)],
  ['meta_data', json],
  ['cf_touchstone_id', text(250)],
)
const BILLING_ADDRESS = readers(
  ['first_name', text(150)],
  ['last_name', text(150)],
  ['email', email],
  ['company', text(250)],
  ['phone', text(50)],
  ['line1', text(150)],
  ['line2', text(150)],
  ['line3', text(150)],
  ['city', text(50)],
  ['state_code', text(50)],
  ['state', text(50)],
  ['zip', text(20)],
  ['country', country],
)
const VAT = readers(['vat_number', text(20)])
const BILLING = new Map([['billing_address', BILLING_ADDRESS]])
const CONTACT = readers(
  ['id', text(150)],
  ['first_name', text(150)],
  ['last_name', text(150)],
  ['email', email],
  ['phone', text(50)],
  ['label', text(50)],
  ['enabled', flag],
  ['send_billing_email', flag],
  ['send_account_email', flag],
)
const ID = readers(['id', text(50)])
const FAMILY = readers(['name', text(50)], ['description', text(500)])
const ITEM = readers(
  ['name', text(100)],
  ['description', text(2000)],
  ['external_name', text(100)],
  ['item_family_id', text(50)],
  ['unit', text(30)],
  ['cf_touchstone_id', text(250)],
)
const ITEM_TYPE = readers(['type', oneOf('plan', 'addon', 'charge')])
const PRICE = readers(
  ['name', text(100)],
  ['description', text(2000)],
  ['price', integer],
  ['pricing_model', oneOf('flat_fee', 'per_unit', 'tiered', 'volume', 'stairstep')],
  ['currency_code', text(3)],
  ['period', integer],
  ['period_unit', oneOf('day', 'week', 'month', 'year')],
)
const PRICE_ITEM = readers(['item_id', text(100)])

const join = (...parts: readonly Readers[]): Readers => new Map(parts.flatMap((part) => [...part]))

interface Writable {
  name: string
  create: Readers
  required: readonly string[]
  update: Readers
}

const WRITABLE: ReadonlyMap<string, Writable> = new Map<string, Writable>([
  [
    'customers',
    { name: 'customer', create: join(ID, CUSTOMER, VAT), required: [], update: CUSTOMER },
  ],
  [
    'item_families',
    { name: 'item_family', create: join(ID, FAMILY), required: ['id', 'name'], update: FAMILY },
  ],
  [
    'items',
    {
      name: 'item',
      create: join(ID, ITEM, ITEM_TYPE),
      required: ['id', 'name', 'type', 'item_family_id'],
      update: ITEM,
    },
  ],
  [
    'item_prices',
    {
      name: 'item_price',
      create: join(ID, PRICE, PRICE_ITEM),
      required: ['id', 'name', 'item_id'],
      update: PRICE,
    },
  ],
])

const SUBSCRIPTION = {
  name: 'subscription',
  required: [],
  update: readers(['po_number', text(100)]),
}

/** The operations below one customer, and their fields. */
const BELOW = [
  'update_billing_info',
  'relationships',
  'add_contact',
  'update_contact',
  'delete_contact',
]
const RELATIONSHIP = readers(
  ['parent_id', text(50)],
  ['payment_owner_id', text(50)],
  ['invoice_owner_id', text(50)],
)

/** Executes a POST. Returns undefined for an operation that the model has not. */
export function write(
  store: Store,
  relations: CustomerRelations,
  request: Received,
  [path, id, below]: readonly (string | undefined)[],
): Reply | undefined {
  if (path === 'subscriptions' && id !== undefined && below === 'update_for_items')
    return update(store, SUBSCRIPTION, id, request)
  const writable = WRITABLE.get(path ?? '')
  if (!writable) return undefined
  if (id === undefined) return create(store, writable, request)
  if (below === undefined) return update(store, writable, id, request)
  if (below === 'delete') return remove(store, writable.name, id, request)
  if (path !== 'customers' || !BELOW.includes(below)) return undefined
  existing(store, 'customer', id)
  if (below === 'update_billing_info') {
    const { billing_address, ...rest } = readFields(formOf(request), VAT, BILLING)
    const address =
      billing_address === undefined ? {} : { billing_address: addressOf(billing_address as Fields) }
    store.put('customer', { ...rest, ...address, id })
  } else if (below === 'relationships') relate(store, id, request)
  else writeContact(store, relations, id, below, request)
  return shown(store, 'customer', id)
}

function create(store: Store, { name, create, required }: Writable, request: Received): Reply {
  const groups = name === 'customer' ? BILLING : undefined
  const fields = readFields(formOf(request), create, groups)
  for (const field of required)
    if ((ownValue(fields, field) ?? null) === null) throw wrongValue(field, 'cannot be blank')
  if (fields.billing_address) fields.billing_address = addressOf(fields.billing_address as Fields)
  if (fields.id === null) delete fields.id
  const { id } = fields
  if (typeof id === 'string' && store.table(name).get(id)) throw duplicate('id', id)
  if (name === 'item_price') completePrice(store, fields)
  if (name === 'item') existing(store, 'item_family', String(fields.item_family_id))
  return shown(store, name, store.put(name, fields))
}

function update(
  store: Store,
  { name, update, required }: Omit<Writable, 'create'>,
  id: string,
  request: Received,
): Reply {
  const fields = readFields(formOf(request), update)
  existing(store, name, id)
  const blank = required.find((field) => ownValue(fields, field) === null)
  if (blank !== undefined) throw wrongValue(blank, 'cannot be blank')
  store.put(name, { ...fields, id })
  return shown(store, name, id)
}

function remove(store: Store, name: string, id: string, request: Received): Reply {
  readFields(formOf(request), new Map())
  existing(store, name, id)
  store.remove(name, id)
  return shown(store, name, id)
}

function completePrice(store: Store, fields: Fields): void {
  const item = existing(store, 'item', String(fields.item_id))
  fields.item_family_id = item.item_family_id
  fields.item_type = item.type
  fields.pricing_model ??= 'flat_fee'
  if (item.type === 'charge') return
  if (fields.period === undefined || fields.period_unit === undefined)
    throw wrongValue('period', 'cannot be blank')
}

function relate(store: Store, id: string, request: Received): void {
  const relationship = readFields(formOf(request), RELATIONSHIP)
  for (const [name, other] of Object.entries(relationship)) {
    if (typeof other !== 'string') throw wrongValue(name, 'cannot be blank')
    existing(store, 'customer', other)
    if (name === 'parent_id' && other === id) throw wrongValue(name, 'is the customer itself')
  }
  if (relationship.parent_id === undefined) throw wrongValue('parent_id', 'cannot be blank')
  const { parent_id: parent } = relationship
  store.put('customer', {
    id,
    relationship: { payment_owner_id: parent, invoice_owner_id: parent, ...relationship },
  })
}

function writeContact(
  store: Store,
  relations: CustomerRelations,
  customer: string,
  act: string,
  request: Received,
): void {
  const { contact = {} } = readFields(formOf(request), new Map(), new Map([['contact', CONTACT]]))
  const { id, ...fields } = contact as Fields
  if (act === 'add_contact') {
    if ((fields.email ?? null) === null) throw wrongValue('contact[email]', 'cannot be blank')
    if (typeof id === 'string' && store.table('contact').get(id)) throw duplicate('contact[id]', id)
    store.put('contact', {
      ...fields,
      customer_id: customer,
      ...(typeof id === 'string' && { id }),
    })
    return
  }
  if (typeof id !== 'string') throw wrongValue('contact[id]', 'cannot be blank')
  existing(store, 'contact', id)
  if (relations.customerOf(id) !== customer) throw notFound(id)
  if (act === 'delete_contact') store.remove('contact', id)
  else store.put('contact', { ...fields, id })
}

/** An address is replaced as a whole. */
const addressOf = (given: Fields): Fields => ({
  ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null)),
  validation_status: 'not_validated',
  object: 'billing_address',
})

function existing(store: Store, name: string, id: string): Fields {
  const row = store.table(name).get(id)
  if (!row || row.deleted) throw notFound(id)
  return row.record
}

const shown = (store: Store, name: string, id: string): Reply => ({
  status: 200,
  body: { [name]: store.table(name).get(id)!.record },
})
