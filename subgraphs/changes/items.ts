import { GraphQLError } from 'graphql'
import { FeedError } from '../../mdm/feed/feedError.ts'
import type { FeedItem } from '../../mdm/feed/follow.ts'
import { asyncStream } from '../../schema/kit/asyncStream.ts'

/** What the subscription's resolvers are given: an item of the feed, or what ended it. */
export type Delivered = FeedItem | { kind: 'FAILED'; error: GraphQLError }

/** Codes of the feed are for the caller; everything else the gateway masks. */
export function translated(error: unknown): unknown {
  return error instanceof FeedError
    ? new GraphQLError(error.message, { extensions: { code: error.code } })
    : error
}

/**
 * A failure in the middle of a subscription as its last item: an iterator that throws says
 * different things over different transports, while a result with errors is the same everywhere.
 */
export function delivered(
  items: AsyncIterableIterator<FeedItem>,
): AsyncIterableIterator<Delivered> {
  const next = async (): Promise<IteratorResult<Delivered, undefined>> => {
    try {
      return await items.next()
    } catch (e) {
      const error = translated(e)
      if (!(error instanceof GraphQLError)) throw e
      return { done: false, value: { kind: 'FAILED', error } }
    }
  }
  return asyncStream(next, () => items.return?.())
}
