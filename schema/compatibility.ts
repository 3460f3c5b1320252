type Schema = Record<string, unknown>

/**
 * Why a consumer of `old` could stumble over what `next` describes, both JSON Schemas of data that is sent; empty when
 * `next` only adds. Adding means: new properties, and promising more of what was there (required, narrower types, fewer
 * values). Knows the keywords that schemas of this project use; any other that differs is reported too.
 */
export function incompatibilities(old: Schema, next: Schema, path = '$'): string[] {
  const found: string[] = []
  if (old.additionalProperties === false) found.push(`${path}: closed to additional properties, so it can never grow`)
  for (const type of typesOf(next))
    if (!typesOf(old).includes(type) && !(type === 'integer' && typesOf(old).includes('number')))
      found.push(`${path}: may now be ${type}, was ${typesOf(old).join(' or ')}`)
  const known = valuesOf(old)
  const values = valuesOf(next)
  if (known && !values) found.push(`${path}: may now be any value, was one of ${known.join(', ')}`)
  for (const value of values ?? [])
    if (known && !known.includes(value)) found.push(`${path}: may now be ${value}, was one of ${known.join(', ')}`)
  for (const name of listOf(old.required))
    if (!listOf(next.required).includes(name)) found.push(`${path}.${name}: was always there, now may be missing`)
  const [before, after] = [propertiesOf(old.properties), propertiesOf(next.properties)]
  for (const [name, schema] of Object.entries(before)) {
    const now = after[name]
    found.push(...(now ? incompatibilities(schema, now, `${path}.${name}`) : [`${path}.${name}: is gone`]))
  }
  if (isSchema(old.items) && isSchema(next.items)) found.push(...incompatibilities(old.items, next.items, `${path}[]`))
  for (const keyword of new Set([...Object.keys(old), ...Object.keys(next)]))
    if (!KNOWN.has(keyword) && JSON.stringify(old[keyword]) !== JSON.stringify(next[keyword]))
      found.push(`${path}: ${keyword} was ${JSON.stringify(old[keyword])}, is ${JSON.stringify(next[keyword])}`)
  return found
}

/** Properties that `next` has and `old` has not, which no consumer of `old` minds. */
export function additions(old: Schema, next: Schema, path = '$'): string[] {
  const [before, after] = [propertiesOf(old.properties), propertiesOf(next.properties)]
  const found = Object.entries(after).flatMap(([name, schema]) => {
    const was = before[name]
    return was ? additions(was, schema, `${path}.${name}`) : [`${path}.${name}: was added`]
  })
  if (isSchema(old.items) && isSchema(next.items)) found.push(...additions(old.items, next.items, `${path}[]`))
  return found
}

/** Compared above, or said to people only. */
const KNOWN = new Set(
  ['type', 'anyOf', 'const', 'enum', 'required', 'properties', 'items', 'additionalProperties'].concat([
    '$id',
    '$schema',
    'description',
  ]),
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
