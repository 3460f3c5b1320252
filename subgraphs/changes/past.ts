import { encodeCursor } from '../../mdm/feed/cursor.ts'
import type { FeedFilter } from '../../mdm/feed/filter.ts'
import { type FeedItem, follow } from '../../mdm/feed/follow.ts'
import { readHead } from '../../mdm/feed/read.ts'
import type { RowVisibility } from '../../mdm/feed/rowVisibility.ts'
import type { Tailer } from '../../mdm/feed/tailer.ts'
import { pageLimit } from '../shared/connection.ts'
import type { FilterArgs } from './filterArgs.ts'
import { asGraphqlError } from './items.ts'

export interface PastArgs extends FilterArgs {
  after?: string | null
  first?: number | null
}

/**
 * Maximum positions that one page reads. With a narrow filter, a page may therefore end before it
 * is full.
 */
const pagePositionsMax = 20_000
const tailerBehindMsMax = 2_000

/** Returns a page of the past: a subscription that ends at the head, or when the page is full. */
export async function readPastPage(
  tailer: Tailer,
  filter: FeedFilter,
  args: PastArgs,
  sight: RowVisibility | null,
) {
  const limit = pageLimit(args)
  try {
    // The page includes everything committed before the request, although the tailer may be
    // slightly behind.
    const head = await readHead(tailer.sql)
    await tailer.tail.waitForNews(head.position - 1, AbortSignal.timeout(tailerBehindMsMax))
    const start =
      args.after ?? encodeCursor(head.epoch, { kind: 'TAIL', position: head.oldest - 1 })
    const options = {
      after: start,
      snapshot: false,
      filter,
      bookmarkPositions: pagePositionsMax,
      sight,
    }
    const nodes: Extract<FeedItem, { kind: 'CHANGE' }>[] = []
    let hasNextPage = true
    let end = start
    for await (const item of await follow(tailer, options)) {
      if (item.kind === 'CHANGE' && nodes.length === limit) break
      if (item.kind === 'CHANGE') nodes.push(item)
      end = encodeCursor(item.at.epoch, item.at.place)
      if (item.kind === 'CAUGHT_UP') hasNextPage = false
      if (item.kind !== 'CHANGE' || nodes.length === limit) break
    }
    const [first] = nodes
    return {
      nodes,
      edges: nodes,
      pageInfo: {
        hasNextPage,
        hasPreviousPage: args.after !== null && args.after !== undefined,
        startCursor: first ? encodeCursor(first.at.epoch, first.at.place) : null,
        endCursor: end,
      },
    }
  } catch (e) {
    throw asGraphqlError(e)
  }
}
