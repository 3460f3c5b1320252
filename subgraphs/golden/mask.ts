import { masked } from '../../schema/masked.ts'
import type { TypePolicy } from '../../schema/policy.ts'

/** Scopes that a caller needs to see everything of a type. */
export function scopesOf(type: TypePolicy): string[] {
  return [...new Set(type.fields.map((f) => f.sensitive).filter((s): s is string => s !== undefined))]
}

/** Values of a golden or canonical record without those that the caller may not see, or with masks in their place. */
export function maskedValues(
  type: TypePolicy,
  values: Record<string, unknown> | null,
  scopes: ReadonlySet<string>,
): Record<string, unknown> | null {
  const hidden = new Map(
    type.fields.flatMap((f) => (f.sensitive && !scopes.has(f.sensitive) ? [[f.name, f] as const] : [])),
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
