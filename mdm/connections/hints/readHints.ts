import type { PulledRow, Verdict } from '../../../connectors/connection/contract.ts'
import { laneOf } from '../../../connectors/queueOf.ts'
import type { Transaction } from '../../db/database.ts'
import { transaction } from '../../db/transaction.ts'
import { type Lease, leaseMs } from '../lease.ts'
import type { PullTools } from '../pullObject.ts'
import { readRows } from '../readRows.ts'
import { retryAt } from '../retryAt.ts'
import { lockObject, storeRows } from '../storePage.ts'
import { type DueHint, listDueHints, removeHints } from './dueHints.ts'

/** Records that one claim reads; the next claim goes on at once. */
export const hintsOfClaimMax = 500
/** Records whose rows are stored in one transaction. */
const batchMax = 100

export interface HintsRead {
  records: number
  /** Messages that were new; the others were known. */
  messages: number
  /** Records that are not there, or that the system refuses: their hints stay. */
  waiting: number
}

/** A hint that stays, and why. */
interface Waiting {
  hint: DueHint
  code: string
  detail: string
  dueAt: number
}

/**
 * Reads the records that events named and stores them as the rows of a page are stored. A hint is
 * removed in the transaction that stores its row. Throws ConnectionError for a failure that concerns
 * all of them, and LeaseLost; what was stored stays, and so do the other hints.
 */
export async function readHints(
  tools: PullTools,
  lease: Lease,
  signal: AbortSignal,
): Promise<HintsRead> {
  const total: HintsRead = { records: 0, messages: 0, waiting: 0 }
  while (total.records < hintsOfClaimMax) {
    signal.throwIfAborted()
    const due = await listDueHints(tools.sql, lease, batchMax)
    if (due.length === 0) break
    await tools.backlog.pass(laneOf(tools.reader, lease.object), signal)
    const { rows, waiting } = await readBatch(tools, lease, due, signal)
    total.messages += await storeRead(tools, lease, due, rows, waiting)
    total.records += due.length
    total.waiting += waiting.length
  }
  return total
}

async function readBatch(
  { connection }: PullTools,
  { source, object }: Lease,
  due: readonly DueHint[],
  signal: AbortSignal,
): Promise<{ rows: PulledRow[]; waiting: Waiting[] }> {
  const hints = new Map(due.map((hint) => [hint.id, hint]))
  const rows: PulledRow[] = []
  const waiting: Waiting[] = []
  const wait = (hint: DueHint, verdict: Verdict, code: string, detail: string) =>
    waiting.push({
      ...{ hint, code, detail },
      dueAt: retryAt(verdict, hint.attempts + 1, null, Date.now()),
    })
  for (const read of await connection.readSeveral(object, [...hints.keys()], signal)) {
    const hint = hints.get(read.id)
    if (!hint) continue
    if ('problem' in read) wait(hint, read.problem.verdict, read.problem.code, read.problem.message)
    else if (read.row) rows.push(read.row)
    else if (hint.gone)
      rows.push({ object, id: read.id, version: null, deleted: true, record: null })
    else
      wait(
        hint,
        'RETRY',
        'RECORD_MISSING',
        `an event names ${object} ${read.id}, and ${source} has no such record; no event says that it was deleted`,
      )
  }
  return { rows, waiting }
}

async function storeRead(
  { sql, reader }: PullTools,
  lease: Lease,
  due: readonly DueHint[],
  rows: readonly PulledRow[],
  waiting: readonly Waiting[],
): Promise<number> {
  const read = readRows(lease.source, reader, rows)
  const stays = new Set(waiting.map((w) => w.hint.id))
  const correlations = new Map(due.map((h) => [h.id, h.correlationId]))
  return await transaction(sql, async (tx) => {
    const lastInboxId = await lockObject(tx, lease)
    const stored = await storeRows(tx, lease, reader, read, {
      lastInboxId,
      measured: true,
      correlations,
    })
    await tx`
      update sync_state set inbox_id = greatest(inbox_id, ${stored.lastId}::bigint),
        leased_until = clock_timestamp() + make_interval(secs => ${leaseMs / 1_000})
      where source = ${lease.source} and object = ${lease.object}`
    await removeHints(
      tx,
      lease,
      due.filter((h) => !stays.has(h.id)),
    )
    await keepWaiting(tx, lease, waiting)
    return stored.messages
  })
}

async function keepWaiting(
  tx: Transaction,
  { source, object }: Lease,
  waiting: readonly Waiting[],
): Promise<void> {
  if (waiting.length === 0) return
  await tx`
    update read_hint h set attempts = h.attempts + 1, code = w.code, detail = w.detail,
      due_at = case when h.times = w.times then w.due_at::timestamptz else h.due_at end
    from unnest(${waiting.map((w) => w.hint.id)}::text[], ${waiting.map((w) => w.hint.times)}::bigint[],
      ${waiting.map((w) => w.code)}::text[], ${waiting.map((w) => w.detail)}::text[],
      ${waiting.map((w) => new Date(w.dueAt).toISOString())}::text[]) as w (id, times, code, detail, due_at)
    where h.source = ${source} and h.object = ${object} and h.id = w.id`
}
