import type { Transaction } from '../db/database.ts'

/** Files of one object that are not at their end, in one state. */
export interface FileFigure {
  source: string
  /** Empty for manifests. */
  object: string
  state: 'waiting' | 'reading' | 'missing' | 'refused'
  count: number
}

/**
 * Counts the files that are not at their end, and the refused ones that hold back others; a scan of
 * the partial index of open files.
 */
export async function fileFigures(tx: Transaction): Promise<FileFigure[]> {
  return await tx<FileFigure[]>`
    select source, object, lower(state) as state, count(*)::int as count from file_delivery
    where (state in ('WAITING', 'READING', 'MISSING') or holds_back or (move is not null and moved_at is null))
      and state <> 'DONE' and (state <> 'REFUSED' or holds_back)
    group by 1, 2, 3`
}
