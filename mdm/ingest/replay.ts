import { setTimeout as sleep } from 'node:timers/promises'
import { appendAudit } from '../audit/audit.ts'
import type { Sql } from '../db/database.ts'
import { transaction } from '../db/transaction.ts'
import { countReplaying, newestMessage, readForReplay } from '../inbox/replayable.ts'
import { requeue } from '../inbox/requeue.ts'

export interface ReplayOptions {
  source: string
  /** Whether an object as the message names it is meant; without, all are. */
  isMeant?: (object: string | null) => boolean
  /** Received from then on, and before then. */
  from: Date | null
  to: Date | null
  /** Go on after this message, where an earlier run was stopped. */
  after: number
  actor: string
  reason: string
  /** Replayed messages that wait at a time, 5,000: what arrives meanwhile waits behind them. */
  waitingMax?: number
  /** How often the queue is looked at while it is full, 200 ms. */
  pollMs?: number
  signal?: AbortSignal
  told?: (sofar: Replayed) => void
}

export interface Replayed {
  /** Messages that were put into the queue; those that waited there already are not counted. */
  queued: number
  /** The last message that was looked at: where to go on. */
  last: number
  /** The last message there is to look at. */
  upTo: number
  /** All were looked at; else the signal came before. */
  complete: boolean
  /** Since when nothing was taken out of the full queue, in ms; 0 where it moves. */
  stuckMs: number
}

/** Messages that are looked at, and queued, in one statement. */
const stepRows = 1_000

/**
 * Puts messages of one source system into the queue again, in the order in which they came, but for those that somebody
 * corrected or discarded. They are read and mapped by the mapping that the workers have now: what is stored already is
 * mapped anew, what no record was made of before becomes one, and the version guard keeps older ones from overtaking
 * newer ones, so running it again changes nothing more. Never fills the queue beyond `waitingMax`.
 */
export async function replay(sql: Sql, options: ReplayOptions): Promise<Replayed> {
  const { waitingMax = 5_000, pollMs = 200, told = () => {}, isMeant = () => true } = options
  const upTo = await newestMessage(sql)
  const sofar: Replayed = { queued: 0, last: options.after, upTo, complete: false, stuckMs: 0 }
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
    if (!(await hasRoom(sql, waitingMax, sofar, told, { pollMs, signal: options.signal }))) break
    const rows = await readForReplay(sql, { ...options, after: sofar.last, upTo, rowsMax: stepRows })
    const meant = rows.filter((r) => isMeant(r.object)).map((r) => r.id)
    sofar.queued += await transaction(sql, (tx) => requeue(tx, meant))
    sofar.last = rows.length < stepRows ? upTo : (rows.at(-1)?.id ?? upTo)
    sofar.complete = rows.length < stepRows
    told(sofar)
    if (sofar.complete) break
  }
  return sofar
}

/** Waits until the queue has room; false when the signal came. */
async function hasRoom(
  sql: Sql,
  waitingMax: number,
  sofar: Replayed,
  told: (sofar: Replayed) => void,
  wait: { pollMs: number; signal: AbortSignal | undefined },
): Promise<boolean> {
  let least = Number.POSITIVE_INFINITY
  let movedAt = performance.now()
  for (;;) {
    if (wait.signal?.aborted) return false
    const waiting = await countReplaying(sql, waitingMax)
    if (waiting < least) movedAt = performance.now()
    least = Math.min(least, waiting)
    sofar.stuckMs = 0
    if (waiting + stepRows <= Math.max(waitingMax, stepRows)) return true
    sofar.stuckMs = performance.now() - movedAt
    told(sofar)
    await sleep(wait.pollMs, undefined, { signal: wait.signal }).catch(() => undefined)
  }
}
