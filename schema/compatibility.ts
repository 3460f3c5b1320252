import { ownValue } from './kit/dictionary.ts'

type Schema = Record<string, unknown>

/**
 * Returns the reasons why a consumer of `old` may fail on data of `next`, both JSON Schemas of sent
 * data; empty when `next` only adds. Additions are new properties and stronger guarantees
 * (required, narrower types, fewer values). It knows the keywords of this project's schemas, and
 * reports any other keyword that differs.
 */
export function incompatibilities(old: Schema, next: Schema, path = '$'): string[] {
  const found: string[] = []
  if (old.additionalProperties === false)
    found.push(`${path}: closed to additional properties, so it can never grow`)
  for (const type of typesOf(next))
    if (!typesOf(old).includes(type) && !(type === 'integer' && typesOf(old).includes('number')))
      found.push(`${path}: may now be ${type}, was ${typesOf(old).join(' or ')}`)
  const known = valuesOf(old)
  const values = valuesOf(next)
  if (known && !values) found.push(`${path}: may now be any value, was one of ${known.join(', ')}`)
  for (const value of values ?? [])
    if (known && !known.includes(value))
      found.push(`${path}: may now be ${value}, was one of ${known.join(', ')}`)
  for (const name of listOf(old.required))
    if (!listOf(next.required).includes(name))
      found.push(`${path}.${name}: was required, now may be missing`)
  const [before, after] = [propertiesOf(old.properties), propertiesOf(next.properties)]
  for (const [name, schema] of Object.entries(before)) {
    const now = ownValue(after, name)
    found.push(
      ...(now
        ? incompatibilities(schema, now, `${path}.${name}`)
        : [`${path}.${name}: was removed`]),
    )
  }
  if (isSchema(old.items) && isSchema(next.items))
    found.push(...incompatibilities(old.items, next.items, `${path}[]`))
  for (const keyword of new Set([...Object.keys(old), ...Object.keys(next)]))
    if (!KNOWN.has(keyword)) {
      const [was, is] = [old, next].map((schema) => JSON.stringify(ownValue(schema, keyword)))
      if (was !== is) found.push(`${path}: ${keyword} was ${was}, is ${is}`)
    }
  return found
}

/** Returns the properties that only `next` has; they are safe for consumers of `old`. */
export function additions(old: Schema, next: Schema, path = '$'): string[] {
  const [before, after] = [propertiesOf(old.properties), propertiesOf(next.properties)]
  const found = Object.entries(after).flatMap(([name, schema]) => {
    const was = ownValue(before, name)
    return was ? additions(was, schema, `${path}.${name}`) : [`${path}.${name}: was added`]
  })
  if (isSchema(old.items) && isSchema(next.items))
    found.push(...additions(old.items, next.items, `${path}[]`))
  return found
}

/** Keywords that are compared above or only inform people. */
const KNOWN = new Set(
  [
    'type',
    'anyOf',
    'const',
    'enum',
    'required',
    'properties',
    'items',
    'additionalProperties',
  ].concat(['$id', '$schema', 'description']),
)

function typesOf(schema: Schema): string[] {
  if (Array.isArray(schema.anyOf)) return schema.anyOf.filter(isSchema).flatMap(typesOf)
  return listOf(schema.type)
}

function valuesOf(schema: Schema): string[] | null {
  if ('const' in schema) return [String(schema.const)]
  return Array.isArray(schema.enum) ? schema.enum.map(String) : null
}

function listOf(value: unknown): string[] {
  return value === undefined ? [] : Array.isArray(value) ? value.map(String) : [String(value)]
}

function propertiesOf(value: unknown): Record<string, Schema> {
  return isSchema(value) ? (value as Record<string, Schema>) : {}
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
