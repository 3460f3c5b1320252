declare const inheritsNothing: unique symbol

/**
 * An object whose keys come from data. It inherits nothing, so a key such as "constructor" is found
 * only where somebody set it, and "__proto__" is a key like any other. A plain object finds
 * `Object` under the first and loses the second.
 */
export interface Dictionary<V> {
  [key: string]: V
  readonly [inheritsNothing]: true
}

/**
 * Without a prototype, V8 keeps an object as a hash table; with an empty one its properties stay
 * fast.
 */
class Empty {}
Object.setPrototypeOf(Empty.prototype, null)
Reflect.deleteProperty(Empty.prototype, 'constructor')

/** Returns an empty dictionary. A `Map` is better wherever the result need not be an object. */
export function createDictionary<V>(): Dictionary<V> {
  return new Empty() as Dictionary<V>
}

/**
 * Returns an object's own value under a key that comes from data; undefined where it has none.
 * Plain reading would find what every object inherits: `{}['constructor']` is a function, and a
 * company may be named so.
 */
export function ownValue<V>(object: Readonly<Record<string, V>>, key: string): V | undefined {
  // dictionary: read where it is the object's own
  return Object.hasOwn(object, key) ? object[key] : undefined
}

/**
 * Sets an object's own value under a key that comes from data. Plain writing under "__proto__"
 * would set its prototype.
 */
export function setOwn<V>(object: Record<string, V>, key: string, value: V): void {
  if (key === '__proto__')
    Object.defineProperty(object, key, {
      value,
      enumerable: true,
      writable: true,
      configurable: true,
    })
  // dictionary: every other key becomes the object's own
  else object[key] = value
}

const INHERITED = new Set(Object.getOwnPropertyNames(Object.prototype))

/**
 * Whether every plain object has something under this name: "constructor", "toString", "__proto__"
 * …
 */
export function isInherited(name: string): boolean {
  return INHERITED.has(name)
}
