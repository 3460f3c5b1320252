import { setOwn } from '../../../schema/kit/dictionary.ts'
import type { Received } from '../kit/exchange.ts'
import { unknownParameter, wrongValue } from './errors.ts'

type Fields = Record<string, unknown>

/** Makes a field's value of a parameter; null clears the field. */
export type Reader = (name: string, value: string) => unknown
export type Readers = ReadonlyMap<string, Reader>

export const text =
  (max: number): Reader =>
  (name, value) => {
    if (value.length > max) throw wrongValue(name, `should not exceed ${max} characters`)
    return value === '' ? null : value
  }

export const email: Reader = (name, value) => {
  if (value !== '' && !/^[^\s@]+@[^\s@.]+(\.[^\s@.]+)+$/.test(value))
    throw wrongValue(name, 'is not a valid email address')
  return text(70)(name, value)
}

export const flag: Reader = (name, value) => {
  if (value !== 'true' && value !== 'false') throw wrongValue(name, 'should be true or false')
  return value === 'true'
}

export const integer: Reader = (name, value) => {
  if (!/^\d{1,15}$/.test(value)) throw wrongValue(name, 'should be a whole number')
  return Number(value)
}

export const oneOf =
  (...values: readonly string[]): Reader =>
  (name, value) => {
    if (!values.includes(value)) throw wrongValue(name, `should be one of ${values.join(', ')}`)
    return value
  }

export const country: Reader = (name, value) => {
  if (value !== '' && !/^[A-Z]{2}$/.test(value))
    throw wrongValue(name, 'is not a valid ISO 3166 country code')
  return value === '' ? null : value
}

/** A JSON object in a text; it replaces the former one. */
export const json: Reader = (name, value) => {
  if (value === '') return null
  try {
    const object: unknown = JSON.parse(value)
    if (typeof object === 'object' && object !== null && !Array.isArray(object)) return object
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw wrongValue(name, 'is not a valid JSON object')
}

/** Returns the parameters of a form. */
export function formOf(request: Received): readonly (readonly [string, string])[] {
  const type = request.headers['content-type']
  if (request.body !== '' && !type?.startsWith('application/x-www-form-urlencoded'))
    throw wrongValue('content-type', 'should be application/x-www-form-urlencoded', true)
  const [parameter] = request.query.keys()
  if (parameter !== undefined) throw unknownParameter(parameter)
  const pairs = [...new URLSearchParams(request.body)]
  const names = pairs.map(([name]) => name)
  const twice = names.find((name, at) => names.indexOf(name) !== at)
  if (twice !== undefined) throw wrongValue(twice, 'is given twice')
  return pairs
}

/** Reads `name=…` with `readers`, and `group[name]=…` with the readers of the group. */
export function readFields(
  pairs: readonly (readonly [string, string])[],
  readers: Readers,
  groups: ReadonlyMap<string, Readers> = new Map(),
): Fields {
  const fields: Fields = {}
  const groupsOf = new Map<string, Fields>()
  for (const [name, value] of pairs) {
    const [, group, inner] = /^(\w+)\[(\w+)\]$/.exec(name) ?? []
    const reader = group === undefined ? readers.get(name) : groups.get(group)?.get(inner!)
    if (!reader) throw unknownParameter(name)
    if (group === undefined) setOwn(fields, name, reader(name, value))
    else {
      const found = groupsOf.get(group) ?? {}
      setOwn(found, inner!, reader(name, value))
      groupsOf.set(group, found)
    }
  }
  for (const [group, found] of groupsOf) setOwn<unknown>(fields, group, found)
  return fields
}
