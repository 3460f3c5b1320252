import { setTimeout as sleep } from 'node:timers/promises'
import { appendAudit } from '../audit/audit.ts'
import type { Sql } from '../db/database.ts'
import { transaction } from '../db/transaction.ts'
import { countReplaying, newestMessage, readForReplay } from '../inbox/replayable.ts'
import { requeue } from '../inbox/requeue.ts'

export interface ReplayOptions {
  source: string
  /** Selects objects by the name in the message; all if undefined. */
  isMeant?: (object: string | null) => boolean
  /** Time range of receipt: from this moment on, and before that one. */
  from: Date | null
  to: Date | null
  /** Continues after this message, where an earlier run stopped. */
  after: number
  actor: string
  reason: string
  /**
   * Largest number of replayed messages that wait at a time; 5,000 by default. New messages wait
   * behind them.
   */
  waitingMax?: number
  /** Interval of checks while the queue is full, in ms; 200 by default. */
  pollMs?: number
  signal?: AbortSignal
  onProgress?: (progress: Replayed) => void
}

export interface Replayed {
  /** Messages put into the queue, without those that waited there already. */
  queued: number
  /** The last message that was read; continue after it. */
  last: number
  /** The last message of the range. */
  upTo: number
  /** True if all were read; false if the signal came first. */
  complete: boolean
  /** Time since the full queue last moved, in ms; 0 while it moves. */
  stuckMs: number
}

/** Messages that one statement reads and queues. */
const stepRows = 1_000

/**
 * Puts messages of one source system into the queue again, in order of arrival, except corrected
 * and discarded ones. They are read and mapped by the present mapping: stored records are mapped
 * again, messages that gave no record may give one, and the version guard keeps older ones from
 * overtaking newer ones. So a second run changes nothing more. Never exceeds `waitingMax` in the
 * queue.
 */
export async function replay(sql: Sql, options: ReplayOptions): Promise<Replayed> {
  const { waitingMax = 5_000, pollMs = 200, onProgress = () => {}, isMeant = () => true } = options
  const upTo = await newestMessage(sql)
  const progress: Replayed = { queued: 0, last: options.after, upTo, complete: false, stuckMs: 0 }
  await transaction(sql, async (tx) => {
    const { source, from, to, after } = options
    await appendAudit(tx, {
      event: 'REPLAY',
      actor: options.actor,
      reason: options.reason,
      source,
      from,
      to,
      after,
      upTo,
    })
  })
  while (!options.signal?.aborted) {
    if (!(await hasRoom(sql, waitingMax, progress, onProgress, { pollMs, signal: options.signal })))
      break
    const rows = await readForReplay(sql, {
      ...options,
      after: progress.last,
      upTo,
      rowsMax: stepRows,
    })
    const meant = rows.filter((r) => isMeant(r.object)).map((r) => r.id)
    progress.queued += await transaction(sql, (tx) => requeue(tx, meant))
    progress.last = rows.length < stepRows ? upTo : (rows.at(-1)?.id ?? upTo)
    progress.complete = rows.length < stepRows
    onProgress(progress)
    if (progress.complete) break
  }
  return progress
}

/** Waits until the queue has room. Returns false if the signal came. */
async function hasRoom(
  sql: Sql,
  waitingMax: number,
  progress: Replayed,
  onProgress: (progress: Replayed) => void,
  wait: { pollMs: number; signal: AbortSignal | undefined },
): Promise<boolean> {
  let least = Number.POSITIVE_INFINITY
  let movedAt = performance.now()
  for (;;) {
    if (wait.signal?.aborted) return false
    const waiting = await countReplaying(sql, waitingMax)
    if (waiting < least) movedAt = performance.now()
    least = Math.min(least, waiting)
    progress.stuckMs = 0
    if (waiting + stepRows <= Math.max(waitingMax, stepRows)) return true
    progress.stuckMs = performance.now() - movedAt
    onProgress(progress)
    await sleep(wait.pollMs, undefined, { signal: wait.signal }).catch(() => undefined)
  }
}
