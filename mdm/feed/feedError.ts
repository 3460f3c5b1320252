import { CodedError } from '../../schema/kit/codedError.ts'

/** Why the feed cannot be read from where the caller wants; docs/FEED.md, 4 and 8. */
export type FeedErrorCode =
  | 'CURSOR_INVALID'
  | 'CURSOR_OTHER_FEED'
  | 'CURSOR_FUTURE'
  | 'CURSOR_EXPIRED'
  | 'FILTER_INVALID'
  | 'FEED_BROKEN'

/** Its message is meant for the caller. */
export class FeedError extends CodedError<FeedErrorCode> {}
