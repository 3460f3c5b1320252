import { isOperational } from './operational.ts'
import type { FieldPolicy, Policy, TypePolicy } from './policy.ts'

type Scopes = ReadonlySet<string>

/** Returns the scope that a caller lacks to see a field and every part of its group; or null. */
export function missingScopeOf(
  policy: Pick<Policy, 'groups'>,
  field: Pick<FieldPolicy, 'sensitive' | 'typeName'>,
  scopes: Scopes,
): string | null {
  const parts = policy.groups.get(field.typeName)?.fields ?? []
  return [field, ...parts].find((f) => f.sensitive && !scopes.has(f.sensitive))?.sensitive ?? null
}

/** Names in issues of a record that are none of its fields. */
const OF_NO_FIELD: ReadonlySet<string> = new Set(['version', 'deleted'])

/**
 * Returns the scope that a caller lacks to learn of an issue; or null. That a hidden value has an
 * issue, and which one, is a fact about the value. The scope is the first that the type needs, so
 * that it does not show which field has the issue. The rights of a field that the policy no longer
 * has are unknown, so it counts as hidden. `field` may name a part: `address.street`.
 */
export function missingScopeOfIssue(
  policy: Pick<Policy, 'groups'>,
  type: TypePolicy,
  field: string,
  scopes: Scopes,
): string | null {
  const hidden = hiddenFields(policy, type, scopes)
  const [name = ''] = field.split('.', 1)
  const isKnown = OF_NO_FIELD.has(name) || type.fields.some((f) => f.name === name)
  return isKnown && !hidden.has(name) ? null : missingScopeOfType(policy, type, scopes)
}

/** Returns the first scope that a caller lacks to see every field of a type, or null. */
export function missingScopeOfType(
  policy: Pick<Policy, 'groups'>,
  type: TypePolicy,
  scopes: Scopes,
  isWanted: (field: FieldPolicy) => boolean = () => true,
): string | null {
  const hidden = hiddenFields(policy, type, scopes)
  if (hidden.size === 0) return null
  const first = type.fields.find((f) => hidden.has(f.name) && isWanted(f))
  return first ? missingScopeOf(policy, first, scopes) : null
}

/** The hidden fields of a type for sets of scopes: many rows of a response need the same one. */
const known = new WeakMap<Scopes, WeakMap<TypePolicy, ReadonlySet<string>>>()

/** Returns the names of the fields that a caller may not see, or not with every part. */
export function hiddenFields(
  policy: Pick<Policy, 'groups'>,
  type: TypePolicy,
  scopes: Scopes,
): ReadonlySet<string> {
  let byType = known.get(scopes)
  if (!byType) {
    byType = new WeakMap()
    known.set(scopes, byType)
  }
  let hidden = byType.get(type)
  if (!hidden) {
    const fields = type.fields.filter((f) => missingScopeOf(policy, f, scopes) !== null)
    hidden = new Set(fields.map((f) => f.name))
    byType.set(type, hidden)
  }
  return hidden
}

/**
 * Returns the names of changed fields without those that a caller may not see: whether a hidden
 * field changed reveals whether a value that the caller brought about equals the one before. The
 * rights of a field that the policy no longer has are unknown, so it counts as hidden.
 */
export function visibleChanges(
  policy: Pick<Policy, 'groups' | 'types'>,
  type: string,
  changed: readonly string[],
  scopes: Scopes,
): string[] {
  const found = policy.types.find((t) => t.name === type)
  if (!found) return isOperational(type) ? [...changed] : []
  const hidden = hiddenFields(policy, found, scopes)
  if (hidden.size === 0) return [...changed]
  return changed.filter((name) => !hidden.has(name) && found.fields.some((f) => f.name === name))
}

/** Returns values without the fields, and the parts of groups, that a caller may not see. */
export function withoutHidden(
  policy: Pick<Policy, 'groups'>,
  type: TypePolicy,
  values: Readonly<Record<string, unknown>>,
  scopes: Scopes,
): Record<string, unknown> {
  return cut(type.fields, values)

  function cut(fields: readonly FieldPolicy[], of: object): Record<string, unknown> {
    const byName = new Map(fields.map((f) => [f.name, f]))
    return Object.fromEntries(
      Object.entries(of).flatMap(([name, value]) => {
        const field = byName.get(name)
        if (!field || (field.sensitive && !scopes.has(field.sensitive))) return []
        const parts = policy.groups.get(field.typeName)?.fields
        return [[name, parts ? partsOf(parts, value) : value]]
      }),
    )
  }
  function partsOf(fields: readonly FieldPolicy[], value: unknown): unknown {
    if (Array.isArray(value)) return value.map((v) => partsOf(fields, v))
    return typeof value === 'object' && value !== null ? cut(fields, value) : value
  }
}
