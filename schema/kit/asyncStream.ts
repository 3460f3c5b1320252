/**
 * Returns an async iterator over `next` that `return` ends at once, even while a `next` is pending:
 * `end` stops the source, and is called for each `return` or `throw`. The `return` of a generator
 * would first finish the pending `next`, so a client that has gone would keep its place until
 * something changes.
 */
export function asyncStream<T>(
  next: () => Promise<IteratorResult<T, undefined>>,
  end: () => Promise<unknown> | undefined,
): AsyncIterableIterator<T, undefined> {
  const stream: AsyncIterableIterator<T, undefined> = {
    next,
    async return() {
      await end()
      return { done: true, value: undefined }
    },
    async throw(error) {
      await end()
      throw error
    },
    [Symbol.asyncIterator]: () => stream,
  }
  return stream
}
