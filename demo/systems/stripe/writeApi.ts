import { ownValue, setOwn } from '../../../schema/kit/dictionary.ts'
import { type Received, Refused } from '../kit/exchange.ts'
import type { Store } from '../kit/store.ts'
import { errorReply, invalid, missing, unknownParameter } from './errors.ts'
import {
  address,
  email,
  flag,
  type Given,
  hash,
  integer,
  metadata,
  oneOf,
  type Reader,
  readForm,
  requiredText,
  text,
  texts,
} from './parameters.ts'

type Fields = Record<string, unknown>

/** The parameters of the writes of an object. */
interface Writable {
  /** Absent if the model creates none. */
  create?: ReadonlyMap<string, Reader>
  required?: readonly string[]
  update: ReadonlyMap<string, Reader>
}

const CUSTOMER: readonly [string, Reader][] = [
  ['name', text(256)],
  ['email', email],
  ['phone', text(20)],
  ['description', text(350)],
  ['address', address],
  [
    'shipping',
    hash(
      new Map<string, Reader>([
        ['name', requiredText(5000)],
        ['phone', text(20)],
        ['address', address],
      ]),
      { name: null, phone: null, address: null },
    ),
  ],
  ['tax_exempt', oneOf('none', 'exempt', 'reverse')],
  ['preferred_locales', texts],
  ['balance', integer],
  ['metadata', metadata],
]
const PRODUCT: readonly [string, Reader][] = [
  ['name', requiredText(250)],
  ['active', flag],
  ['description', text(40_000)],
  ['tax_code', text(5000)],
  ['unit_label', text(12)],
  ['metadata', metadata],
]
const PRICE: readonly [string, Reader][] = [
  ['active', flag],
  ['nickname', text(5000)],
  ['metadata', metadata],
]
const RECURRING = hash(
  new Map<string, Reader>([
    ['interval', oneOf('day', 'week', 'month', 'year')],
    ['interval_count', integer],
    ['usage_type', oneOf('licensed', 'metered')],
  ]),
  { interval_count: 1, meter: null, trial_period_days: null, usage_type: 'licensed' },
)
const NOTED: readonly [string, Reader][] = [
  ['description', text(500)],
  ['metadata', metadata],
]

const WRITABLE: ReadonlyMap<string, Writable> = new Map<string, Writable>([
  ['customer', { create: new Map(CUSTOMER), update: new Map(CUSTOMER) }],
  [
    'product',
    {
      create: new Map([['id', requiredText(5000)], ...PRODUCT]),
      required: ['name'],
      update: new Map(PRODUCT),
    },
  ],
  [
    'price',
    {
      create: new Map([
        ...PRICE,
        ['product', requiredText(5000)],
        ['currency', requiredText(3)],
        ['unit_amount', integer],
        ['recurring', RECURRING],
      ]),
      required: ['currency', 'product', 'unit_amount'],
      update: new Map(PRICE),
    },
  ],
  ['subscription', { update: new Map(NOTED) }],
  ['invoice', { update: new Map(NOTED) }],
  ['payment_intent', { update: new Map(NOTED) }],
  ['refund', { update: new Map([['metadata', metadata]]) }],
])

/** Executes a POST. Returns the id of the record; undefined if the model has no such write. */
export function write(
  store: Store,
  object: string,
  id: string | undefined,
  request: Received,
): string | undefined {
  const writable = WRITABLE.get(object)
  const readers = id === undefined ? writable?.create : writable?.update
  if (!readers) return undefined
  const given = formOf(request)
  given.delete('expand')
  const before = id === undefined ? undefined : existing(store, object, id)
  const fields = valuesOf(readers, given, before)
  const absent =
    before === undefined && writable?.required?.find((name) => !Object.hasOwn(fields, name))
  if (absent) throw invalid(`Missing required param: ${absent}.`, absent, 'parameter_missing')
  if (object === 'price' && before === undefined) completePrice(store, fields)
  const own = fields.id
  if (typeof own === 'string' && store.table(object).get(own))
    throw new Refused(errorReply(400, 'Product already exists.', 'resource_already_exists', 'id'))
  return store.put(object, { ...fields, ...(id !== undefined && { id }) })
}

/** Adds a tax id to a customer. */
export function addTaxId(store: Store, customer: string, newId: string, request: Received): Fields {
  const before = existing(store, 'customer', customer)
  const readers = new Map<string, Reader>([
    ['type', oneOf('eu_vat', 'gb_vat', 'us_ein', 'ch_vat', 'no_vat')],
    ['value', requiredText(5000)],
  ])
  const { type, value } = valuesOf(readers, formOf(request), undefined)
  if (type === undefined || value === undefined) {
    const name = type === undefined ? 'type' : 'value'
    throw invalid(`Missing required param: ${name}.`, name, 'parameter_missing')
  }
  const taxId = {
    id: newId,
    object: 'tax_id',
    country: String(value).slice(0, 2),
    type,
    value,
    verification: { status: 'pending', verified_address: null, verified_name: null },
  }
  const list = before.tax_ids as { data: Fields[] } & Fields
  store.put('customer', { id: customer, tax_ids: { ...list, data: [taxId, ...list.data] } })
  return { ...taxId, customer }
}

function existing(store: Store, object: string, id: string): Fields {
  const row = store.table(object).get(id)
  if (!row || row.deleted) throw missing(404, object)(id, 'id')
  return row.record
}

function formOf(request: Received): Map<string, Given[]> {
  const type = request.headers['content-type']
  if (request.body !== '' && !type?.startsWith('application/x-www-form-urlencoded'))
    throw new Refused(
      errorReply(
        400,
        `Invalid request (check that your POST content type is application/x-www-form-urlencoded).`,
      ),
      true,
    )
  return readForm(new URLSearchParams([...request.query, ...new URLSearchParams(request.body)]))
}

function valuesOf(
  readers: ReadonlyMap<string, Reader>,
  given: ReadonlyMap<string, readonly Given[]>,
  before: Fields | undefined,
): Fields {
  const fields: Fields = {}
  for (const [name, some] of given) {
    const reader = readers.get(name)
    if (!reader) throw unknownParameter(some[0]!.name)
    setOwn(fields, name, reader(some, before && ownValue(before, name)))
  }
  return fields
}

function completePrice(store: Store, fields: Fields): void {
  const product = store.table('product').get(String(fields.product))
  if (!product || product.deleted) throw missing(400, 'product')(String(fields.product), 'product')
  fields.currency = String(fields.currency).toLowerCase()
  fields.unit_amount_decimal = String(fields.unit_amount)
  fields.type = fields.recurring ? 'recurring' : 'one_time'
}
