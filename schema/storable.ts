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
  return isStorable(text) ? text : text.toWellFormed().replaceAll('\0', '\ufffd')
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

const UNSTORABLE = /\\u(?:0000|d[89a-f][0-9a-f]{2})/
const ESCAPES = /\\(?:(u0000|ud[89a-f][0-9a-f]{2})|.)/g

/**
 * Returns a value as JSON that Postgres can store: with U+FFFD in place of NUL and lone surrogates.
 * A text that is cut in the middle of a character has one, too.
 */
export function storableJson(value: unknown): string {
  const json = JSON.stringify(value)
  // Every escape is read, so that a backslash before another one is not taken for its beginning.
  return UNSTORABLE.test(json)
    ? json.replace(ESCAPES, (whole, bad) => (bad === undefined ? whole : '\\ufffd'))
    : json
}
