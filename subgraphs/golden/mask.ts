import type { TypePolicy } from '../../schema/policy.ts'

/** Scopes that a caller needs to see everything of a type. */
export function scopesOf(type: TypePolicy): string[] {
  return [...new Set(type.fields.map((f) => f.sensitive).filter((s): s is string => s !== undefined))]
}

/** Values of a golden or canonical record without those that the caller may not see. */
export function maskedValues(
  type: TypePolicy,
  values: Record<string, unknown> | null,
  scopes: ReadonlySet<string>,
): Record<string, unknown> | null {
  const hidden = type.fields.filter((f) => f.sensitive && !scopes.has(f.sensitive)).map((f) => f.name)
  if (values === null || hidden.length === 0) return values
  return Object.fromEntries(Object.entries(values).filter(([name]) => !hidden.includes(name)))
}
