import {
  type Connection,
  ConnectionError,
  type PulledPage,
  type PullPosition,
} from '../../connectors/connection/contract.ts'
import { laneOf } from '../../connectors/queueOf.ts'
import type { Sql } from '../db/database.ts'
import type { BacklogGate } from './backlog.ts'
import { type ReadRow, type RowReader, readRows } from './readRows.ts'
import type { Run } from './runs.ts'
import { storePage } from './storePage.ts'

export interface PullProgress {
  source: string
  object: string
  mode: Run['mode']
  pages: number
  rows: number
  messages: number
  deletions: number
  /** Rows in total, where the system announces them. */
  announced: number | null
  /** Whether the pull waits because too many messages wait in the inbox. */
  waiting: boolean
  /** The last note of a page. */
  note: ConnectionError | null
}

export interface PullTools {
  sql: Sql
  connection: Connection
  reader: RowReader
  backlog: BacklogGate
  onProgress?: ((progress: PullProgress) => void) | undefined
}

/**
 * Reads an object page by page from a position on and stores each page with the position after it.
 * The next page is read while one is stored, so two pages are in memory. Throws ConnectionError and
 * LeaseLost; what was stored stays.
 */
export async function pullObject(
  tools: PullTools,
  run: Run,
  from: PullPosition | null,
  signal: AbortSignal,
): Promise<PullProgress> {
  const { sql, connection, reader, backlog, onProgress } = tools
  const { source, object } = run.lease
  const progress: PullProgress = {
    ...{ source, object, mode: run.mode, pages: 0, rows: 0, messages: 0, deletions: 0 },
    ...{ announced: null, waiting: false, note: null },
  }
  if (from?.expiresAt != null && from.expiresAt <= Date.now())
    throw new ConnectionError(
      'GONE',
      'POSITION_EXPIRED',
      `the position of ${object} of ${source} expired at ${new Date(from.expiresAt).toISOString()}`,
    )
  const pages = connection.pull(object, from, signal)
  let last = false
  let storing: Promise<void> = Promise.resolve()
  const store = async (page: PulledPage, rows: ReadRow[]) => {
    await backlog.pass(laneOf(reader, object), signal, () =>
      onProgress?.({ ...progress, waiting: true }),
    )
    signal.throwIfAborted()
    const stored = await storePage(sql, run, reader, page, rows)
    progress.pages++
    progress.rows += rows.length
    progress.messages += stored.messages
    progress.deletions += stored.deletions
    progress.announced = page.total ?? progress.announced
    progress.note = page.note ?? progress.note
    onProgress?.(progress)
  }
  try {
    for await (const page of pages) {
      const rows = readRows(source, reader, page.rows)
      await storing
      storing = store(page, rows)
      // A failure is seen at the next await; until then it must not count as unhandled.
      storing.catch(() => {})
      last = page.last
      if (last) break
    }
  } finally {
    await storing
  }
  // A run that ends early would pass for a complete one.
  if (!last)
    throw new ConnectionError(
      'INVALID',
      'PAGES_ENDED',
      `the pages of ${object} of ${source} ended without a last one`,
    )
  return progress
}
