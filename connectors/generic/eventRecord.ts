import { z } from 'zod'
import { ownValue, setOwn } from '../../schema/kit/dictionary.ts'
import type { Mapping } from '../mapping/compileMapping.ts'
import { failAt, type Located } from '../mapping/document.ts'
import type { Path, Scope } from '../mapping/path.ts'
import { type Fail, isMap, pathAt } from '../mapping/rule.ts'
import { parseShape } from './parseShape.ts'

type Fields = Record<string, unknown>

/** Returns the record of an event of an object, or null. */
export type RecordOf = (scope: Scope, object: string) => Fields | null

const path = z.string().min(1)

const recordSchema = z.strictObject({
  from: path.optional(),
  pairs: z.tuple([path, z.union([path, z.array(path).min(1)])]).optional(),
  byObject: z.record(z.string(), path).optional(),
  field: path.optional(),
  value: path.optional(),
  names: z.record(z.string(), path).optional(),
})

/**
 * Compiles `record:` of a definition of events: where the record of an event is. Throws ConfigError
 * with file and line.
 */
export function compileRecord(
  spec: unknown,
  place: Located,
  mapping: Mapping,
  fail: Fail,
): RecordOf {
  if (spec === undefined) return ({ item }) => (isMap(item) ? item : null)
  const at = place.path
  if (typeof spec === 'string' || Array.isArray(spec)) {
    const from = [spec].flat().map((text, i) => pathAt(String(text), [...at, i], fail))
    return (scope) => {
      for (const p of from) {
        const record = objectAt(p, scope)
        if (record) return record
      }
      return null
    }
  }
  const shape = parseShape(recordSchema, place, 'record')
  if (shape.byObject) {
    const paths = new Map<string, Path>()
    for (const [name, text] of Object.entries(shape.byObject)) {
      const object = mapping.find(name)
      if (!object)
        return failAt(
          place,
          `byObject: "${name}" is not an object of the mapping; it has ${mapping.names.join(', ')}`,
          ['byObject', name],
        )
      paths.set(object.name, pathAt(text, [...at, 'byObject', name], fail))
    }
    return (scope, object) => {
      const from = paths.get(mapping.find(object)?.name ?? '')
      return from ? objectAt(from, scope) : null
    }
  }
  const named = renaming(shape.names)
  if (shape.field && shape.value) {
    const [field, value] = [
      pathAt(shape.field, [...at, 'field'], fail),
      pathAt(shape.value, [...at, 'value'], fail),
    ]
    return (scope) => {
      const name = field.first(scope)
      if (typeof name !== 'string') return null
      const record = {}
      setOwn(record, named(name), value.first(scope) ?? null)
      return record
    }
  }
  if (!shape.from || !shape.pairs)
    return failAt(
      place,
      'record: is a path, {from: path, pairs: [name, value]} for a list of pairs, {field: path, value: path} for one changed field, or {byObject: {Object: path}}',
    )
  const from = pathAt(shape.from, [...at, 'from'], fail)
  const [name, values] = shape.pairs.map((texts, i) =>
    [texts].flat().map((text) => pathAt(text, [...at, 'pairs', i], fail)),
  )
  return (scope) => {
    const pairs = from.first(scope)
    if (!Array.isArray(pairs) || !name || !values) return null
    const record = {}
    for (const item of pairs) {
      const key = firstOf(name, { ...scope, item })
      if (typeof key === 'string')
        setOwn(record, named(key), firstOf(values, { ...scope, item }) ?? null)
    }
    return record
  }
}

/**
 * Returns the name that a record has for a field of an event. `names` has other names by the event's
 * own; its entry "*" holds for the rest, with `*` for the event's name.
 */
function renaming(names: Record<string, string> = {}): (name: string) => string {
  const rest = ownValue(names, '*') ?? '*'
  return (name) => ownValue(names, name) ?? rest.replace('*', () => name)
}

/** Returns the value of the first path that has one. */
function firstOf(paths: readonly Path[], scope: Scope): unknown {
  for (const path of paths) {
    const value = path.first(scope)
    if (value !== undefined) return value
  }
  return undefined
}

function objectAt(from: Path, scope: Scope): Fields | null {
  const value = from.first(scope)
  return isMap(value) ? value : null
}
