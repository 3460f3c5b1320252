/**
 * Returns true if lists and objects nest at most this many levels below a value. JSON.parse takes any
 * nesting; JSON.stringify and other readers are recursive and end with a RangeError.
 */
export function nestsWithin(levels: number, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true
  return levels >= 0 && Object.values(value).every((v) => nestsWithin(levels - 1, v))
}
