/**
 * Returns whether the values of both lists have keys, and no key in common. `keyOf` returns
 * undefined for a value without one.
 */
export function haveOtherKeys<T>(
  a: readonly T[],
  b: readonly T[],
  keyOf: (value: T) => string | undefined,
): boolean {
  let known = false
  for (const one of a) {
    const key = keyOf(one)
    if (key === undefined) continue
    for (const other of b) {
      const otherKey = keyOf(other)
      if (key === otherKey) return false
      known ||= otherKey !== undefined
    }
  }
  return known
}
