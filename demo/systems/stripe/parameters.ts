import { setOwn } from '../../../schema/kit/dictionary.ts'
import { invalid, unknownParameter } from './errors.ts'

type Fields = Record<string, unknown>

/** A form parameter: `address[line1]=…` has the path `['line1']`. */
export interface Given {
  name: string
  path: readonly string[]
  value: string
}

/** Makes a field's value of the parameters that set it; `before` is its value now. */
export type Reader = (given: readonly Given[], before: unknown) => unknown

const NAME = /^([a-z_]+)((?:\[[^[\]]*\])*)$/
const metadataKeysMax = 50
const metadataKeyLengthMax = 40
const metadataValueLengthMax = 500

/** Returns the parameters of a form by their first name. */
export function readForm(form: URLSearchParams): Map<string, Given[]> {
  const found = new Map<string, Given[]>()
  for (const [name, value] of form) {
    const [, root, rest] = NAME.exec(name) ?? []
    if (root === undefined) throw unknownParameter(name)
    const path = [...rest!.matchAll(/\[([^[\]]*)\]/g)].map((match) => match[1]!)
    found.set(root, [...(found.get(root) ?? []), { name, path, value }])
  }
  return found
}

/** Returns the value of a parameter that is no list and no hash. */
function single(given: readonly Given[]): Given {
  const nested = given.find(({ path }) => path.length > 0)
  if (nested) throw unknownParameter(nested.name)
  return given.at(-1)!
}

export const text =
  (max: number): Reader =>
  (given) => {
    const { name, value } = single(given)
    if (value.length > max)
      throw invalid(
        `Invalid string: ${value.slice(0, 10)}...; must be at most ${max} characters`,
        name,
      )
    return value === '' ? null : value
  }

/** A text that cannot be cleared. */
export const requiredText =
  (max: number): Reader =>
  (given, before) => {
    const value = text(max)(given, before)
    const { name } = given[0]!
    if (value === null)
      throw invalid(
        `You passed an empty string for '${name}'. We assume empty values are an attempt to unset a parameter; however '${name}' cannot be unset.`,
        name,
        'parameter_invalid_empty',
      )
    return value
  }

export const email: Reader = (given, before) => {
  const value = text(512)(given, before)
  if (typeof value === 'string' && !/^[^\s@]+@[^\s@.]+(\.[^\s@.]+)+$/.test(value))
    throw invalid(`Invalid email address: ${value}`, given[0]!.name, 'email_invalid')
  return value
}

export const flag: Reader = (given) => {
  const { name, value } = single(given)
  if (value !== 'true' && value !== 'false') throw invalid(`Invalid boolean: ${value}`, name)
  return value === 'true'
}

export const integer: Reader = (given) => {
  const { name, value } = single(given)
  if (!/^-?\d{1,15}$/.test(value))
    throw invalid(`Invalid integer: ${value}`, name, 'parameter_invalid_integer')
  return Number(value)
}

export const oneOf =
  (...values: readonly string[]): Reader =>
  (given) => {
    const { name, value } = single(given)
    if (!values.includes(value))
      throw invalid(`Invalid ${name}: must be one of ${values.join(', ')}`, name)
    return value
  }

export const texts: Reader = (given) =>
  given.flatMap(({ name, path, value }) => {
    if (path.length === 0 && value === '') return []
    if (path.length !== 1 || !/^\d*$/.test(path[0]!)) throw invalid('Invalid array', name)
    return [value]
  })

/** A hash is replaced as a whole; an empty text clears it. */
export const hash =
  (fields: ReadonlyMap<string, Reader>, defaults: Fields): Reader =>
  (given) => {
    const cleared = given.find(({ path }) => path.length === 0)
    if (cleared?.value === '') return null
    if (cleared) throw invalid('Invalid object', cleared.name)
    const value: Fields = { ...defaults }
    for (const [field, inner] of byFirst(given)) {
      const reader = fields.get(field)
      if (!reader) throw unknownParameter(inner[0]!.name)
      const below = inner.map((one) => ({ ...one, path: one.path.slice(1) }))
      setOwn(value, field, reader(below, undefined))
    }
    return value
  }

function byFirst(given: readonly Given[]): Map<string, Given[]> {
  const found = new Map<string, Given[]>()
  for (const one of given) found.set(one.path[0]!, [...(found.get(one.path[0]!) ?? []), one])
  return found
}

const country: Reader = (given, before) => {
  const value = text(5000)(given, before)
  if (typeof value === 'string' && !/^[A-Z]{2}$/.test(value))
    throw invalid(
      `Country '${value}' is unknown. Try using a 2-character alphanumeric country code instead, such as 'US', 'EG', or 'GB'.`,
      given[0]!.name,
    )
  return value
}

const ADDRESS: ReadonlyMap<string, Reader> = new Map([
  ...['city', 'line1', 'line2', 'postal_code', 'state'].map(
    (name) => [name, text(5000)] as [string, Reader],
  ),
  ['country', country],
])
const EMPTY_ADDRESS = {
  ...{ city: null, country: null, line1: null, line2: null, postal_code: null, state: null },
}
export const address = hash(ADDRESS, EMPTY_ADDRESS)

/** Merges keys; an empty value removes a key, an empty parameter all of them. */
export const metadata: Reader = (given, before) => {
  const merged = new Map(Object.entries((before ?? {}) as Record<string, string>))
  for (const { name, path, value } of given) {
    const [key, ...more] = path
    if (key === undefined && value === '') merged.clear()
    else if (key === undefined || key === '' || more.length > 0)
      throw invalid('Invalid object', name)
    else if (value === '') merged.delete(key)
    else if (key.length > metadataKeyLengthMax || value.length > metadataValueLengthMax)
      throw invalid(
        `Metadata keys can have up to ${metadataKeyLengthMax} characters, values up to ${metadataValueLengthMax}`,
        name,
      )
    else merged.set(key, value)
  }
  if (merged.size > metadataKeysMax)
    throw invalid(`Metadata can have up to ${metadataKeysMax} keys`, 'metadata')
  return Object.fromEntries(merged)
}
