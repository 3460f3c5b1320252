import {
  type Connection,
  ConnectionError,
  type PulledPage,
  type PullPosition,
} from '../../connectors/connection/contract.ts'
import type { Sql } from '../db/database.ts'
import type { BacklogGate } from './backlog.ts'
import type { RowReader } from './pageMessages.ts'
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
    ...{ announced: null, waiting: false },
  }
  if (from?.expiresAt != null && from.expiresAt <= Date.now())
    throw new ConnectionError(
      'GONE',
      'POSITION_EXPIRED',
      `the position of ${object} of ${source} expired at ${new Date(from.expiresAt).toISOString()}`,
    )
  const pages = connection.pull(object, from, signal)
  let last = false
  let reading = nextPage(pages)
  try {
    for (;;) {
      const { value: page, done } = await reading
      if (done) break
      reading = page.last ? Promise.resolve({ value: undefined, done: true }) : nextPage(pages)
      last = page.last
      await backlog.pass(signal, () => onProgress?.({ ...progress, waiting: true }))
      signal.throwIfAborted()
      const stored = await storePage(sql, run, reader, page)
      progress.pages++
      progress.rows += page.rows.length
      progress.messages += stored.messages
      progress.deletions += stored.deletions
      progress.announced = page.total ?? progress.announced
      onProgress?.(progress)
    }
  } finally {
    await pages.return()
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

function nextPage(
  pages: AsyncGenerator<PulledPage, void, void>,
): Promise<IteratorResult<PulledPage, void>> {
  const reading = pages.next()
  // A failure is seen at the next await; until then it must not count as unhandled.
  reading.catch(() => {})
  return reading
}
