import { countVersions, readVersions, type VersionRow } from '../../mdm/golden/read/versions.ts'
import { pageItemsMax } from '../shared/connection.ts'
import type { RequestContext } from '../shared/context.ts'
import { inputError } from '../shared/errors.ts'
import type { Resolvers } from '../shared/subgraph.ts'
import type { SubgraphDeps } from '../shared/subgraphDeps.ts'
import { shownValues } from './mask.ts'

interface HistoryPage {
  after: boolean
  more: boolean
  rows: VersionRow[]
}

interface HistoryConnection {
  page(): Promise<HistoryPage>
  totalCount(): Promise<number>
}

/** Versions of one golden record, newest first; the cursor is the version. Throws BAD_CURSOR, PAGE_TOO_LARGE. */
export function historyConnection(
  id: string,
  { first, after }: { first: number; after?: string | null },
  context: RequestContext,
): HistoryConnection {
  if (first < 0 || first > pageItemsMax)
    throw inputError('PAGE_TOO_LARGE', `history has 0 to ${pageItemsMax} items a page, not ${first}`)
  const before = after ? versionOf(after) : null
  let page: Promise<HistoryPage> | undefined
  return {
    page() {
      page ??= context
        .load<VersionRow[]>(`history ${first} ${before}`, id, [], (ids, sql) =>
          readVersions(sql, ids, first + 1, before),
        )
        .then((rows) => ({ after: before !== null, more: rows.length > first, rows: rows.slice(0, first) }))
      return page
    },
    totalCount: () => context.load('historyCount', id, 0, (ids, sql) => countVersions(sql, ids)),
  }
}

function cursorFor(row: VersionRow): string {
  return Buffer.from(`v${row.version}`).toString('base64url')
}

function versionOf(cursor: string): number {
  const text = Buffer.from(cursor, 'base64url').toString('utf8')
  if (!/^v\d{1,9}$/.test(text)) throw inputError('BAD_CURSOR', 'the cursor is not one that a history gave out')
  return Number(text.slice(1))
}

export function historyResolvers({ policy }: SubgraphDeps): Resolvers {
  return {
    GoldenVersionConnection: {
      nodes: (c: HistoryConnection) => c.page().then((p) => p.rows),
      edges: (c: HistoryConnection) => c.page().then((p) => p.rows.map((node) => ({ node, cursor: cursorFor(node) }))),
      pageInfo: (c: HistoryConnection) =>
        c.page().then(({ rows, after, more }) => {
          const [start, end] = [rows[0], rows.at(-1)]
          return {
            hasNextPage: more,
            hasPreviousPage: after,
            startCursor: start ? cursorFor(start) : null,
            endCursor: end ? cursorFor(end) : null,
          }
        }),
    },
    GoldenVersion: {
      changedFields: (v: VersionRow) => v.changed,
      values: (v: VersionRow, _: unknown, context: RequestContext) =>
        shownValues(policy.type(v.type), v.values, context, 'HISTORY', v.goldenId),
    },
    VersionCause: {
      system: (c: VersionRow['cause']) => c.source,
      messageId: (c: VersionRow['cause']) => c.inboxId,
    },
  }
}
