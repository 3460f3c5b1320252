/**
 * Returns a value that came as JSON as a text, as `String` does for one without methods. `String`
 * itself calls a field of the data that is named toString, and throws.
 */
export function dataText(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value)
  return Array.isArray(value)
    ? value.map((v) => (v === null ? '' : dataText(v))).join(',')
    : '[object Object]'
}

/** Returns a value that came as JSON as a number; NaN for an object. */
export function dataNumber(value: unknown): number {
  return Number(typeof value === 'object' && value !== null ? dataText(value) : value)
}
