/**
 * Returns a function that makes a value at its first call and returns the same one from then on.
 * For packages and tables that most processes never use: a package of hundreds of modules takes
 * longer to load than a short command takes to run. A value that could not be made is tried again.
 */
export function lazily<T>(make: () => T): () => T {
  let made: { value: T } | null = null
  return () => {
    made ??= { value: make() }
    return made.value
  }
}
