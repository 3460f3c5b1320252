import { ownValue, setOwn } from '../../../schema/kit/dictionary.ts'
import type { Received } from '../kit/exchange.ts'
import type { Store } from '../kit/store.ts'
import { LOOKUPS, TIMES } from './queries.ts'

type Fields = Record<string, unknown>

const recordsMax = 50
const keysMax = 3
const textLengthMax = 250

/** Objects that the API writes, with the fields that a new record needs. */
const REQUIRED: ReadonlyMap<string, readonly string[]> = new Map([
  ['Company', ['Name']],
  ['Relationship', ['Name', 'CompanyId']],
])
const NUMBERS = ['ARR', 'MRR', 'Users', 'Employees', 'CurrentScore']

/** A value that Gainsight refuses; one of them fails the whole call. */
export class InvalidRecord extends Error {
  readonly field: string
  readonly value: unknown
  /** Whether the model has no such field. */
  readonly unknown: boolean
  constructor(field: string, value: unknown, message: string, unknown = false) {
    super(message)
    this.field = field
    this.value = value
    this.unknown = unknown
  }
}

/** Returns the object of a write; undefined if the model does not write it. */
export function writtenObject({ method, path }: Received): string | undefined {
  const [, object = ''] = /^\/v1\/data\/objects\/(\w+)$/.exec(path) ?? []
  return (method === 'POST' || method === 'PUT') && REQUIRED.has(object) ? object : undefined
}

/** Inserts records, or changes those that have the values of the keys. Returns the records. */
export function write(store: Store, object: string, request: Received, body: unknown): Fields[] {
  const { records, ...rest } = Object(body) as Fields
  const [unknown] = Object.keys(rest)
  if (unknown !== undefined) throw new InvalidRecord(unknown, null, `unknown ${unknown}`, true)
  if (!Array.isArray(records) || records.length === 0 || records.length > recordsMax)
    throw new InvalidRecord('records', null, `A call has 1 to ${recordsMax} records`)
  const fields = records.map((record) => read(store, object, record))
  const keys = keysOf(store, object, request)
  if (!keys) for (const record of fields) need(object, record)
  const written = fields.flatMap((record) => {
    if (!keys) return [store.put(object, record)]
    return matching(store, object, keys, record).map((Gsid) =>
      store.put(object, { ...record, Gsid }),
    )
  })
  return written.map((id) => store.table(object).get(id)!.record)
}

/** Returns the fields that find records; undefined for an insert. */
function keysOf(store: Store, object: string, request: Received): string[] | undefined {
  const { query, method } = request
  const names = [...query.keys()]
  const other = names.find((name) => name !== 'keys')
  if (other !== undefined || (method === 'POST' && names.length > 0))
    throw new InvalidRecord(other ?? 'keys', null, `unknown parameter ${other ?? 'keys'}`, true)
  if (method === 'POST') return undefined
  const keys = query.get('keys')?.split(',').filter(Boolean) ?? []
  if (keys.length === 0 || keys.length > keysMax)
    throw new InvalidRecord('keys', null, `A change has 1 to ${keysMax} keys`)
  for (const key of keys)
    if (key !== 'Gsid' && !store.fields(object).includes(key))
      throw new InvalidRecord(key, null, `Invalid field ${key}`, true)
  return keys
}

function matching(store: Store, object: string, keys: readonly string[], given: Fields): string[] {
  for (const key of keys)
    if ((ownValue(given, key) ?? null) === null)
      throw new InvalidRecord(key, null, `The key ${key} has no value`)
  return [...store.table(object).rows()]
    .filter(
      ({ record, deleted }) =>
        !deleted && keys.every((key) => ownValue(record, key) === ownValue(given, key)),
    )
    .map(({ id }) => id)
}

function need(object: string, record: Fields): void {
  if (record.Gsid !== undefined)
    throw new InvalidRecord('Gsid', record.Gsid, 'Gsid cannot be set by an insert')
  for (const field of REQUIRED.get(object)!)
    if ((ownValue(record, field) ?? null) === null)
      throw new InvalidRecord(field, null, `Required field ${field} is missing`)
}

function read(store: Store, object: string, given: unknown): Fields {
  const fields: Fields = {}
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw new InvalidRecord('records', given, 'A record must be an object')
  for (const [field, value] of Object.entries(given)) {
    if (field !== 'Gsid' && !store.fields(object).includes(field))
      throw new InvalidRecord(field, value, `Invalid field ${field}`, true)
    setOwn(fields, field, checked(store, field, value))
  }
  return fields
}

function checked(store: Store, field: string, value: unknown): unknown {
  if (value === null || value === '') return null
  const wrong = (form: string) =>
    new InvalidRecord(field, value, `The value of ${field} is not a valid ${form}`)
  if (TIMES.has(field)) {
    const time = typeof value === 'number' ? value : Date.parse(String(value))
    if (Number.isNaN(time)) throw wrong('date')
    return time
  }
  if (NUMBERS.includes(field)) {
    if (typeof value !== 'number') throw wrong('number')
    return value
  }
  if (typeof value !== 'string' || value.length > textLengthMax) throw wrong('text')
  const target = LOOKUPS.get(field)
  if (target === undefined) return value
  const row = store.table(target).get(value)
  if (!row || row.deleted) throw wrong(`Gsid of ${target}`)
  return value
}
