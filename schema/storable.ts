/** Whether Postgres can keep a text as it is: it stores neither NUL nor half a surrogate pair. */
export function isStorable(text: string): boolean {
  return !text.includes('\0') && text.isWellFormed()
}

/** A text to compare with what is stored: one that cannot be stored becomes another that equals nothing stored. */
export function storable(text: string): string {
  return text.toWellFormed().replaceAll('\0', '\ufffd')
}

/** The same for every text in arguments, however deep. */
export function allStorable<T>(value: T): T {
  if (typeof value === 'string') return storable(value) as T
  if (Array.isArray(value)) return value.map(allStorable) as T
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, v]) => [name, allStorable(v)])) as T
}
