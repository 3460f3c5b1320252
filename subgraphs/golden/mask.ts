import type { Through } from '../../mdm/access/sensitiveAccess.ts'
import { sensitiveFields, withoutParts } from '../../mdm/feed/visible.ts'
import { hiddenFields } from '../../schema/hiddenFields.ts'
import { masked } from '../../schema/masked.ts'
import type { FieldPolicy, Policy, TypePolicy } from '../../schema/policy.ts'
import type { RequestContext } from '../shared/context.ts'

export function sensitiveOf(type: TypePolicy): string[] {
  return type.fields.filter((f) => f.sensitive).map((f) => f.name)
}

const sensitiveBy = new WeakMap<Policy, ReturnType<typeof sensitiveFields>>()

/** Returns the values of `maskedValues`, and records which sensitive fields they show. */
export function shownValues(
  policy: Policy,
  type: TypePolicy,
  values: Record<string, unknown> | null,
  context: RequestContext,
  through: Through,
  id: string | null,
): Record<string, unknown> | null {
  const { scopes } = context
  let sensitive = sensitiveBy.get(policy)
  if (!sensitive) {
    sensitive = sensitiveFields(policy)
    sensitiveBy.set(policy, sensitive)
  }
  context.shows(through, type.name, sensitive(type.name, values, scopes), id)
  return maskedValues(policy, type, values, scopes)
}

/** Returns one value of a golden record as `maskedValues` shows it; null if it is left out. */
export function maskedValue(
  policy: Policy,
  type: TypePolicy,
  field: string,
  value: unknown,
  scopes: ReadonlySet<string>,
): unknown {
  const [shown] = Object.values(maskedValues(policy, type, { [field]: value }, scopes) ?? {})
  return shown ?? null
}

/**
 * Returns the values of a golden or canonical record without those that the caller may not see,
 * parts of groups included, or with masks in their place.
 */
export function maskedValues(
  policy: Policy,
  type: TypePolicy,
  values: Record<string, unknown> | null,
  scopes: ReadonlySet<string>,
): Record<string, unknown> | null {
  const hidden = hiddenFields(policy, type, scopes)
  if (values === null || hidden.size === 0) return values
  const byName = new Map(type.fields.map((f) => [f.name, f]))
  const lacks = ({ sensitive }: FieldPolicy) => sensitive !== undefined && !scopes.has(sensitive)
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) => {
      const field = byName.get(name)
      if (!field || !hidden.has(name)) return [[name, value]]
      if (lacks(field)) return field.mask ? [[name, masked(field, value)]] : []
      const parts = policy.groups.get(field.typeName)?.fields.filter(lacks) ?? []
      return [[name, withoutParts(value, new Map(parts.map((p) => [p.name, p])))]]
    }),
  )
}
