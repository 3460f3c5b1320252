import type { CursorSeal } from '../../mdm/db/cursorSeal.ts'
import { cursorText } from '../../mdm/feed/cursor.ts'
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
/**
 * How long one page reads for a caller with row rights. A number of positions would reveal how many
 * events are hidden from it.
 */
const pageMsMax = 2_000
const positionsPerClockRead = 500
const tailerBehindMsMax = 2_000

/** Returns a page of the past: a subscription that ends at the head, or when the page is full. */
export async function readPastPage(
  tailer: Tailer,
  filter: FeedFilter,
  args: PastArgs,
  sight: RowVisibility | null,
  seal: CursorSeal | null,
) {
  const limit = pageLimit(args)
  try {
    // The page includes everything committed before the request, although the tailer may be
    // slightly behind.
    const head = await readHead(tailer.sql)
    await tailer.tail.waitForNews(head.position - 1, AbortSignal.timeout(tailerBehindMsMax))
    const own = seal && { seal, delivered: 0 }
    const oldest = { kind: 'TAIL' as const, position: head.oldest - 1 }
    const start = args.after ?? cursorText({ epoch: head.epoch, place: oldest, own })
    const until = performance.now() + pageMsMax
    const options = {
      after: start,
      snapshot: false,
      filter,
      bookmarkPositions: seal ? positionsPerClockRead : pagePositionsMax,
      sight,
      seal,
    }
    const nodes: Extract<FeedItem, { kind: 'CHANGE' }>[] = []
    let hasNextPage = true
    let end = start
    for await (const item of await follow(tailer, options)) {
      if (item.kind === 'CHANGE' && nodes.length === limit) break
      if (item.kind === 'CHANGE') nodes.push(item)
      if (item.kind === 'BOOKMARK' && seal && performance.now() < until) continue
      end = cursorText(item.at)
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
        startCursor: first ? cursorText(first.at) : null,
        endCursor: end,
      },
    }
  } catch (e) {
    throw asGraphqlError(e)
  }
}
