import { ownValue, setOwn } from '../../../schema/kit/dictionary.ts'
import { WrongValue } from '../kit/writes.ts'
import type { Field, ObjectType } from './objects.ts'

export type Fields = Record<string, unknown>

/** Formats a moment as Salesforce does. It stores whole seconds. */
export const moment = (time: number): string =>
  new Date(Math.floor(time / 1000) * 1000).toISOString().replace('Z', '+0000')

const ID = /^[0-9a-zA-Z]{18}$/
const DATE = /^\d{4}-\d\d-\d\d$/

/** Returns a record after a user's write, with every field. Throws if a value has a wrong form. */
export function writeRecord(
  type: ObjectType,
  fields: Fields,
  at: { id: string; now: number; before: Fields | undefined; userId: string },
): Fields {
  const record: Fields = at.before ? { ...at.before } : empty(type, at)
  for (const [name, value] of Object.entries(fields)) {
    const field = type.fields.get(name.toLowerCase())!
    setOwn<unknown>(record, name, checked(type, field, value))
  }
  return touch(record, at.now, at.userId)
}

/** Returns a record with the time and the user of a change. */
export const touch = (record: Fields, now: number, userId: string): Fields => ({
  ...record,
  LastModifiedDate: moment(now),
  LastModifiedById: userId,
  SystemModstamp: moment(now),
})

function empty(type: ObjectType, at: { id: string; now: number; userId: string }): Fields {
  const record: Fields = {}
  for (const { name, kind } of type.fields.values())
    if (kind !== 'address') setOwn<unknown>(record, name, kind === 'boolean' ? false : null)
  return { ...record, Id: at.id, CreatedDate: moment(at.now), CreatedById: at.userId }
}

function checked(type: ObjectType, field: Field, value: unknown): unknown {
  if (value === null || value === '') return null
  const right =
    field.kind === 'number'
      ? typeof value === 'number' && Number.isFinite(value)
      : field.kind === 'boolean'
        ? typeof value === 'boolean'
        : typeof value === 'string'
  const form = field.kind === 'reference' ? ID : field.kind === 'date' ? DATE : undefined
  if (!right || (form && !form.test(String(value))))
    throw new WrongValue(type.name, field.name, value, field.kind)
  return field.kind === 'datetime' ? moment(Date.parse(String(value))) : value
}

/** Returns a compound address; null if no part of it has a value. */
export function addressOf(record: Fields, name: string): Fields | null {
  const prefix = name.slice(0, -'Address'.length)
  const part = (suffix: string) => ownValue(record, prefix + suffix) ?? null
  const address: Fields = {
    city: part('City'),
    country: part('Country'),
    countryCode: part('CountryCode'),
    geocodeAccuracy: null,
    latitude: part('Latitude'),
    longitude: part('Longitude'),
    postalCode: part('PostalCode'),
    state: part('State'),
    stateCode: part('StateCode'),
    street: part('Street'),
  }
  return Object.values(address).every((value) => value === null) ? null : address
}
