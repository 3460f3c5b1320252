import { isDeepStrictEqual } from 'node:util'

/**
 * Returns whether two canonical values are the same. Null, an empty list and a missing part are all
 * nothing. The order of a list does not count, as in survivorship.
 */
export function isSameValue(a: unknown, b: unknown): boolean {
  return isDeepStrictEqual(comparable(a), comparable(b))
}

function comparable(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = value.map(comparable).filter((v) => v !== null)
    if (items.length === 0) return null
    return items.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
  }
  if (typeof value === 'object' && value !== null) {
    const parts = Object.entries(value)
      .map(([name, part]): [string, unknown] => [name, comparable(part)])
      .filter(([, part]) => part !== null)
      .sort(([a], [b]) => (a < b ? -1 : 1))
    return parts.length > 0 ? parts : null
  }
  return value ?? null
}
