import { GraphQLError } from 'graphql'
import { FeedError } from '../../mdm/feed/feedError.ts'
import type { FeedItem } from '../../mdm/feed/follow.ts'
import { asyncStream } from '../../schema/kit/asyncStream.ts'

/**
 * The value that the subscription's resolvers receive: an item of the feed, or the error that ended
 * it.
 */
export type Delivered = FeedItem | { kind: 'FAILED'; error: GraphQLError }

/** Converts the feed's errors, whose codes are meant for callers. The gateway masks all others. */
export function asGraphqlError(error: unknown): unknown {
  return error instanceof FeedError
    ? new GraphQLError(error.message, { extensions: { code: error.code } })
    : error
}

/**
 * Delivers a failure during a subscription as its last item. An iterator that throws behaves
 * differently on each transport; a result with errors does not.
 */
export function deliverFailures(
  items: AsyncIterableIterator<FeedItem>,
): AsyncIterableIterator<Delivered> {
  const next = async (): Promise<IteratorResult<Delivered, undefined>> => {
    try {
      return await items.next()
    } catch (e) {
      const error = asGraphqlError(e)
      if (!(error instanceof GraphQLError)) throw e
      return { done: false, value: { kind: 'FAILED', error } }
    }
  }
  return asyncStream(next, () => items.return?.())
}
