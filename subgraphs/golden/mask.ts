import type { Through } from '../../mdm/access/sensitiveAccess.ts'
import { ownValue } from '../../schema/kit/dictionary.ts'
import { masked } from '../../schema/masked.ts'
import type { TypePolicy } from '../../schema/policy.ts'
import type { RequestContext } from '../shared/context.ts'

/** Returns the scopes that a caller needs to see every field of a type. */
export function scopesOf(type: TypePolicy): string[] {
  return [
    ...new Set(type.fields.map((f) => f.sensitive).filter((s): s is string => s !== undefined)),
  ]
}

export function sensitiveOf(type: TypePolicy): string[] {
  return type.fields.filter((f) => f.sensitive).map((f) => f.name)
}

/** Returns the values of `maskedValues`, and records which sensitive fields they show. */
export function shownValues(
  type: TypePolicy,
  values: Record<string, unknown> | null,
  context: RequestContext,
  through: Through,
  id: string | null,
): Record<string, unknown> | null {
  const { scopes } = context
  const seen = type.fields.filter(
    (f) =>
      f.sensitive && scopes.has(f.sensitive) && (ownValue(values ?? {}, f.name) ?? null) !== null,
  )
  context.shows(
    through,
    type.name,
    seen.map((f) => f.name),
    id,
  )
  return maskedValues(type, values, scopes)
}

/**
 * Returns the values of a golden or canonical record without those that the caller may not see, or
 * with masks in their place.
 */
export function maskedValues(
  type: TypePolicy,
  values: Record<string, unknown> | null,
  scopes: ReadonlySet<string>,
): Record<string, unknown> | null {
  const hidden = new Map(
    type.fields.flatMap((f) =>
      f.sensitive && !scopes.has(f.sensitive) ? [[f.name, f] as const] : [],
    ),
  )
  if (values === null || hidden.size === 0) return values
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) => {
      const field = hidden.get(name)
      if (!field) return [[name, value]]
      return field.mask ? [[name, masked(field, value)]] : []
    }),
  )
}
