import { setOwn } from '../../../schema/kit/dictionary.ts'
import { WrongValue } from '../kit/writes.ts'
import type { Entity } from './entities.ts'
import type { Field } from './fields.ts'

export type Fields = Record<string, unknown>

const MOMENT = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/

/** Formats a moment in whole seconds. */
export const momentOf = (time: number): string => `${new Date(time).toISOString().slice(0, 19)}Z`
/** Formats a day. The service shows days as noon in UTC. */
export const dateOf = (time: number): string =>
  `${new Date(time).toISOString().slice(0, 10)}T12:00:00Z`

/** Returns what a field has that nobody set: the system has no nulls. */
export function emptyOf({ kind, enumeration }: Field): unknown {
  if (kind === 'enum') return enumeration!.values[0]
  if (kind === 'integer' || kind === 'decimal') return 0
  if (kind === 'date') return dateOf(Date.UTC(1900, 0, 1))
  return kind === 'moment' ? momentOf(Date.UTC(1900, 0, 1)) : ''
}

/** Returns a value as the system stores it: long texts are cut. Throws `WrongValue`. */
export function storedValue(entity: Entity, field: Field, value: unknown): unknown {
  if (value === null) return emptyOf(field)
  const { name, kind, enumeration, length } = field
  const wrong = (type: string) => new WrongValue(entity.set, name, value, type)
  switch (kind) {
    case 'integer':
      if (!Number.isSafeInteger(value)) throw wrong('Edm.Int32')
      return value
    case 'decimal':
      if (typeof value !== 'number' || !Number.isFinite(value)) throw wrong('Edm.Decimal')
      return value
    case 'enum':
      if (!enumeration!.values.includes(String(value))) throw wrong(enumeration!.name)
      return value
    case 'date':
    case 'moment': {
      if (typeof value !== 'string' || !MOMENT.test(value) || Number.isNaN(Date.parse(value)))
        throw wrong('Edm.DateTimeOffset')
      return kind === 'date' ? dateOf(Date.parse(value)) : momentOf(Date.parse(value))
    }
    default:
      if (typeof value !== 'string') throw wrong('Edm.String')
      return value.slice(0, length)
  }
}

/** Returns a record with fields that nobody set yet. */
export function emptyRecord(entity: Entity): Fields {
  const record: Fields = { '@odata.etag': '' }
  for (const field of entity.fields.values()) setOwn(record, field.name, emptyOf(field))
  return record
}
