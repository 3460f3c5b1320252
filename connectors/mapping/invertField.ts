import { ownValue } from '../../schema/kit/dictionary.ts'
import type { Canonical, FieldWriting, Inverted, WriteRefusal } from '../contract.ts'
import type { MappedObject } from './compileMapping.ts'
import { plain, sameCanonical, sameInAnyOrder, type WrittenSystem } from './inversePart.ts'
import { scopeOf } from './path.ts'

/**
 * Returns the values that make a record give `wanted` for a field. The record with the new values is
 * mapped again: where it gives another value, or is another record, the field is refused.
 */
export function invertField(
  object: MappedObject,
  field: string,
  wanted: unknown,
  raw: Readonly<Record<string, unknown>>,
  system: WrittenSystem,
): Inverted {
  const inverse = object.inverses.get(field)
  if (!inverse)
    return refused('NOT_MAPPED', `the mapping of ${object.name} has no rule for ${field}`)
  const before = object.map(raw)
  const value = plain(wanted)
  const expected = inverse.expected(value, system.ownIds, raw)
  const now = fieldOf(before, field)
  if (sameInAnyOrder(now, expected)) return { values: new Map(), also: [] }
  if (expected === undefined && object.required.includes(field))
    return refused('REQUIRED', `${field} is required for a ${object.as} and cannot be emptied`)
  const written = inverse.write(raw, value, system)
  if ('code' in written) return refused(written.code, written.detail)
  const difference = changedIdentity(object, raw, written.raw)
  if (difference !== null) return refused('IDENTITY', difference)
  const after = object.map(written.raw)
  if (!sameInAnyOrder(fieldOf(after, field), inverse.expected(value, system.ownIds, raw)))
    return refused('NOT_THE_VALUE', `the record would be read with another ${field}`)
  if (before.complete && !after.complete)
    return refused('NOT_THE_VALUE', 'the record would be read as incomplete')
  return {
    values: written.values,
    also: [
      ...changedFields(before, after).filter((name) => name !== field),
      ...relatives(object).flatMap((other) => {
        if (other.applies(scopeOf(raw)) !== other.applies(scopeOf(written.raw))) return [other.name]
        const changed = changedFields(other.map(raw), other.map(written.raw))
        return changed.map((name) => `${other.name}.${name}`)
      }),
    ],
  }
}

/** Returns which fields of an object can be written, and why others cannot. */
export function fieldWritings(object: MappedObject): Map<string, FieldWriting> {
  return new Map(
    [...object.inverses].map(([field, { obstacle, paths, parts, place }]) => [
      field,
      obstacle === null
        ? { paths: [...new Set(paths)], parts, obstacle: null }
        : {
            paths: [],
            parts: [],
            obstacle: { line: place.file.at(obstacle.at), why: obstacle.why },
          },
    ]),
  )
}

function refused(code: WriteRefusal['code'], detail: string): Inverted {
  return { refused: { code, detail } }
}

/** Returns how the write would make another record of this one; null where it would not. */
function changedIdentity(
  { idOf, deletedOf, applies }: MappedObject,
  raw: Record<string, unknown>,
  made: Record<string, unknown>,
): string | null {
  const [before, after] = [scopeOf(raw), scopeOf(made)]
  if (idOf(before) !== idOf(after)) return 'the record would have another id'
  if (deletedOf(before) !== deletedOf(after))
    return `the record would ${deletedOf(after) ? '' : 'no longer '}count as deleted`
  return applies(before) === applies(after) ? null : 'the record would be one of another object'
}

/** Returns the other objects that are read from the same raw record. */
function relatives(object: MappedObject): MappedObject[] {
  const base = object.of ?? object
  return [base, ...base.derived].filter((o) => o !== object)
}

function changedFields(before: Canonical, after: Canonical): string[] {
  const names = new Set([...Object.keys(before.fields), ...Object.keys(after.fields)])
  return [...names]
    .filter((name) => !sameCanonical(fieldOf(before, name), fieldOf(after, name)))
    .sort()
}

function fieldOf({ fields }: Canonical, field: string): unknown {
  return ownValue(fields, field)
}
