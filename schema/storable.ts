/**
 * Returns whether Postgres can store a text unchanged: it stores neither NUL nor a lone surrogate.
 */
export function isStorable(text: string): boolean {
  return !text.includes('\0') && text.isWellFormed()
}

/**
 * Returns the text with U+FFFD in place of NUL and lone surrogates, which Postgres cannot store.
 */
export function storable(text: string): string {
  return text.toWellFormed().replaceAll('\0', '\ufffd')
}

/** Returns a copy in which every text and name, however deep, is storable. */
export function allStorable<T>(value: T): T {
  if (typeof value === 'string') return storable(value) as T
  if (Array.isArray(value)) return value.map(allStorable) as T
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, v]) => [storable(name), allStorable(v)]),
  ) as T
}
