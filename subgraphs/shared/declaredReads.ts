export type Resolver = (...args: never[]) => unknown

const read = new WeakMap<Resolver, readonly string[]>()

/**
 * Declares which fields of a golden record's values a resolver reads. A resolver without a
 * declaration reads all.
 */
export function declareReads<R extends Resolver>(fields: readonly string[], resolver: R): R {
  read.set(resolver, fields)
  return resolver
}

/** Returns the declared fields; undefined without a declaration. */
export function declaredReads(resolver: Resolver): readonly string[] | undefined {
  return read.get(resolver)
}
