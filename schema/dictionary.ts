/**
 * Returns an object's own value under a key that comes from data; undefined where it has none.
 * Plain reading would find what every object inherits: `{}['constructor']` is a function, and a
 * company may be named so.
 */
export function ownValue<V>(object: Readonly<Record<string, V>>, key: string): V | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined
}
