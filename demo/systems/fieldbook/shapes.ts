/** The values that a field can have. */
export type Shape =
  | Leaf
  | { kind: 'object'; fields: Fields; nullable: boolean; absent?: unknown }
  | List

export interface Leaf {
  kind: 'leaf'
  /** Completes "Must be …". */
  form: string
  fits(value: unknown): boolean
  nullable: boolean
  /** The value where none is given; without it a nullable field is null, and others are required. */
  absent?: unknown
}

export interface List {
  kind: 'list'
  of: Shape
  min: number
  max: number
  absent?: unknown
}

export type Fields = ReadonlyMap<string, Shape>

/** Codes of a value that Fieldbook refuses with status 422. */
export type ValueCode = 'required' | 'invalid' | 'read_only' | 'unknown_field' | 'unknown_reference'

export class InvalidField extends Error {
  readonly code: ValueCode
  /** The path, for example `tax_registrations[1].number`. */
  readonly field: string
  readonly reason: string
  constructor(code: ValueCode, field: string, reason: string) {
    super(`${field}: ${reason}`)
    this.code = code
    this.field = field
    this.reason = reason
  }
}

export const fieldsOf = (fields: Record<string, Shape>): Fields => new Map(Object.entries(fields))

const leaf = (form: string, fits: Leaf['fits']): Leaf => ({
  kind: 'leaf',
  form,
  fits,
  nullable: false,
})
export const text = (max = 255): Leaf =>
  leaf(
    `a text of 1 to ${max} characters`,
    (value) => typeof value === 'string' && value.length > 0 && value.length <= max,
  )
export const pattern = (form: string, matches: RegExp): Leaf =>
  leaf(form, (value) => typeof value === 'string' && matches.test(value))
export const choice = (...values: string[]): Leaf =>
  leaf(
    `one of ${values.join(', ')}`,
    (value) => typeof value === 'string' && values.includes(value),
  )
export const integer = (min = Number.MIN_SAFE_INTEGER): Leaf =>
  leaf('a whole number in range', (value) => Number.isSafeInteger(value) && Number(value) >= min)
export const number = leaf('a number', (value) => typeof value === 'number')
export const flag = leaf('a boolean', (value) => typeof value === 'boolean')
export const date = leaf('a date', (value) => {
  if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\d$/.test(value)) return false
  const ms = Date.parse(value)
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(value)
})
export const object = (fields: Record<string, Shape>): Shape => ({
  kind: 'object',
  fields: fieldsOf(fields),
  nullable: false,
})
export const list = (of: Shape, min: number, max: number): List => ({ kind: 'list', of, min, max })

export const orNull = <S extends Shape>(shape: S): S => ({ ...shape, nullable: true })
export const absent = <S extends Shape>(value: unknown, shape: S): S => ({
  ...shape,
  absent: value,
})

/** Returns a value with every field that it leaves out. Throws `InvalidField`. */
export function complete(shape: Shape, given: unknown, path: string): unknown {
  const value = given === undefined ? shape.absent : given
  const nullable = shape.kind !== 'list' && shape.nullable
  if (value === undefined && !nullable) throw new InvalidField('required', path, 'Is required')
  if ((value ?? null) === null && nullable) return null
  if (shape.kind === 'leaf') {
    if (!shape.fits(value)) throw new InvalidField('invalid', path, `Must be ${shape.form}`)
    return value
  }
  if (shape.kind === 'list') {
    if (!Array.isArray(value) || value.length < shape.min || value.length > shape.max)
      throw new InvalidField('invalid', path, `Must be a list of ${shape.min} to ${shape.max}`)
    return value.map((item, n) => complete(shape.of, item, `${path}[${n}]`))
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new InvalidField('invalid', path, 'Must be an object')
  const parts = new Map(Object.entries(value))
  for (const name of parts.keys())
    if (!shape.fields.has(name))
      throw new InvalidField('unknown_field', `${path}.${name}`, 'There is no such field')
  return Object.fromEntries(
    [...shape.fields].map(([name, part]) => [
      name,
      complete(part, parts.get(name), `${path}.${name}`),
    ]),
  )
}
