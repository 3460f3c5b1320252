import { isMap } from './rule.ts'

/** Keys below which the paths of a rule's value stand; hints and conditions beside them have none. */
const VALUES = ['from', 'join', 'major', 'minor'] as const

/**
 * Returns the paths from which a rule takes its value. Paths inside `each:` are relative to its
 * elements, and are left out.
 */
export function valuePaths(spec: unknown): string[] {
  if (typeof spec === 'string') return [spec]
  if (Array.isArray(spec)) return spec.flatMap(valuePaths)
  if (!isMap(spec) || 'each' in spec || 'constant' in spec) return []
  const parts = Object.entries(spec)
  const values = parts.filter(([key]) => (VALUES as readonly string[]).includes(key))
  const group = parts.filter(([key]) => key !== 'when')
  return (values.length > 0 ? values : group).flatMap(([, part]) => valuePaths(part))
}
