import { createHash } from 'node:crypto'
import { ownValue } from '../../schema/kit/dictionary.ts'
import type { FieldPolicy, Policy, TypePolicy } from '../../schema/policy.ts'
import { foldVersion } from './words.ts'

/** A field of a golden type by whose text records are found. */
export interface SearchField {
  /** Names from the type to the value: a part of a group has two. */
  path: string[]
  /** The scopes that a caller needs to see the value, sorted. */
  scopes: string[]
}

/** A text of a golden record, with the field that holds it. */
export interface SearchValue {
  field: SearchField
  text: string
}

/** Codes that thousands of records share find nothing. */
const CODES = new Set(['COUNTRY', 'CURRENCY', 'DATE'])
/** Largest number of texts of one record that are searched. */
export const valuesMax = 200

const known = new WeakMap<Policy, Map<string, SearchField[]>>()

/** Returns the searched fields of a golden type: its texts, and the texts in its groups. */
export function searchFields(policy: Policy, type: TypePolicy): SearchField[] {
  let byType = known.get(policy)
  if (!byType) {
    byType = new Map()
    known.set(policy, byType)
  }
  let fields = byType.get(type.name)
  if (!fields) {
    fields = type.fields.flatMap((f) => fieldsOf(policy, f, [], new Set()))
    byType.set(type.name, fields)
  }
  return fields
}

function fieldsOf(
  policy: Policy,
  f: FieldPolicy,
  above: string[],
  scopes: ReadonlySet<string>,
): SearchField[] {
  const path = [...above, f.name]
  const needed = f.sensitive ? new Set([...scopes, f.sensitive]) : scopes
  if (f.kind === 'STRING')
    return f.format && CODES.has(f.format) ? [] : [{ path, scopes: [...needed].sort() }]
  if (f.kind !== 'GROUP' || f.typeName === 'Money') return []
  const parts = policy.groups.get(f.typeName)?.fields ?? []
  return parts.flatMap((part) => fieldsOf(policy, part, path, needed))
}

/** Returns the name of a set of scopes in the table. */
export function scopesName(scopes: readonly string[]): string {
  return scopes.join(' ')
}

/** Returns the searched texts of a golden record, in the order of its fields. */
export function searchValues(
  fields: readonly SearchField[],
  values: Readonly<Record<string, unknown>>,
): SearchValue[] {
  const found: SearchValue[] = []
  for (const field of fields)
    for (const text of textsAt(values, field.path)) {
      if (found.length === valuesMax) return found
      found.push({ field, text })
    }
  return found
}

/** A version of an earlier policy may have a list where the model has one value, and the reverse. */
function textsAt(value: unknown, path: readonly string[]): string[] {
  if (Array.isArray(value)) return value.flatMap((v) => textsAt(v, path))
  const [name, ...rest] = path
  if (name === undefined) return typeof value === 'string' ? [value] : []
  if (typeof value !== 'object' || value === null) return []
  return textsAt(ownValue(value as Record<string, unknown>, name), rest)
}

/** Returns the names of the sets of scopes of some types that a caller has in full. */
export function visibleScopes(
  policy: Policy,
  types: readonly TypePolicy[],
  scopes: ReadonlySet<string>,
): string[] {
  const fields = types.flatMap((t) => searchFields(policy, t))
  return [
    ...new Set(
      fields.filter((f) => f.scopes.every((s) => scopes.has(s))).map((f) => scopesName(f.scopes)),
    ),
  ]
}

/** Returns a hash that changes when other words would be written for a record of the type. */
export function searchLayout(policy: Policy, type: TypePolicy): string {
  const layout = [foldVersion(), searchFields(policy, type)]
  return createHash('sha256').update(JSON.stringify(layout)).digest('hex').slice(0, 16)
}
